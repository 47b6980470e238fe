"""A function of one task, applied to each task of a batch."""

import tensorflow as tf

# Up to so many tasks are written out in the graph, which runs faster than a loop but
# takes its time to be traced.
UNROLLED = 8


def each_task(function, tasks):
    """Applies a function of tensors to each task, and stacks the results.

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


def sum_over_tasks(function, tasks):
    """Applies a function of tensors to each task, stacks some results and sums others.

    The tasks go through a loop that takes the memory of one task and of the sums, if
    no gradient goes through.

    Args:
        function: from the tensors of one task to a pair of structures of tensors:
            what to stack, and what to sum.
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
    """Returns a function of one task traced once, not once a task, and its specs."""
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
