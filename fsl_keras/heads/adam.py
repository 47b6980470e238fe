"""Adam, for the weights of many tasks at once."""

from collections.abc import Callable

from keras import ops
from keras.tree import map_structure

from fsl_keras.typing import Nested

# The decay of the mean and of the mean square of gradients, and the term that keeps
# the step finite: Adam's defaults.
MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8


def adam(
    gradient_fn: Callable[[Nested], Nested],
    weights: Nested,
    steps: int,
    learning_rate: float,
) -> Nested:
    """Minimizes a loss by Adam, each task independently.

    It keeps no variables, so it can run inside the `score` of a head.

    Reference:

    - [Kingma & Ba, 2015](https://arxiv.org/abs/1412.6980)

    Args:
        gradient_fn: function from weights to the gradient of the loss of each task, of
            the same structure and shapes.
        weights: float32 `[T, ...]`, or a tuple of such tensors, the initial weights.
        steps: integer.
        learning_rate: float.

    Returns:
        The weights after the last step.

    Example:

    >>> weights = adam(lambda w: 2 * (w - 1), ops.zeros((1, 1)), 100, 0.1)
    >>> round(float(weights[0, 0]), 1)
    1.0
    """

    def step(index, carry):
        weights, means, squares = carry
        count = ops.cast(index + 1, "float32")
        gradients = gradient_fn(weights)

        def decayed(decay, old, new):
            return decay * old + (1 - decay) * new

        means = map_structure(lambda m, g: decayed(MEAN_DECAY, m, g), means, gradients)
        squares = map_structure(
            lambda s, g: decayed(SQUARE_DECAY, s, ops.square(g)), squares, gradients
        )
        # Both are biased toward their start at zero.
        step_size = learning_rate / (1 - MEAN_DECAY**count)
        correction = ops.rsqrt(1 - SQUARE_DECAY**count)

        def moved(weight, mean, square):
            return weight - step_size * mean / (ops.sqrt(square) * correction + EPSILON)

        weights = map_structure(moved, weights, means, squares)
        return weights, means, squares

    zeros = map_structure(ops.zeros_like, weights)
    return ops.fori_loop(0, steps, step, (weights, zeros, zeros))[0]
