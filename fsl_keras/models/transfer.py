"""Transfer learning: a pretrained backbone under a head of few examples."""

import re
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fsl_keras.backbones import pretrained
from fsl_keras.backbones.check import check_backbone
from fsl_keras.backbones.statistics import photograph_directions
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import (
    AutoHead,
    DenseHead,
    Head,
    LinearDiscriminantHead,
    LogisticHead,
    NearestNeighborHead,
    PrototypeHead,
    RidgeHead,
    SimpleShotHead,
    StreamingRidgeHead,
    WhitenedHead,
    WhitenedRidgeHead,
)
from fsl_keras.models.metric import MetricModel
from fsl_keras.typing import Model, Nested, Tensor

HEADS: dict[str, Callable[[], Head]] = {
    "auto": AutoHead,
    "prototypes": PrototypeHead,
    "cosine": lambda: PrototypeHead("cosine"),
    "simple_shot": lambda: SimpleShotHead(shrinkage=0.5),
    "whitened": lambda: WhitenedHead(0.95, power=0.7, directions=32),
    "whitened_ridge": WhitenedRidgeHead,
    "nearest_neighbor": lambda: NearestNeighborHead(distance="cosine"),
    "lda": LinearDiscriminantHead,
    "ridge": lambda: RidgeHead(regularization=0.13, relative=True),
    "streaming_ridge": StreamingRidgeHead,
    "logistic": LogisticHead,
    "dense": DenseHead,
}


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(backbone_rate="backbone_learning_rate")
class TransferLearner(MetricModel):
    """Learns new classes from the features of a pretrained network.

    Adapting it to a few images of each class trains no network: they go through the
    frozen backbone once, and the head learns from their features. `fit` on episodes
    trains what is left to train: the head, if it has weights, and the last layers of
    the backbone, if they are unfrozen. Batch normalization keeps the statistics it was
    pretrained with.

    Without `unfreeze` the learner never trains the backbone: it is no part of
    `trainable_weights`, and always runs in inference mode. Other models that share the
    backbone, such as `SupervisedPretraining`, may train it.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.04232)
    - [Tian et al., 2020](https://arxiv.org/abs/2003.11539)

    Args:
        backbone: name of an application for `backbones.pretrained` with the weights
            of ImageNet, or a built Keras model from items `[*, *item]` to vectors
            `[*, D]`. With `unfreeze`, a copy of it is trained.
        head: `"auto"` (the best of three for each support set, see `heads.AutoHead`),
            `"cosine"` (prototypes by cosine similarity), `"prototypes"` (by squared
            distance), `"simple_shot"`, `"whitened"` and `"whitened_ridge"` (see
            `fit_base`; until then the last two use what the package has of the
            network, see `backbones.statistics`), `"nearest_neighbor"`, `"lda"` (linear
            discriminant analysis), `"ridge"`, `"streaming_ridge"`, `"logistic"`,
            `"dense"` (a hidden layer of 64 units, by Adam), or any `Head`. The memory
            of `"lda"` and `"streaming_ridge"` does
            not grow with the examples.
        unfreeze: optional string, the beginning of a layer's name: that layer of the
            backbone and those after it are trained, such as from `"conv5"` on in
            ResNet50, `"block_16"` in MobileNetV2 or `"transformer_layer_3"` in a
            `SentenceEncoder`; or `"all"` for the whole backbone. None by default: the
            whole backbone is frozen.
        backbone_learning_rate: float, the learning rate of unfrozen layers with the
            default optimizer; that of the head is 1e-3.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Raises:
        ValueError: if there is no such head, or no layer of that name to unfreeze.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = fsl.backbones.pretrained(
    ...     "mobilenet_v2", weights=None, input_shape=(32, 32, 3), alpha=0.35)
    >>> learner = TransferLearner(backbone)
    >>> images = np.random.default_rng(0).integers(
    ...     0, 256, (4, 40, 50, 3), dtype="uint8")
    >>> classifier = learner.adapt(images, ["heron", "heron", "egret", "egret"])
    >>> classifier.class_names
    ['egret', 'heron']
    """

    # The classifier of `SupervisedPretraining` that suits the learner.
    pretraining_head = "linear"

    def __init__(
        self,
        backbone: Model | str,
        head: Head | str = "cosine",
        unfreeze: str | None = None,
        backbone_learning_rate: float = 1e-5,
        name: str | None = None,
        **kwargs: Any,
    ):
        by_name = not isinstance(head, Head)
        if not isinstance(head, Head):
            if head not in HEADS:
                raise ValueError(
                    f"`head` must be one of {list(HEADS)} or a head of "
                    f"`fsl_keras.heads`. Received: head={head!r}"
                )
            head = HEADS[head]()
        if isinstance(backbone, str):
            backbone = pretrained(backbone)
        if unfreeze is not None:
            # Classifiers share the frozen one.
            backbone = _copy(backbone)
            _train_from(backbone, unfreeze)
        super().__init__(backbone, head, name=name, **kwargs)
        if by_name and hasattr(self.head, "set_directions"):
            known = photograph_directions(self.backbone)
            if known is not None:
                self.head.set_directions(known)
        self.unfreeze = unfreeze
        self.backbone_learning_rate = backbone_learning_rate

    @property
    def trainable_variables(self) -> list:
        return self._trained(super().trainable_variables)

    @property
    def non_trainable_variables(self) -> list:
        return self._not_in(self.variables, self.trainable_variables)

    @property
    def trainable_weights(self) -> list:
        return self._trained(super().trainable_weights)

    @property
    def non_trainable_weights(self) -> list:
        return self._not_in(self.weights, self.trainable_weights)

    def _trained(self, variables):
        if self.unfreeze is not None:
            return variables
        return self._not_in(variables, self.backbone.variables)

    def _not_in(self, variables, others):
        others = {id(variable) for variable in others}
        return [v for v in variables if id(v) not in others]

    def embed(self, items: Tensor, training: bool = False) -> Tensor:
        """Embeds items `[T, S, *item]`; a frozen backbone runs in inference mode."""
        return super().embed(items, training and self.unfreeze is not None)

    def adapt(self, *args: Any, **kwargs: Any) -> FewShotClassifier:
        """Learns classes from a few examples; see `EpisodicModel.adapt`.

        It warns if statistics of base classes are not used, as the base is unlike the
        examples.
        """
        classifier = super().adapt(*args, **kwargs)
        explained = next(
            (v for k, v in classifier.state.items() if k.endswith("explained")), None
        )
        common = getattr(self.head, "common", None)
        if explained is not None and not np.any(explained) and np.any(common):
            warnings.warn(
                "The base classes are unlike the examples, so their statistics are not "
                "used. Pass items of the same kind to `fit_base`.",
                stacklevel=2,
            )
        return classifier

    def deployable(self) -> MetricModel:
        """Returns the learner that a classifier will own; see `MetricModel`.

        A `TransferLearner` with a frozen backbone shares it with the classifier. The
        backbone must not be trained by another model after that.
        """
        if self.unfreeze is not None or type(self) is not TransferLearner:
            return super().deployable()
        self.check_inductive()
        head = type(self.head).from_config(self.head.get_config())
        copy = TransferLearner(self.backbone, head, name=self.name)
        copy.head.set_weights(self.head.get_weights())
        return copy.with_origin_of(self)

    def default_optimizer(self) -> Any:
        """Returns Adam, with another learning rate for unfrozen layers, or None."""
        if not self.trainable_weights:
            return None
        rest = keras.optimizers.Adam(1e-3)
        if self.unfreeze is None:
            return rest
        paths = "|".join(re.escape(w.path) for w in self.backbone.trainable_weights)
        rates = {paths: keras.optimizers.Adam(self.backbone_learning_rate)}
        return keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(rest, rates)
        )

    def fit(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Trains on episodes what can be trained, as `keras.Model.fit`.

        Raises:
            ValueError: if there is nothing to train.
        """
        self._check_trainable()
        return super().fit(*args, **kwargs)

    def train_step(self, data: Nested) -> dict[str, Tensor]:
        """Takes one optimizer step on a batch of episodes.

        Raises:
            ValueError: if there is nothing to train.
        """
        self._check_trainable()
        return super().train_step(data)

    def _check_trainable(self):
        if self.trainable_weights:
            return
        name = type(self).__name__
        raise ValueError(
            f"{name} has nothing to train: its backbone is frozen and "
            f"{type(self.head).__name__} has no trainable weights. Continue with "
            f"`evaluate` or `adapt`, unfreeze the last layers with `unfreeze`, or "
            f"pretrain the backbone: fit `SupervisedPretraining(backbone, "
            f"classes=len(data), classifier={self.pretraining_head!r})` on "
            f"`data.batches(64)`."
        )

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        if self.unfreeze is None:
            return config
        rate = self.backbone_learning_rate
        return {**config, "unfreeze": self.unfreeze, "backbone_learning_rate": rate}


def _copy(backbone):
    check_backbone(backbone)
    # `keras.models.clone_model` would make a functional model of any subclass.
    copy = type(backbone).from_config(backbone.get_config())
    copy.set_weights(backbone.get_weights())
    return copy


def _train_from(backbone, prefix):
    """Freezes a backbone up to the first layer whose name begins with a prefix."""
    layers = list(_layers(backbone))
    found = [
        prefix == "all" or any(name.startswith(prefix) for name in names)
        for _, names in layers
    ]
    if not any(found):
        shown = [name for x, names in layers if x.weights for name in names[:2]]
        known = list(dict.fromkeys(shown))
        raise ValueError(
            f"No layer of the backbone begins with the name to unfreeze. Some of them: "
            f"{known[:: 1 + len(known) // 10]}. Received: unfreeze={prefix!r}"
        )
    first = found.index(True)
    backbone.trainable = True
    for place, (layer, _) in enumerate(layers):
        is_trained = place >= first and not hasattr(layer, "moving_mean")
        # Keras ignores a value that a layer has already, though the layers in it, which
        # a configuration does not name, may have another.
        layer.trainable = not is_trained
        layer.trainable = is_trained


def _layers(layer, outer=()):
    """Yields the innermost layers in their order, and the names of each.

    The names are its own, after those of the layers that contain it. A layer with
    weights beside those of its inner layers is not taken apart.
    """
    if isinstance(layer, keras.Model):
        inner, names = layer.layers, outer
    else:
        inner = list(layer._flatten_layers(include_self=False, recursive=False))
        names = (*outer, layer.name)
    if not inner or len(layer.weights) > sum(len(part.weights) for part in inner):
        yield layer, names
        return
    for part in inner:
        yield from _layers(part, names)
