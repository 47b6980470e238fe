"""Training a backbone as a classifier of the training classes."""

import keras
import tensorflow as tf

from fsl_keras.backbones.check import check_backbone
from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.files import SavesBeside
from fsl_keras.layers import CosineDense

HEADS = ("linear", "cosine")


@keras.saving.register_keras_serializable(package="fsl_keras")
class SupervisedPretraining(ReadsUntuned, SavesBeside, keras.Model):
    """Trains a backbone to tell all training classes apart, as any classifier.

    Fit it on `ClassDataset.batches`, then give its `backbone` to a learner of new
    classes: `Baseline`, `SimpleShot`, `NearestNeighbor` or `MetaBaseline` after the
    linear head, `BaselinePlusPlus` after the cosine one.

    Reference:

    - [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`. It
            is trained itself, not a copy.
        classes: integer, the number of training classes.
        head: `"linear"` for a dense layer on the embedding, or `"cosine"` for the
            cosine similarities to a vector of each class.
        temperature: float, the factor of cosine similarities when training starts;
            it is learned. Unused with the linear head.
        name: optional string.

    Call arguments:
        items: `[B, *item]`.
        training: bool, whether batch normalization, dropout and the like train.

    Returns:
        float32 logits `[B, classes]`.

    Raises:
        ValueError: if the backbone is not built or gives no vectors, or there is no
            such head.

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
        self, backbone, classes, head="linear", temperature=10.0, name=None, **kwargs
    ):
        super().__init__(name=name, **kwargs)
        check_backbone(backbone)
        if len(backbone.output_shape) != 2:
            raise ValueError(
                f"`backbone` must give vectors: let it end with a pooling or `Flatten` "
                f"layer. Received: backbone={backbone!r} of output shape "
                f"{backbone.output_shape}"
            )
        if head not in HEADS:
            raise ValueError(f"`head` must be one of {HEADS}. Received: head={head!r}")
        self.backbone = backbone
        self.classes = classes
        self.head = head
        self.temperature = temperature
        # In float32 under every policy: a loss of hundreds of classes needs it.
        if head == "cosine":
            self.classifier = CosineDense(classes, temperature, name="classifier")
        else:
            self.classifier = keras.layers.Dense(
                classes, dtype="float32", name="classifier"
            )
        self.classifier.build(backbone.output_shape)
        self.built = True

    def call(self, items, training=None):
        return self.classifier(self.backbone(items, training=training))

    def compute_output_shape(self, items_shape):
        return (items_shape[0], self.classes)

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        metrics="auto",
        jit_compile="auto",
        **kwargs,
    ):
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: an optimizer, or `"auto"` for Adam at a rate of 1e-3.
            loss: a loss, or `"auto"` for the cross-entropy of the logits and integer
                labels. For label smoothing, one-hot the labels of the stream and pass
                `keras.losses.CategoricalCrossentropy(from_logits=True,
                label_smoothing=0.1)`.
            metrics: metrics, or `"auto"` for the accuracy.
            jit_compile: bool, or `"auto"` for XLA where a GPU is: on a CPU the
                plain graph is faster.
            **kwargs: further arguments of `keras.Model.compile`.
        """
        if isinstance(optimizer, str) and optimizer == "auto":
            optimizer = keras.optimizers.Adam(1e-3)
        if isinstance(loss, str) and loss == "auto":
            loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if isinstance(metrics, str) and metrics == "auto":
            metrics = ["accuracy"]
        if jit_compile == "auto" and not tf.config.list_physical_devices("GPU"):
            jit_compile = False
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def compile_from_config(self, config):
        """Compiles the model as it was when it was saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)

    def get_config(self):
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "classes": self.classes,
            "head": self.head,
            "temperature": self.temperature,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})
