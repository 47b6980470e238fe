"""Adam, for the weights of many tasks at once."""

from keras import ops

# The decay of the mean and of the mean square of slopes, and what keeps a rate
# finite: Adam's own.
MEAN_DECAY, SQUARE_DECAY, EPSILON = 0.9, 0.999, 1e-8


def adam(slope, weights, steps, learning_rate):
    """Follows a slope downwards by Adam, the weights of each task by themselves.

    No variables are kept, so it can run inside a head's `score`.

    Reference:

    - [Kingma & Ba, 2015](https://arxiv.org/abs/1412.6980)

    Args:
        slope: function from weights `[T, ...]` to the gradient of each task's loss,
            of the same shape.
        weights: float32 `[T, ...]`, where to begin.
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
        weights, mean, square = carry
        number = ops.cast(number + 1, "float32")
        gradient = slope(weights)
        mean = MEAN_DECAY * mean + (1 - MEAN_DECAY) * gradient
        square = SQUARE_DECAY * square + (1 - SQUARE_DECAY) * ops.square(gradient)
        # Both begin at zero; the corrections make up for it.
        rate = learning_rate / (1 - MEAN_DECAY**number)
        spread = ops.sqrt(square) * ops.rsqrt(1 - SQUARE_DECAY**number) + EPSILON
        return weights - rate * mean / spread, mean, square

    zeros = ops.zeros_like(weights)
    return ops.fori_loop(0, steps, step, (weights, zeros, zeros))[0]
