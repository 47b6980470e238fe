"""Training a backbone as a classifier of the training classes."""

from typing import Any

import keras

from fsl_keras.backbones.check import check_backbone, check_gives_vectors
from fsl_keras.compat import renamed_arguments
from fsl_keras.layers import CosineDense
from fsl_keras.pretraining.training import BackboneTraining
from fsl_keras.typing import Model, Shape, Tensor

CLASSIFIERS = ("linear", "cosine")


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(head="classifier", temperature="scale")
class SupervisedPretraining(BackboneTraining):
    """Trains a backbone as a classifier of all training classes.

    Fit it on `ClassDataset.batches`, then pass its `backbone` to a learner of new
    classes: `Baseline`, `SimpleShot`, `NearestNeighbor` or `MetaBaseline` after a
    linear classifier, `BaselinePlusPlus` after a cosine classifier.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`. It is
            trained itself, not a copy.
        classes: integer, the number of training classes.
        classifier: `"linear"` (a dense layer) or `"cosine"` (cosine similarities to one
            weight vector per class). Defaults to `"linear"`.
        scale: float, the initial factor of cosine similarities, which is learned.
            Ignored by the linear classifier. Defaults to `10.0`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Call arguments:
        items: `[B, *item]`.
        training: bool, whether layers such as dropout are in training mode.

    Returns:
        float32 logits `[B, classes]`.

    Raises:
        ValueError: If the backbone is not built or does not give vectors, or the
            classifier is unknown.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> rng = np.random.default_rng(0)
    >>> data = fsl.ClassDataset.from_arrays(
    ...     rng.normal(size=(40, 4)), np.arange(40) % 5)
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> model = SupervisedPretraining(backbone, classes=len(data))
    >>> model.compile()
    >>> history = model.fit(
    ...     data.batches(8, seed=0), steps_per_epoch=5, verbose=0)
    >>> sorted(history.history)
    ['accuracy', 'loss']
    >>> learner = fsl.models.Baseline(model.backbone)
    """

    def __init__(
        self,
        backbone: Model,
        classes: int,
        classifier: str = "linear",
        scale: float = 10.0,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_backbone(backbone)
        check_gives_vectors(backbone)
        if classifier not in CLASSIFIERS:
            raise ValueError(
                f"`classifier` must be one of {CLASSIFIERS}. "
                f"Received: classifier={classifier!r}"
            )
        self.backbone = backbone
        self.classes = classes
        self.classifier_type = classifier
        self.initial_scale = scale
        # In float32 under every policy: a loss of hundreds of classes needs it.
        if classifier == "cosine":
            self.classifier = CosineDense(classes, scale, name="classifier")
        else:
            self.classifier = keras.layers.Dense(
                classes, dtype="float32", name="classifier"
            )
        self.classifier.build(backbone.output_shape)
        self.built = True

    def call(self, items: Tensor, training: bool | None = None) -> Tensor:
        return self.classifier(self.backbone(items, training=training))

    def compute_output_shape(self, items_shape: Shape) -> Shape:
        return (items_shape[0], self.classes)

    def compile(  # type: ignore[override]
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        metrics: Any = "auto",
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: an optimizer, or `"auto"` for Adam with a learning rate of 1e-3.
            loss: a loss, or `"auto"` for the cross-entropy of the logits and integer
                labels. For label smoothing, one-hot encode the labels and pass
                `keras.losses.CategoricalCrossentropy(from_logits=True,
                label_smoothing=0.1)`.
            metrics: metrics, or `"auto"` for the accuracy.
            jit_compile: bool, or `"auto"` for XLA if there is a GPU; on a CPU the plain
                graph is faster.
            **kwargs: further arguments of `keras.Model.compile`.
        """
        if isinstance(loss, str) and loss == "auto":
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if isinstance(metrics, str) and metrics == "auto":
            metrics = ["accuracy"]
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "classes": self.classes,
            "classifier": self.classifier_type,
            "scale": self.initial_scale,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SupervisedPretraining":
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})
