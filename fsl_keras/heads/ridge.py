"""Ridge regression on the embeddings, in closed form."""

import math
from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.inverse import solve
from fsl_keras.heads.support import (
    balanced_weights,
    one_hot_of,
    presence,
    root_mean_square,
)
from fsl_keras.typing import Tensor

# The least regularization, relative to the largest squared length of an example: a
# smaller one would vanish in the rounding of float32.
MIN_REGULARIZATION = 1e-4


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class RidgeHead(ExampleHead):
    """Scores a query by a linear classifier, fitted by ridge regression.

    The weights `W = X^T (X X^T + lambda I)^-1 Y` regress the one-hot labels `Y` on the
    embeddings `X`, in closed form for each support set. Training backpropagates
    through the solution and learns an embedding for this classifier, the
    regularization lambda, and a scale and a bias of the logits, since regressed labels
    lie between 0 and 1. As in the equations of the paper, there is no intercept per
    class. The bias has no effect on a softmax, but on losses of single logits. Squared
    errors are weighted so that all classes have the same total weight.

    Reference:

    - [Bertinetto et al., 2019](https://arxiv.org/abs/1805.08136)

    Args:
        regularization: float above 0, the initial lambda, in units of squared lengths
            of embeddings. It is at least 1e-4 of the largest one.
        scale: float, the initial factor of the regressed labels. The bias starts at 0.
        learned: bool, whether training changes all three.
        relative: bool, whether lambda is in units of the mean squared length of the
            examples of the support set, so that one value suits every backbone.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `regularization` is not above 0.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 3.0]]])
    >>> head = RidgeHead(regularization=1.0, scale=10.0)
    >>> np.asarray(head(support, np.eye(2)[None], support)).round(3).tolist()
    [[[5.0, 0.0], [0.0, 9.0]]]
    """

    incremental = "refit"
    weighs_examples = True

    def __init__(
        self,
        regularization: float = 1.0,
        scale: float = 10.0,
        learned: bool = True,
        relative: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not 0 < regularization < math.inf:
            raise ValueError(
                f"`regularization` must be above 0, or the weights are not determined "
                f"where there are fewer examples than dimensions; try 1.0. Received: "
                f"regularization={regularization!r}"
            )
        self.regularization = regularization
        self.initial_scale = scale
        self.learned = learned
        self.relative = relative
        constant = keras.initializers.Constant
        # The logarithm is learned, so that the regularization stays above 0.
        self.log_regularization = self.add_weight(
            name="log_regularization",
            shape=(),
            initializer=constant(math.log(regularization)),
            trainable=learned,
        )
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=constant(scale),
            trainable=learned,
        )
        self.bias = self.add_weight(
            name="bias", shape=(), initializer="zeros", trainable=learned
        )
        self.built = True

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"weights": [T, D, N], "present": [T, N]}`."""
        labels = memory["labels"]
        # The weights of padding are 0: a row of zeros has no effect on either form.
        root = ops.stop_gradient(ops.sqrt(balanced_weights(labels)))
        support, targets = root * memory["support"], root * one_hot_of(labels)
        longest = ops.max(ops.sum(ops.square(support), axis=-1), axis=-1)
        ridge = ops.exp(self.log_regularization)
        if self.relative:
            ridge *= root_mean_square(memory["support"], labels)[:, 0, 0] ** 2
        ridge = ops.maximum(ridge, MIN_REGULARIZATION * longest)
        examples, length = support.shape[1:]
        if examples is not None and examples > length:
            weights = primal(support, targets, ridge)
        else:
            weights = dual(support, targets, ridge)
        return {"weights": weights, "present": presence(labels)}

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        logits = self.scale * ops.matmul(query, state["weights"]) + self.bias
        return self.mask_absent(logits, state["present"])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "scale": self.initial_scale,
            "learned": self.learned,
            "relative": self.relative,
        }


def dual(support: Tensor, labels: Tensor, ridge: Tensor) -> Tensor:
    """Returns `X^T (X X^T + ridge I)^-1 Y`: an S x S system.

    Args:
        support: float32 `[T, S, D]`, X.
        labels: float32 `[T, S, N]`, Y.
        ridge: float32 `[T]`, above 0.
    """
    transposed = ops.swapaxes(support, 1, 2)
    gram = ops.matmul(support, transposed)
    system = gram + ridge[:, None, None] * ops.eye(ops.shape(support)[1])
    return ops.matmul(transposed, solve(system, labels))


def primal(support: Tensor, labels: Tensor, ridge: Tensor) -> Tensor:
    """Returns `(X^T X + ridge I)^-1 X^T Y`: the same weights by a D x D system."""
    transposed = ops.swapaxes(support, 1, 2)
    covariance = ops.matmul(transposed, support)
    system = covariance + ridge[:, None, None] * ops.eye(support.shape[-1])
    return solve(system, ops.matmul(transposed, labels))
