"""Ridge regression on the embeddings, learned from sums."""

import math
from typing import Any

import keras
from keras import ops

from fsl_keras.heads.moments import MomentHead, diagonal, trace
from fsl_keras.typing import Shape, Tensor

# The smallest squared length that counts as one.
EPSILON = 1e-12


@keras.saving.register_keras_serializable(package="fsl_keras")
class StreamingRidgeHead(MomentHead):
    """Scores a query by ridge regression, whose memory does not grow with examples.

    The weights `W = (X^T X + lambda I)^-1 X^T Y` regress the one-hot labels `Y` on the
    embeddings `X`. The memory is the Gram matrix `X^T X` and the cross products
    `X^T Y`, which are sums over the examples: classes and examples may come one after
    the other, in any order, and the classifier is that of all of them at once.

    `RidgeHead` stores the examples, gives all classes the same total weight, and can be
    trained. Here each example has the same weight, because the Gram matrix is of all
    classes together. If classes have very different numbers of examples, use
    `LinearDiscriminantHead`. With equal numbers, both regressions are the same.

    With `projection`, embeddings first pass a fixed random matrix and a ReLU, of which
    the regression is linear ("RanPAC"): more features than embeddings have separate
    more classes. The matrix is drawn from the seed and never trained. The memory takes
    `8 * F**2` bytes for `F` features, 134 MB for 4,096, and `8 * (F + 1)` for each
    class.

    Reference:

    - [McDonnell et al., 2023](https://arxiv.org/abs/2307.02251)

    Args:
        regularization: float above 0, lambda in units of the mean squared length of the
            examples, so that one value suits every backbone.
        scale: float, the factor of the regressed labels.
        projection: optional integer, the number of random features.
        seed: integer, of the random matrix.
        power: as in `LinearDiscriminantHead`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `regularization` is not above 0, or `projection` is not a
            positive integer.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 3.0]]])  # mean squared length 5
    >>> head = StreamingRidgeHead(regularization=0.2)
    >>> np.asarray(head(support, np.eye(2)[None], support)).round(3).tolist()
    [[[5.0, 0.0], [0.0, 9.0]]]
    """

    def __init__(
        self,
        regularization: float = 0.3,
        scale: float = 10.0,
        projection: int | None = None,
        seed: int = 0,
        power: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(power, **kwargs)
        if not 0 < regularization < math.inf:
            raise ValueError(
                f"`regularization` must be above 0, or the weights are not determined "
                f"where there are fewer examples than dimensions; try 0.3. Received: "
                f"regularization={regularization!r}"
            )
        if projection is not None and not (projection == int(projection) > 0):
            raise ValueError(
                f"`projection` must be a positive integer, the number of random "
                f"features, or None. Received: projection={projection!r}"
            )
        self.regularization = regularization
        self.scale = scale
        self.projection = projection
        self.seed = seed
        self.matrix: Tensor = None

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the random matrix for embeddings of shape `[T, S, D]`."""
        del support_labels_shape, query_shape
        if self.projection is None:
            return
        length = support_shape[-1]
        self.matrix = self.add_weight(
            name="matrix",
            shape=(length, self.projection),
            # Features are as long as embeddings, in the mean.
            initializer=keras.initializers.RandomNormal(
                stddev=math.sqrt(2 / self.projection), seed=self.seed
            ),
            trainable=False,
        )

    def transform(self, embeddings: Tensor) -> Tensor:
        """Returns the embeddings after the power, or their random features."""
        embeddings = super().transform(embeddings)
        if self.projection is None:
            return embeddings
        embeddings = ops.cast(embeddings, "float32")
        return ops.relu(ops.matmul(embeddings, self.matrix))

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"weights": [T, F, N], "biases": [T, N], "present": [T, N]}`."""
        gram, counts = memory["products"], memory["counts"]
        total = ops.sum(counts, axis=1)
        squares = trace(gram) / ops.where(total > 0, total, 1.0)
        ridge = self.regularization * ops.maximum(squares, EPSILON)
        system = gram + diagonal(ridge, gram.shape[-1])
        weights = self.scale * ops.solve(system, ops.swapaxes(memory["sums"], 1, 2))
        state = {
            "weights": weights,
            "biases": ops.zeros_like(counts),
            "present": counts > 0,
        }
        return {name: ops.cast(value, "float32") for name, value in state.items()}

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "scale": self.scale,
            "projection": self.projection,
            "seed": self.seed,
        }
