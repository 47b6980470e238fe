"""A function of one task, applied to each task of a batch."""

import tensorflow as tf

# Up to so many tasks are written out in the graph, which runs faster than a loop but
# takes its time to be traced.
UNROLLED = 8


def each_task(function, tasks, unroll=True):
    """Applies a function of tensors to each task, and stacks the results.

    Args:
        function: from the tensors of one task to a structure of tensors.
        tasks: structure of tensors `[T, ...]`.
        unroll: bool, whether a known small number of tasks may be written out in the
            graph; a loop takes the memory of one task, if no gradient goes through.

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
    # Traced once, and not once for each task.
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

    if unroll and count is not None and count <= UNROLLED:
        return _one_by_one(run, tasks, count)
    return tf.map_fn(run, tasks, parallel_iterations=1, fn_output_signature=signature)


def _one_by_one(function, tasks, count):
    results = [
        function(tf.nest.map_structure(lambda value, i=i: value[i], tasks))
        for i in range(count)
    ]
    return tf.nest.map_structure(lambda *parts: tf.stack(parts), *results)
