"""SimpleShot: nearest prototype among centred and normalized features."""

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.datasets import ClassDataset
from fsl_keras.episodes.tuner import untuned
from fsl_keras.heads import SimpleShotHead
from fsl_keras.models.frozen import FrozenFeatureModel

# How many items of a `ClassDataset` are embedded at a time.
BATCH = 64


@keras.saving.register_keras_serializable(package="fsl_keras")
class SimpleShot(FrozenFeatureModel):
    """Nearest prototype among pretrained features, centred and of length one.

    Call `center_on` with the data the backbone was trained on: the mean of its
    embeddings is subtracted from every embedding (CL2N). Without it embeddings are
    only scaled to length one (L2N), which the paper found worse. `fit` on episodes
    is refused: the center would not move with the backbone.

    Reference:

    - [Wang et al., 2019](https://arxiv.org/abs/1911.04623)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        name: optional string.

    Example:

    >>> import fsl_keras as fsl
    >>> items = np.random.default_rng(0).normal(size=(40, 4))
    >>> train = fsl.ClassDataset.from_arrays(items, np.arange(40) % 5)
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> model = SimpleShot(backbone)
    >>> model.center_on(train)
    >>> tuple(model.head.center.shape)
    (8,)
    """

    head_arguments = ()

    def __init__(self, backbone, name=None, **kwargs):
        super().__init__(backbone, SimpleShotHead(name="prototypes"), name, **kwargs)

    def center_on(self, data):
        """Makes the mean embedding of some data the center of all embeddings.

        Classifiers that were made before keep the center they have.

        Args:
            data: `ClassDataset`, of which every item counts once, or finite
                `tf.data.Dataset` of batches `items` or `(items, labels)`.

        Raises:
            ValueError: if the data has no end or no items.
        """
        if isinstance(data, ClassDataset):
            data = _once(data)
        if int(data.cardinality()) == tf.data.INFINITE_CARDINALITY:
            raise ValueError(
                "The data has no end, so it has no mean. Give the `ClassDataset` "
                "itself, or say how many batches with `batches(..., count=100)`."
            )
        items = tf.TensorSpec((None, *self.item_shape), self.item_dtype)
        embed = tf.function(
            lambda items: self.backbone(items, training=False), input_signature=[items]
        )
        total, count = 0.0, 0
        for batch in untuned(data):
            items = batch[0] if isinstance(batch, tuple) else batch
            embeddings = embed(items).numpy().astype("float64")
            total = total + embeddings.sum(axis=0)
            count += len(embeddings)
        if not count:
            raise ValueError("The data has no items, so it has no mean.")
        self.head.center.assign(np.asarray(total / count, "float32"))


def _once(data):
    """Returns batches that hold every item of a `ClassDataset` once."""
    items = int(data.class_sizes.sum())
    # The last batch goes on with a second pass, which is cut off.
    batches = data.batches(BATCH, count=-(-items // BATCH))
    return batches.unbatch().take(items).batch(BATCH)
