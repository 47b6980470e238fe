"""What a batch of embeddings shows of the backbone, while it is trained."""

from keras import ops

from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Tensor


def nearest_centroid_hits(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Classifies each item of a batch by the centroids of the other items.

    The centroid of a class is the mean of its embeddings of length one, without the
    item that is classified. The class with the largest cosine similarity is predicted.

    Args:
        embeddings: float `[B, D]`.
        labels: integer `[B]` or `[B, 1]`.

    Returns:
        A pair: whether the prediction is right, `[B]`, and a weight of 1 for each item
        whose class has other items in the batch. All weights are 0 if there is one
        class.
    """
    labels = ops.reshape(labels, (-1,))
    vectors = to_unit_length(embeddings)
    same = ops.cast(labels[:, None] == labels[None, :], vectors.dtype)
    # Column j is the class of item j: items of one class have equal columns. Whatever
    # is of the sum of a class is then less the item i itself, if it is of that class.
    products = ops.matmul(vectors, ops.transpose(vectors))
    with_sums = ops.matmul(products, same)
    squares = ops.sum(same * with_sums, axis=0)[None, :]
    own = ops.diagonal(products)[:, None]
    toward = with_sums - same * own
    squares -= same * (2.0 * with_sums - own)
    sizes = ops.sum(same, axis=1)[None, :] - same
    cosines = toward * ops.rsqrt(ops.maximum(squares, 1e-12))
    cosines = ops.where(sizes > 0, cosines, -2.0)
    best = ops.argmax(cosines, axis=1)
    hits = ops.cast(ops.take(labels, best) == labels, "float32")
    has_others = ops.sum(same, axis=1) > 1
    several = ops.any(labels != labels[0])
    return hits, ops.cast(ops.logical_and(has_others, several), "float32")


def spread(embeddings: Tensor) -> Tensor:
    """Returns how much the directions of embeddings differ, a scalar from 0 to 1.

    It is the mean of one minus the cosine similarity over all pairs.

    Args:
        embeddings: float `[B, D]`.
    """
    mean = ops.mean(to_unit_length(embeddings), axis=0)
    return 1.0 - ops.sum(ops.square(mean))
