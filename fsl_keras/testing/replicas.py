"""What holds for every learner that is trained on several devices."""

import contextlib

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.models import EpisodicModel
from fsl_keras.testing.checks import assert_close
from fsl_keras.testing.learners import episodes


def check_replicas(
    learner: EpisodicModel,
    strategy: tf.distribute.Strategy,
    ways: int = 3,
    run_eagerly: bool = False,
) -> None:
    """Checks that a learner trains on several devices as on one.

    All devices get the same numbers, so that the statistics of batch normalization are
    those of one. Losses, metrics and weights must then be those of training on one
    device. A learner that draws random numbers in training, as for dropout, cannot
    pass.

    Args:
        learner: a learner of float items, with any weights. It is not changed.
        strategy: `tf.distribute.MirroredStrategy`. A process should have one only.
            Without GPUs, `tf.config.set_logical_device_configuration` makes several
            devices of a CPU.
        ways: integer of 2 or more, see `check_learner`.
        run_eagerly: bool, as of `compile`. With True it takes less time, and finds
            nothing that fails in a graph alone.

    Raises:
        AssertionError: if losses, metrics or weights differ.
    """
    copies = strategy.num_replicas_in_sync
    x, y = episodes(learner, ways)
    # Keras gives each device an equal part of a batch.
    x = {name: np.concatenate([value] * copies) for name, value in x.items()}
    data = tf.data.Dataset.from_tensors((x, np.concatenate([y] * copies)))
    alone = _trained(learner, data, contextlib.nullcontext(), run_eagerly)
    shared = _trained(learner, data, strategy.scope(), run_eagerly)
    for name, expected in alone.items():
        for one, other in zip(expected, shared[name], strict=True):
            assert_close(other, one, f"{name} on {copies} devices", rtol=1e-4)


def _trained(learner, data, scope, run_eagerly):
    """Returns losses of three steps, and metrics and weights after them."""
    with scope:
        learner = learner.copy()
        optimizer = learner.default_optimizer() and keras.optimizers.SGD(0.01)
        learner.compile(optimizer, run_eagerly=run_eagerly)
        losses = []
        if learner.optimizer is not None and learner.trainable_weights:
            history = learner.fit(data, epochs=3, verbose=0)
            losses = history.history["loss"]
        metrics = learner.evaluate(data, verbose=0)
    return {"losses": losses, "metrics": metrics, "weights": learner.get_weights()}
