"""Siamese networks."""

import functools

import keras
from keras import ops

from fsl_keras.heads import SiameseHead
from fsl_keras.losses import ContrastiveLoss
from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class SiameseNetwork(MetricModel):
    """Siamese network: learns whether two items are of one class.

    Its `pair_model`, which shares its layers, trains on pairs by plain Keras; the
    network then classifies by the likeness of a query to the examples of a class, and
    can be trained on episodes as well. With `comparison="sigmoid"` the likeness is
    the logit of a sigmoid unit on `|a - b|`, and the pair model gives the probability
    that both are of one class, for `loss="binary_crossentropy"`. With
    `comparison="distance"` it is the negative Euclidean distance, and the pair model
    gives the distance, for `fsl_keras.losses.ContrastiveLoss`. Distances within a
    margin tell classes apart, but their softmax is rarely sure of one. For distances
    the backbone can also be trained by itself on labelled batches, for
    `fsl_keras.losses.TripletLoss`.

    Reference:

    - [Koch et al., 2015](https://www.cs.cmu.edu/~rsalakhu/papers/oneshot1.pdf)
    - distance: [Hadsell et al., 2006](https://ieeexplore.ieee.org/document/1640964)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        comparison: `"sigmoid"` or `"distance"`.
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

    def __init__(
        self, backbone, comparison="sigmoid", aggregate="mean", name=None, **kwargs
    ):
        head = SiameseHead(comparison, aggregate, name="likeness")
        super().__init__(backbone, head, name=name, **kwargs)

    # In the instance's dictionary and no attribute that Keras tracks: its layers are
    # those of this model, and are saved with it.
    @functools.cached_property
    def pair_model(self):
        """A Keras model from pairs `(a, b)` to `[B, 1]`; to train it trains this one.

        It gives the probability that both are of one class, or the distance where
        this is the comparison. Both items of all pairs go through the backbone in one
        batch and share its statistics in training.
        """
        a, b = (
            keras.Input(self.item_shape, dtype=self.item_dtype, name=f"{self.name}_{x}")
            for x in "ab"
        )
        both = self.backbone(ops.concatenate([a, b], axis=0))
        likeness = self.head.compare(*ops.split(ops.cast(both, "float32"), 2, axis=0))
        if self.head.comparison == "distance":
            output = -likeness
        else:
            output = keras.layers.Activation("sigmoid", dtype="float32")(likeness)
        return keras.Model((a, b), output, name=f"{self.name}_pairs")

    def default_pair_loss(self):
        """Returns the loss that suits what `pair_model` gives."""
        if self.head.comparison == "distance":
            return ContrastiveLoss()
        return keras.losses.BinaryCrossentropy()

    def default_pair_metrics(self):
        """Returns the metrics that suit what `pair_model` gives."""
        return [] if self.head.comparison == "distance" else ["accuracy"]

    def get_config(self):
        config = super().get_config()
        del config["head"]
        comparison, aggregate = self.head.comparison, self.head.aggregate
        return {**config, "comparison": comparison, "aggregate": aggregate}
