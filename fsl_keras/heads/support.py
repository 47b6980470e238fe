"""Functions of labeled embeddings that several heads share."""

from keras import ops

from fsl_keras.heads.head import Head
from fsl_keras.layers.softmax import softmax
from fsl_keras.typing import Tensor

# The smallest value that is divided by, or of which the root is taken.
EPSILON = 1e-12


def presence(labels: Tensor) -> Tensor:
    """Returns which classes have an example: float32 `[T, N]` of `[T, S, N]`."""
    return ops.max(labels, axis=1)


def probabilities(logits: Tensor, labels: Tensor) -> Tensor:
    """Returns the softmax `[T, M, N]` over the classes that have an example.

    Args:
        logits: float32 `[T, M, N]`.
        labels: one-hot float32 `[T, S, N]`, zeros at padding.
    """
    return softmax(Head.mask_absent(logits, presence(labels)))


def one_hot_of(labels: Tensor) -> Tensor:
    """Returns the one-hot rows `[T, S, N]` of labels that are multiplied by weights."""
    return ops.cast(labels > 0, "float32")


def weighted_means(vectors: Tensor, weights: Tensor) -> Tensor:
    """Returns the weighted mean of the vectors per class.

    Args:
        vectors: float32 `[T, S, D]`.
        weights: float32 `[T, S, N]`, the weight of each vector per class.

    Returns:
        float32 `[T, N, D]`, zeros where all weights are zero.
    """
    totals = ops.sum(weights, axis=1)[..., None]
    sums = ops.matmul(ops.swapaxes(weights, 1, 2), vectors)
    return sums / ops.where(totals > 0, totals, 1.0)


def balanced_weights(labels: Tensor) -> Tensor:
    """Returns weights of examples that give all classes the same total weight.

    Args:
        labels: one-hot float32 `[T, S, N]`, zeros at padding. A row may be multiplied
            by the weight of its example, which then counts as so many.

    Returns:
        float32 `[T, S, 1]`: the number of examples divided by the number of classes
        and by the number of examples of the class. It is exactly 1 where all classes
        have equally many examples, and 0 at padding.
    """
    counts = ops.sum(labels, axis=1, keepdims=True)
    total = ops.sum(counts, axis=-1, keepdims=True)
    classes = ops.sum(ops.cast(counts > 0, "float32"), axis=-1, keepdims=True)
    of_class = total / ops.where(counts > 0, classes * counts, 1.0)
    return ops.sum(labels * of_class, axis=-1, keepdims=True)


def root_mean_square(support: Tensor, labels: Tensor) -> Tensor:
    """Returns the root mean square `[T, 1, 1]` of the lengths of the examples.

    Args:
        support: float32 `[T, S, D]`.
        labels: one-hot float32 `[T, S, N]`, zeros at padding, or times weights.
    """
    weights = ops.max(labels, axis=-1)
    squares = weights * ops.sum(ops.square(support), axis=-1)
    total = ops.sum(weights, axis=-1)
    mean = ops.sum(squares, axis=-1) / ops.where(total > 0, total, 1.0)
    return ops.sqrt(ops.maximum(mean, EPSILON))[:, None, None]


def power_transform(embeddings: Tensor, power: float) -> Tensor:
    """Raises the absolute values of embeddings to a power, with their signs (Tukey)."""
    if power == 1.0:
        return embeddings
    # The gradient of a root is infinite at zero.
    sizes = ops.maximum(ops.abs(embeddings), EPSILON)
    return ops.sign(embeddings) * sizes**power


def check_power(power: float) -> None:
    """Raises a `ValueError` if embeddings cannot be raised to this power."""
    if not power > 0:
        raise ValueError(
            f"`power` must be above 0, such as 0.5 for square roots. Received: "
            f"power={power!r}"
        )


def check_shrinkage(shrinkage: float) -> None:
    """Raises a `ValueError` if a covariance cannot be shrunk by this."""
    if not 0 < shrinkage <= 1:
        raise ValueError(
            f"`shrinkage` must be above 0 and at most 1, or the covariance of few "
            f"examples has no inverse; try 0.7. Received: shrinkage={shrinkage!r}"
        )


def with_ones(inputs: Tensor) -> Tensor:
    """Appends an input that is always one, whose weights are the biases."""
    return ops.concatenate([inputs, ops.ones_like(inputs[..., :1])], axis=-1)
