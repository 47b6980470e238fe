"""Adam, for the weights of many tasks at once."""

from keras import ops
from keras.tree import map_structure

# The decay of the mean and of the mean square of slopes, and what keeps a rate
# finite: Adam's own.
MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8


def adam(slope, weights, steps, learning_rate):
    """Follows a slope downwards by Adam, the weights of each task by themselves.

    No variables are kept, so it can run inside a head's `score`.

    Reference:

    - [Kingma & Ba, 2015](https://arxiv.org/abs/1412.6980)

    Args:
        slope: function from weights to the gradient of each task's loss, of the same
            structure and shapes.
        weights: float32 `[T, ...]`, or a tuple of such, where to begin.
        steps: integer.
        learning_rate: float.

    Returns:
        The weights after the last step.

    Example:

    >>> weights = adam(lambda w: 2 * (w - 1), ops.zeros((1, 1)), 100, 0.1)
    >>> round(float(weights[0, 0]), 1)
    1.0
    """

    def step(number, carry):
        weights, means, squares = carry
        number = ops.cast(number + 1, "float32")
        slopes = slope(weights)

        def decayed(decay, old, new):
            return decay * old + (1 - decay) * new

        means = map_structure(lambda m, g: decayed(MEAN_DECAY, m, g), means, slopes)
        squares = map_structure(
            lambda s, g: decayed(SQUARE_DECAY, s, ops.square(g)), squares, slopes
        )
        # Both begin at zero; the corrections make up for it.
        rate = learning_rate / (1 - MEAN_DECAY**number)
        correction = ops.rsqrt(1 - SQUARE_DECAY**number)

        def moved(weight, mean, square):
            return weight - rate * mean / (ops.sqrt(square) * correction + EPSILON)

        weights = map_structure(moved, weights, means, squares)
        return weights, means, squares

    zeros = map_structure(ops.zeros_like, weights)
    return ops.fori_loop(0, steps, step, (weights, zeros, zeros))[0]
