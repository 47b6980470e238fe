"""Ridge regression on the embeddings, in closed form."""

import math

import keras
from keras import ops

from fsl_keras.heads.examples import ExampleHead, balanced_weights, presence
from fsl_keras.heads.head import ABSENT
from fsl_keras.heads.linear import root_mean_square

# The least regularization, as a share of the largest squared length of an example:
# less of it would drown in what float32 rounds away.
LEAST = 1e-4


@keras.saving.register_keras_serializable(package="fsl_keras")
class RidgeHead(ExampleHead):
    """Scores a query by a linear classifier, fitted by ridge regression.

    The weights `W = X^T (X X^T + lambda I)^-1 Y` regress the one-hot labels `Y` on the
    embeddings `X` and are solved for anew for each support set. Training goes through
    the solution: it learns an embedding in which such a classifier does well, the
    regularization lambda, and a scale and a bias of the logits, since regressed labels
    lie between 0 and 1. As in the paper's equations, there is no intercept for each
    class. A softmax does not see the bias; a loss of each logit alone does. Squared
    errors are weighted so that all classes count the same, however many examples they
    have.

    Reference:

    - [Bertinetto et al., 2019](https://arxiv.org/abs/1805.08136)

    Args:
        regularization: float above 0, lambda when training starts. It compares to
            the squared lengths of embeddings: never less than 1e-4 of the largest
            takes effect.
        temperature: float, the scale of the regressed labels when training starts;
            the bias starts at 0.
        learned: bool, whether training changes all three.
        relative: bool, whether lambda is in units of the mean squared length of the
            examples of a support set, so that one suits every backbone.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if the regularization is not above 0.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 3.0]]])
    >>> head = RidgeHead(regularization=1.0, temperature=10.0)
    >>> np.asarray(head(support, np.eye(2)[None], support)).round(3).tolist()
    [[[5.0, 0.0], [0.0, 9.0]]]
    """

    incremental = "refit"

    def __init__(
        self,
        regularization=1.0,
        temperature=10.0,
        learned=True,
        relative=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not 0 < regularization < math.inf:
            raise ValueError(
                f"`regularization` must be above 0, or the weights of fewer examples "
                f"than dimensions are not determined; try 1.0. Received: "
                f"regularization={regularization!r}"
            )
        self.regularization = regularization
        self.temperature = temperature
        self.learned = learned
        self.relative = relative
        constant = keras.initializers.Constant
        # Of the logarithm, every value that training finds is above 0.
        self.log_regularization = self.add_weight(
            name="log_regularization",
            shape=(),
            initializer=constant(math.log(regularization)),
            trainable=learned,
        )
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=constant(temperature),
            trainable=learned,
        )
        self.bias = self.add_weight(
            name="bias", shape=(), initializer="zeros", trainable=learned
        )
        self.built = True

    def prepare(self, memory):
        """Returns `{"weights": [T, D, N], "present": [T, N]}`."""
        labels = memory["labels"]
        # A row of zeros, in support and labels, adds nothing to either form.
        root = ops.stop_gradient(ops.sqrt(balanced_weights(labels)))
        support, targets = root * memory["support"], root * labels
        longest = ops.max(ops.sum(ops.square(support), axis=-1), axis=-1)
        ridge = ops.exp(self.log_regularization)
        if self.relative:
            ridge *= root_mean_square(memory["support"], labels)[:, 0, 0] ** 2
        ridge = ops.maximum(ridge, LEAST * longest)
        examples, length = support.shape[1:]
        if examples is not None and examples > length:
            weights = primal(support, targets, ridge)
        else:
            weights = dual(support, targets, ridge)
        return {"weights": weights, "present": presence(labels)}

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        query = ops.cast(query, "float32")
        logits = self.scale * ops.matmul(query, state["weights"]) + self.bias
        return ops.where(state["present"][:, None, :] > 0, logits, ABSENT)

    def get_config(self):
        return {
            **super().get_config(),
            "regularization": self.regularization,
            "temperature": self.temperature,
            "learned": self.learned,
            "relative": self.relative,
        }


def dual(support, labels, ridge):
    """Returns `X^T (X X^T + ridge I)^-1 Y`: a system of examples by examples.

    Args:
        support: float32 `[T, S, D]`, X.
        labels: float32 `[T, S, N]`, Y.
        ridge: float32 `[T]`, above 0.
    """
    transposed = ops.swapaxes(support, 1, 2)
    gram = ops.matmul(support, transposed)
    system = gram + ridge[:, None, None] * ops.eye(ops.shape(support)[1])
    return ops.matmul(transposed, ops.solve(system, labels))


def primal(support, labels, ridge):
    """Returns `(X^T X + ridge I)^-1 X^T Y`: equal, with dimensions by dimensions."""
    transposed = ops.swapaxes(support, 1, 2)
    covariance = ops.matmul(transposed, support)
    system = covariance + ridge[:, None, None] * ops.eye(support.shape[-1])
    return ops.solve(system, ops.matmul(transposed, labels))
