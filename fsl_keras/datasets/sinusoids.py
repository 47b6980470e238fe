"""Regression tasks: learning a sine wave from a few of its points."""

import numpy as np
import tensorflow as tf

from fsl_keras.episodes.pipeline import CORES, stream
from fsl_keras.episodes.random import between, fold_in, uniform
from fsl_keras.typing import Dataset

# Streams of random numbers, apart from those of other data sets of the same seed.
WAVES = 200


class SinusoidTasks:
    """Tasks that are sine waves of random amplitude and phase.

    A task is `y = amplitude * sin(x - phase)`; its support set and its queries are
    points of the wave.

    Reference:

    - [Finn et al., 2017](https://arxiv.org/abs/1703.03400)

    Args:
        amplitudes: pair of floats, the lowest and the highest amplitude.
        phases: pair of floats, the lowest and the highest phase, in radians.
        span: pair of floats, the lowest and the highest `x`.

    Raises:
        ValueError: if a pair is not in ascending order.

    Example:

    >>> x, y = next(iter(SinusoidTasks().episodes(shots=10, queries=5, tasks=4)))
    >>> x["support"].shape, x["support_labels"].shape, y.shape
    (TensorShape([4, 10, 1]), TensorShape([4, 10, 1]), TensorShape([4, 5, 1]))
    """

    item_shape = (1,)

    def __init__(
        self,
        amplitudes: tuple[float, float] = (0.1, 5.0),
        phases: tuple[float, float] = (0.0, np.pi),
        span: tuple[float, float] = (-5.0, 5.0),
    ) -> None:
        self.amplitudes = amplitudes
        self.phases = phases
        self.span = span
        for name in ("amplitudes", "phases", "span"):
            low, high = getattr(self, name)
            if not low <= high:
                raise ValueError(
                    f"`{name}` must be a pair (low, high). Received: "
                    f"{name}={getattr(self, name)}"
                )

    def episodes(
        self,
        shots: int,
        queries: int,
        tasks: int = 1,
        seed: int = 0,
        start: int = 0,
        count: int | None = None,
    ) -> Dataset:
        """Streams tasks; task `i` is a pure function of `seed` and `i`.

        Args:
            shots: integer, points in the support set.
            queries: integer, points in the query set.
            tasks: integer, tasks in one batch.
            seed: integer.
            start: integer, index of the first task.
            count: optional integer, the number of tasks, a multiple of `tasks`;
                infinite by default.

        Returns:
            A `tf.data.Dataset` of `(x, y)`: `x["support"]` `[T, shots, 1]`,
            `x["support_labels"]` `[T, shots, 1]`, `x["query"]` `[T, queries, 1]` and
            `y` `[T, queries, 1]`, all float32.

        Raises:
            ValueError: if a number is below 1, or `count` is not a multiple of `tasks`.
        """
        numbers = {"shots": shots, "queries": queries, "tasks": tasks}
        low = {name: n for name, n in numbers.items() if n < 1}
        if low or (count is not None and count % tasks):
            raise ValueError(
                f"`shots`, `queries` and `tasks` must be at least 1 and `count` a "
                f"multiple of `tasks`. Received: {numbers}, count={count}"
            )
        base = tf.constant([seed, WAVES], "int64")

        def draw(index):
            wave = uniform(fold_in(fold_in(base, index), 0), (2,))
            amplitude = between(*self.amplitudes, wave[0])
            phase = between(*self.phases, wave[1])
            points = uniform(fold_in(fold_in(base, index), 1), (shots + queries, 1))
            points = between(*self.span, points)
            values = amplitude * tf.sin(points - phase)
            x = {
                "support": points[:shots],
                "support_labels": values[:shots],
                "query": points[shots:],
            }
            return x, values[shots:]

        indices = tf.data.Dataset.counter(start)
        if count is not None:
            indices = indices.take(count)
        drawn = indices.map(draw, num_parallel_calls=CORES, deterministic=True)
        return stream(drawn.batch(tasks, drop_remainder=True))
