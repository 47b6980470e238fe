"""Functions of one task, applied to each task of a batch."""

from collections.abc import Callable

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.typing import Nested, Tensor

# The largest number of tasks that are written out in the graph, which runs faster than
# a loop but takes longer to trace.
UNROLLED = 8


def each_task(function: Callable[[Nested], Nested], tasks: Nested) -> Nested:
    """Applies a function of tensors to each task, and stacks the results.

    In a graph, the function is traced once for all tasks.

    Args:
        function: from the tensors of one task to a structure of tensors.
        tasks: structure of tensors `[T, ...]`.

    Returns:
        A structure of tensors `[T, ...]`.

    Example:

    >>> doubled = each_task(lambda task: {"y": 2 * task["x"]}, {"x": tf.range(3)})
    >>> doubled["y"].numpy().tolist()
    [0, 2, 4]
    """
    tasks = tf.nest.map_structure(tf.convert_to_tensor, tasks)
    count = tf.nest.flatten(tasks)[0].shape[0]
    if tf.executing_eagerly():
        return _one_by_one(function, tasks, count)
    run, signature = _traced(function, tasks)
    if count is not None and count <= UNROLLED:
        return _one_by_one(run, tasks, count)
    return tf.map_fn(run, tasks, parallel_iterations=1, fn_output_signature=signature)


def mean_over_tasks(values: Tensor) -> Tensor:
    """Averages float tensors over tasks, and takes the last task's of other dtypes.

    Args:
        values: tensor `[T, ...]`.

    Returns:
        A tensor `[...]`.
    """
    if keras.backend.is_float_dtype(values.dtype):
        return ops.mean(values, axis=0)
    return values[-1]


def sum_over_tasks(
    function: Callable[[Nested], tuple[Nested, Nested]], tasks: Nested
) -> tuple[Nested, Nested]:
    """Applies a function of tensors to each task, stacks some results and sums others.

    The tasks go through a loop that takes the memory of one task and of the sums, as
    long as no gradient is taken through it.

    Args:
        function: from the tensors of one task to a pair of structures of tensors: the
            results to stack, and the results to sum.
        tasks: structure of tensors `[T, ...]`.

    Returns:
        The pair of a structure of tensors `[T, ...]` and one of the sums.

    Example:

    >>> kept, total = sum_over_tasks(lambda x: (2 * x, x), tf.range(3))
    >>> kept.numpy().tolist(), int(total)
    ([0, 2, 4], 3)
    """
    tasks = tf.nest.map_structure(tf.convert_to_tensor, tasks)
    count = tf.shape(tf.nest.flatten(tasks)[0])[0]
    run, (kept, summed) = _traced(function, tasks)
    arrays = [
        tf.TensorArray(spec.dtype, count, element_shape=spec.shape)
        for spec in tf.nest.flatten(kept)
    ]
    sums = [tf.zeros(spec.shape, spec.dtype) for spec in tf.nest.flatten(summed)]

    def body(i, arrays, sums):
        parts = run(tf.nest.map_structure(lambda value: value[i], tasks))
        kept, summed = map(tf.nest.flatten, parts)
        arrays = [a.write(i, part) for a, part in zip(arrays, kept, strict=True)]
        return i + 1, arrays, [a + part for a, part in zip(sums, summed, strict=True)]

    _, arrays, sums = tf.while_loop(
        lambda i, *_: i < count, body, (0, arrays, sums), parallel_iterations=1
    )
    stacked = [array.stack() for array in arrays]
    return tf.nest.pack_sequence_as(kept, stacked), tf.nest.pack_sequence_as(
        summed, sums
    )


def _traced(function, tasks):
    """Returns a function of one task, traced once for all tasks, and its specs."""
    specs = tf.nest.map_structure(
        lambda value: tf.TensorSpec(value.shape[1:], value.dtype), tasks
    )
    traced = tf.function(function, autograph=False).get_concrete_function(specs)
    signature = tf.nest.map_structure(
        lambda value: tf.TensorSpec(value.shape, value.dtype), traced.structured_outputs
    )

    def run(task):
        results = traced(*tf.nest.flatten(task))
        return tf.nest.pack_sequence_as(signature, tf.nest.flatten(results))

    return run, signature


def _one_by_one(function, tasks, count):
    results = [
        function(tf.nest.map_structure(lambda value, i=i: value[i], tasks))
        for i in range(count)
    ]
    return tf.nest.map_structure(lambda *parts: tf.stack(parts), *results)
