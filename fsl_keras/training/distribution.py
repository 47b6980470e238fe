"""The devices and workers that a run trains on, as a strategy of `tf.distribute`."""

import hashlib
import importlib.metadata
import os

import numpy as np
import tensorflow as tf

from fsl_keras.datasets import ClassDataset
from fsl_keras.digests import item_digest
from fsl_keras.episodes.replicas import is_of_workers
from fsl_keras.training.run_folder import Run
from fsl_keras.training.workers import Workers

PACKAGES = ("fsl-keras", "keras", "tensorflow", "numpy")


def strategy_of(
    devices: int | None = None, workers: Workers | None = None
) -> tf.distribute.Strategy:
    """Returns the strategy that trains on some devices of each worker.

    It must be called before TensorFlow computes anything.

    Args:
        devices: optional integer, the number of GPUs of this machine, or of processor
            cores if it has none. By default one device without other workers, and all
            GPUs with them.
        workers: optional `Workers`, which have met.

    Returns:
        `tf.distribute.MultiWorkerMirroredStrategy` for workers, `MirroredStrategy` for
        several devices, or TensorFlow's default strategy.

    Raises:
        ValueError: if there are fewer devices.
    """
    gpus = tf.config.list_physical_devices("GPU")
    most = len(gpus) or (1 if workers else _cores())
    if devices is not None and not 1 <= devices <= most:
        there = "GPUs" if gpus else "processor cores"
        if workers and not gpus:
            there = "processor for each worker, as there is no GPU: start more workers"
        raise ValueError(
            f"`devices` must be from 1 to {most}, the number of {there}. Received: "
            f"devices={devices}"
        )
    if workers is not None:
        tf.config.set_visible_devices(gpus[:devices], "GPU")
        return tf.distribute.MultiWorkerMirroredStrategy()
    if devices in (None, 1):
        return tf.distribute.get_strategy()
    kind = "GPU" if gpus else "CPU"
    if not gpus:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * devices,
        )
    return tf.distribute.MirroredStrategy([f"{kind}:{i}" for i in range(devices)])


def writes_files(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes the files of a run."""
    if not is_of_workers(strategy):
        return True
    workers = Workers.from_environment()
    return workers is None or workers.is_chief


def facts_of(run: Run) -> dict[str, object]:
    """Returns what must be the same for all workers of a run, see `Workers.meet`."""
    options = {
        f"{section}.{name}": value
        for section, table in run.options.tables().items()
        for name, value in table.items()
        # Each machine may have its data elsewhere.
        if (section, name) != ("data", "folder")
    }
    versions = {
        f"the version of {name}": importlib.metadata.version(name) for name in PACKAGES
    }
    # A run is resumed by what the workers read in its folder.
    done = {
        f"what is in {run.folder.name}": sorted(p.name for p in run.folder.glob("*")),
        "the number of epochs done": max(map(len, run.history.values()), default=0),
    }
    return {**versions, **options, **done}


def summary_of(strategy: tf.distribute.Strategy) -> dict[str, object]:
    """Returns what a report says of a strategy: its name, devices and workers."""
    workers = Workers.from_environment() if is_of_workers(strategy) else None
    return {
        "strategy": type(strategy).__name__,
        "devices": strategy.num_replicas_in_sync,
        "workers": 1 if workers is None else len(workers.addresses),
    }


def check_same_data(data: ClassDataset, strategy: tf.distribute.Strategy) -> None:
    """Raises a `ValueError` if workers train on other data than this one.

    Args:
        data: `ClassDataset`; names, sizes and first items of its classes are compared.
        strategy: `tf.distribute.Strategy`.
    """
    if not is_of_workers(strategy):
        return
    first = data.items.take(np.asarray([rows[0] for rows in data.class_rows]))
    sizes = data.class_sizes.tolist()
    items = [item_digest(item) for item in first]
    content = repr([data.class_names, sizes, items]).encode()
    digest = np.frombuffer(hashlib.sha256(content).digest(), "int32")
    every = strategy.gather(tf.constant(digest[None]), axis=0).numpy()
    differing = [i for i, other in enumerate(every) if (other != every[0]).any()]
    if differing:
        raise ValueError(
            f"All workers must train on the same data, and {data.summary()} has other "
            f"classes or items for some of them: worker 0 and worker {differing[0]} "
            f"differ. Copy the data of one to the others."
        )


def _cores():
    """Returns the number of processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
