"""Siamese networks."""

import functools
from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.episodes.replicas import TrainsOnReplicas
from fsl_keras.heads import SiameseHead
from fsl_keras.losses import ContrastiveLoss
from fsl_keras.models.metric import MetricModel
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
class PairModel(TrainsOnReplicas, keras.Model):
    """A functional Keras model of pairs of items."""


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(comparison="similarity")
class SiameseNetwork(MetricModel):
    """Siamese network: learns whether two items are of the same class.

    Its `pair_model`, which shares its layers, trains on pairs as any Keras model. The
    network classifies by the similarity of a query to the examples of each class, and
    can be trained on episodes as well. With `similarity="learned"` the pair model
    gives the probability that both items are of the same class, for
    `loss="binary_crossentropy"`. With `similarity="euclidean"` it gives their distance,
    for `fsl_keras.losses.ContrastiveLoss`; the softmax of distances within a margin is
    accurate, but rarely confident. For distances the backbone can also be trained on
    its own on labeled batches, with `fsl_keras.losses.TripletLoss`.

    Reference:

    - [Koch et al., 2015](https://www.cs.cmu.edu/~rsalakhu/papers/oneshot1.pdf)
    - euclidean: [Hadsell et al., 2006](https://ieeexplore.ieee.org/document/1640964)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        similarity: `"learned"` or `"euclidean"`, see `SiameseHead`.
        aggregate: `"mean"` or `"max"`, over the examples of a class.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> items = np.random.default_rng(0).normal(size=(12, 4)).astype("float32")
    >>> data = fsl.ClassDataset.from_arrays(items, np.repeat([0, 1, 2], 4))
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> model = SiameseNetwork(backbone)
    >>> model.pair_model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    >>> pairs = data.pairs(8, count=2)
    >>> history = model.pair_model.fit(pairs, shuffle=False, verbose=0)
    >>> x, y = next(iter(data.episodes(ways=3, shots=1, queries=2)))
    >>> model.predict(x, verbose=0).shape
    (1, 6, 3)
    """

    head_arguments = ("similarity", "aggregate")

    def __init__(
        self,
        backbone: Model,
        similarity: str = "learned",
        aggregate: str = "mean",
        name: str | None = None,
        **kwargs: Any,
    ):
        head = SiameseHead(similarity, aggregate, name="likeness")
        super().__init__(backbone, head, name=name, **kwargs)

    # A cached property is not tracked by Keras: the layers are those of this model and
    # are saved with it.
    @functools.cached_property
    def pair_model(self) -> Model:
        """A Keras model from pairs `(a, b)` to `[B, 1]`; training it trains this one.

        It gives the probability that both are of the same class, or their distance
        with `similarity="euclidean"`. Both items of all pairs go through the backbone
        in one batch and share its statistics in training.
        """
        a, b = (
            keras.Input(self.item_shape, dtype=self.item_dtype, name=f"{self.name}_{x}")
            for x in "ab"
        )
        both = ops.cast(self.backbone(ops.concatenate([a, b], axis=0)), "float32")
        similarity = self.head.pair_similarity(*ops.split(both, 2, axis=0))
        if self.head.similarity == "euclidean":
            output = -similarity
        else:
            output = keras.layers.Activation("sigmoid", dtype="float32")(similarity)
        return PairModel((a, b), output, name=f"{self.name}_pairs")

    def default_pair_loss(self) -> keras.losses.Loss:
        """Returns the loss for the output of `pair_model`."""
        if self.head.similarity == "euclidean":
            return ContrastiveLoss()
        return keras.losses.BinaryCrossentropy()

    def default_pair_metrics(self) -> list[str]:
        """Returns the metrics for the output of `pair_model`."""
        return [] if self.head.similarity == "euclidean" else ["accuracy"]
