"""Losses under a strategy of `tf.distribute`."""

import tensorflow as tf

from fsl_keras.typing import Tensor


def part_of_replica(loss: Tensor) -> Tensor:
    """Returns what a replica's loss adds to the mean over all replicas.

    Optimizers add up the gradients of replicas. Keras divides its own losses by their
    number; a loss that a model computes itself must be divided too.

    Example:

    >>> part_of_replica(2.0)  # no strategy is one replica
    2.0
    """
    return loss / tf.distribute.get_strategy().num_replicas_in_sync
