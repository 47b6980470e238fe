"""Training by `fit` under a strategy of `tf.distribute`: on devices and on workers."""

from typing import Any

import tensorflow as tf

from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.typing import Tensor


def is_of_workers(strategy: tf.distribute.Strategy) -> bool:
    """Whether a strategy joins several processes, which `TF_CONFIG` names."""
    if not isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return False
    return bool(strategy.cluster_resolver.cluster_spec().as_dict())


def divided(data: Any, strategy: tf.distribute.Strategy) -> Any:
    """Returns a Dataset of whole batches as the replicas of a strategy read it.

    Keras divides a batch among the devices of a process. Among workers it would let
    each draw every item, and throw most of them away: here a worker draws its part of
    each batch of an endless Dataset with the attribute `part`, a function from the
    number of a worker and the number of workers to a Dataset.

    Args:
        data: any object. Objects other than a `tf.data.Dataset` are returned
            unchanged.
        strategy: `tf.distribute.Strategy`.

    Raises:
        ValueError: if batches cannot be divided equally.
    """
    replicas = strategy.num_replicas_in_sync
    if replicas == 1 or not isinstance(data, tf.data.Dataset):
        return data
    size = _batch_size(data, replicas)
    if size is None or not hasattr(data, "part") or not is_of_workers(strategy):
        return data
    if data.cardinality() != tf.data.INFINITE_CARDINALITY:
        return data  # Keras needs to know its length, and it is short

    def of_worker(context):
        part = data.part(context.input_pipeline_id, context.num_input_pipelines)
        return part.rebatch(size // replicas, drop_remainder=True)

    return strategy.distribute_datasets_from_function(of_worker)


def _batch_size(data, replicas):
    """Returns the size of the batches, or None if it is not known."""
    shapes = [spec.shape for spec in tf.nest.flatten(data.element_spec)]
    sizes = [shape[0] for shape in shapes if shape.rank]
    for size in sizes:
        if size is not None and size % replicas:
            raise ValueError(
                f"A batch is divided equally among the replicas of a distribution "
                f"strategy, and {size} tasks or items cannot be divided among "
                f"{replicas} replicas. Draw a multiple of {replicas} in a batch, such "
                f"as `data.episodes(..., tasks={replicas})`, or use fewer devices."
            )
    return sizes[0] if sizes else None


class TrainsOnReplicas(ReadsUntuned):
    """Mixin of Keras models that `fit` and `evaluate` under a distribution strategy.

    With `tf.distribute.MirroredStrategy` Keras's own methods do so. They fail on
    several workers if inputs are nested (keras#20329), or logs are scalars
    (tensorflow#72388).
    """

    def _read(self, data):
        return divided(super()._read(data), self.distribute_strategy)

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        strategy = self.distribute_strategy
        if iterator is not None and is_of_workers(strategy):
            # Keras sums the first batch over the workers, for its shapes alone.
            _, _, batches = next(iter(iterator))
            data_batch = tf.nest.map_structure(
                lambda value: strategy.experimental_local_results(value)[0],
                next(batches),
            )
            iterator = None
        super()._maybe_symbolic_build(iterator, data_batch)

    def get_metrics_result(self) -> dict[str, Tensor]:
        results = super().get_metrics_result()  # type: ignore[misc]
        if tf.distribute.in_cross_replica_context():
            return results
        if not is_of_workers(tf.distribute.get_strategy()):
            return results
        # The logs of a step, which Keras averages over workers along their first axis.
        return tf.nest.map_structure(lambda value: tf.reshape(value, (1,)), results)
