"""Transfer learning: a pretrained backbone under a head of few examples."""

import re

import keras
import numpy as np

from fsl_keras import features
from fsl_keras.backbones import pretrained
from fsl_keras.backbones.check import check_backbone
from fsl_keras.heads import (
    DenseHead,
    Head,
    LogisticHead,
    NearestNeighborHead,
    PrototypeHead,
    RidgeHead,
    SimpleShotHead,
    WhitenedHead,
)
from fsl_keras.models.metric import MetricModel

HEADS = {
    "prototypes": PrototypeHead,
    "cosine": lambda: PrototypeHead("cosine"),
    "simple_shot": SimpleShotHead,
    "whitened": WhitenedHead,
    "nearest_neighbor": lambda: NearestNeighborHead(distance="cosine"),
    "ridge": lambda: RidgeHead(regularization=0.13, relative=True),
    "logistic": LogisticHead,
    "dense": DenseHead,
}


@keras.saving.register_keras_serializable(package="fsl_keras")
class TransferLearner(MetricModel):
    """Learns new classes from the features of a pretrained network.

    Adapting it to a few pictures of each class trains no network: they go through the
    frozen backbone once, and the head learns from their features. `fit` on episodes
    trains what is left to train: the head, where it has weights, and the last blocks
    of the backbone, where they are unfrozen. Batch normalization keeps the statistics
    it was pretrained with.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.04232)
    - [Tian et al., 2020](https://arxiv.org/abs/2003.11539)

    Args:
        backbone: name of an application for `backbones.pretrained` with the weights
            of ImageNet, or a built Keras model from items `[*, *item]` to vectors
            `[*, D]`, which is frozen; with `unfreeze` it is a copy of it that trains.
        head: `"cosine"` (prototypes by cosine similarity), `"prototypes"` (by squared
            distance), `"simple_shot"` and `"whitened"` (see `fit_base`),
            `"nearest_neighbor"`, `"ridge"`, `"logistic"`, `"dense"` (a hidden layer of
            64 units, by Adam), or any `Head`.
        unfreeze: optional string, the beginning of a layer's name: that layer of the
            backbone and those after it are trained, such as from `"conv5"` on in
            ResNet50 or `"block_16"` in MobileNetV2. By default none is.
        backbone_rate: float, the learning rate of unfrozen layers with the default
            optimizer; that of the head is 1e-3.
        name: optional string.

    Raises:
        ValueError: if there is no such head, or no layer of that name to unfreeze.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = fsl.backbones.pretrained(
    ...     "mobilenet_v2", weights=None, input_shape=(32, 32, 3), alpha=0.35)
    >>> learner = TransferLearner(backbone)
    >>> pictures = np.random.default_rng(0).integers(
    ...     0, 256, (4, 40, 50, 3), dtype="uint8")
    >>> classifier = learner.adapt(pictures, ["heron", "heron", "egret", "egret"])
    >>> classifier.class_names
    ['egret', 'heron']
    """

    def __init__(
        self,
        backbone,
        head="cosine",
        unfreeze=None,
        backbone_rate=1e-5,
        name=None,
        **kwargs,
    ):
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
        super().__init__(backbone, head, name=name, **kwargs)
        self.unfreeze = unfreeze
        self.backbone_rate = backbone_rate
        _train_from(self.backbone, unfreeze)

    def fit_base(self, data, cache=True):
        """Gives the head the statistics of base classes, which it can do without.

        `"simple_shot"` centres embeddings on their mean, and `"whitened"` also takes
        out what varies most within a class. Both compare better then.

        Args:
            data: `ClassDataset` of items of other classes than will be learned, many
                of each.
            cache: bool, whether features are kept on disk, see `features.embed`.

        Raises:
            ValueError: if the head has no statistics of base classes.
        """
        if not hasattr(self.head, "fit_base"):
            raise ValueError(
                f"{type(self.head).__name__} has no statistics of base classes; "
                f'`head="simple_shot"` and `head="whitened"` have.'
            )
        vectors = features.embed(data, self.backbone, cache=cache)
        parts = [vectors.class_items(name) for name in vectors.class_names]
        labels = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        self.head.fit_base(np.concatenate(parts), labels)

    def deployable(self):
        """Returns the learner that a classifier will own; see `MetricModel`.

        A frozen backbone is shared with it, not copied: nothing trains it on.
        """
        if self.unfreeze is not None or type(self) is not TransferLearner:
            return super().deployable()
        self.check_inductive()
        head = type(self.head).from_config(self.head.get_config())
        copy = TransferLearner(self.backbone, head, name=self.name)
        copy.head.set_weights(self.head.get_weights())
        return copy.with_origin_of(self)

    def default_optimizer(self):
        """Returns Adam, with a rate of its own for the layers that are unfrozen."""
        if not self.trainable_weights:
            return None
        rest = keras.optimizers.Adam(1e-3)
        if self.unfreeze is None:
            return rest
        paths = "|".join(re.escape(w.path) for w in self.backbone.trainable_weights)
        rates = {paths: keras.optimizers.Adam(self.backbone_rate)}
        return keras.optimizers.MultiOptimizer(
            keras.optimizers.OptimizerMap(rest, rates)
        )

    def fit(self, *args, **kwargs):
        """Trains on episodes what can be trained, as `keras.Model.fit`.

        Raises:
            ValueError: if there is nothing to train.
        """
        if not self.trainable_weights:
            raise ValueError(
                f"There is nothing to train: the backbone is frozen and "
                f"{type(self.head).__name__} has no weights. Go on with `evaluate` or "
                f"`adapt`, or unfreeze the last blocks with `unfreeze`."
            )
        return super().fit(*args, **kwargs)

    def get_config(self):
        return {
            **super().get_config(),
            "unfreeze": self.unfreeze,
            "backbone_rate": self.backbone_rate,
        }


def _copy(backbone):
    check_backbone(backbone)
    copy = keras.models.clone_model(backbone)
    copy.set_weights(backbone.get_weights())
    return copy


def _train_from(backbone, prefix):
    """Freezes a backbone up to the first layer whose name begins with a prefix."""
    layers = list(_layers(backbone))
    names = [layer.name.startswith(prefix) if prefix else False for layer in layers]
    if prefix and not any(names):
        listed = [layer.name for layer in layers if layer.weights][::10]
        raise ValueError(
            f"No layer of the backbone begins with {prefix!r}. Some of them: {listed}."
        )
    first = names.index(True) if prefix else len(layers)
    if prefix is None and not any(layer.trainable for layer in layers):
        return
    backbone.trainable = True
    for place, layer in enumerate(layers):
        layer.trainable = place >= first and not hasattr(layer, "moving_mean")


def _layers(model):
    """Yields the layers of a model and of the models in it, in their order."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _layers(layer)
        else:
            yield layer
