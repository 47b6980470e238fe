"""Linear discriminant analysis on the embeddings, learned from sums."""

from typing import Any

import keras
from keras import ops

from fsl_keras.heads.moments import MomentHead, diagonal, trace
from fsl_keras.heads.support import check_shrinkage
from fsl_keras.imports.backend import most_precise
from fsl_keras.typing import Tensor

# The smallest variance within classes that is not rounding, relative to the squared
# length of the embeddings.
EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class LinearDiscriminantHead(MomentHead):
    """Scores a query by linear discriminant analysis (LDA).

    Each class is a normal distribution around its mean. All share one covariance,
    which is the pooled covariance within classes, shrunk toward a multiple of the
    identity. Classes are equally probable before the query is seen. A logit is the log
    of the ratio of the densities of a class and of a distribution around the mean of
    all class means, which is linear in the query.

    The memory is sums: classes and examples may come one after the other, in any order,
    and the classifier is that of all of them at once ("streaming LDA"). It holds no
    example, and takes `8 * D**2` bytes and `8 * (D + 1)` for each class.

    Where each class has one example, there is no covariance, and logits are those of
    the nearest mean.

    Reference:

    - [Hayes & Kanan, 2020](https://arxiv.org/abs/1909.01520)

    Args:
        shrinkage: float in (0, 1], the weight of the identity in the covariance.
        power: float above 0, the exponent that the absolute values of the embeddings
            are raised to, with their signs (Tukey's power transform). Embeddings of a
            ReLU have many small and few large values; `0.5`, the square root, makes
            their distribution more normal. Defaults to `1.0`, the embeddings as they
            are.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `shrinkage` is not in (0, 1], or `power` is not above 0.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0, 4.0], [0.0, -4.0], [2.0, 4.0], [2.0, -4.0]]])
    >>> labels = np.eye(2)[None, [0, 0, 1, 1]]
    >>> query = np.array([[[0.0, 9.0]]])  # far where classes vary
    >>> head = LinearDiscriminantHead(shrinkage=0.5)
    >>> np.asarray(head(support, labels, query)).round(3).tolist()
    [[[0.125, -0.375]]]
    """

    def __init__(
        self, shrinkage: float = 0.7, power: float = 1.0, **kwargs: Any
    ) -> None:
        super().__init__(power, **kwargs)
        check_shrinkage(shrinkage)
        self.shrinkage = shrinkage
        self.built = True

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"weights": [T, D, N], "biases": [T, N], "present": [T, N]}`."""
        sums, counts = memory["sums"], memory["counts"]
        present = ops.cast(counts > 0, most_precise())[..., None]
        means = sums / ops.where(counts > 0, counts, 1.0)[..., None]
        center = _mean(means, present)
        offsets = present * (means - center)
        solved = ops.solve(self._covariance(memory, means), ops.swapaxes(offsets, 1, 2))
        # The halfway point between a mean and the center has logit 0.
        halfway = (means + center) / 2
        biases = -ops.einsum("tnd,tdn->tn", halfway, solved)
        state = {"weights": solved, "biases": biases, "present": present[..., 0]}
        return {name: ops.cast(value, "float32") for name, value in state.items()}

    def _covariance(self, memory, means):
        """Returns the shrunk covariance within classes, float64 `[T, D, D]`."""
        total = ops.sum(memory["counts"], axis=1)
        total = ops.where(total > 0, total, 1.0)[:, None, None]
        second = memory["products"] / total
        between = ops.einsum("tnd,tne->tde", means, memory["sums"]) / total
        covariance, length = second - between, second.shape[-1]
        variance = trace(covariance) / length
        # Single examples of each class leave the rounding of their products.
        is_known = variance > EPSILON * trace(second)
        shrunk = (1 - self.shrinkage) * covariance
        shrunk += diagonal(self.shrinkage * variance, length)
        identity = diagonal(ops.ones_like(variance), length)
        return ops.where(is_known[:, None, None], shrunk, identity)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "shrinkage": self.shrinkage}


def _mean(means, present):
    """Returns the mean `[T, 1, D]` of the means of classes that have examples."""
    number = ops.sum(present, axis=1, keepdims=True)
    total = ops.sum(present * means, axis=1, keepdims=True)
    return total / ops.where(number > 0, number, 1.0)
