"""The training of a classifier on one session."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from fsl_keras.pretraining.callbacks import EpochSeeds
from fsl_keras.pretraining.training import BackboneTraining
from fsl_keras.typing import Model, Tensor


class SessionTraining(BackboneTraining):
    """Trains a network and a layer of logits on examples and on earlier logits.

    The loss is the cross-entropy, plus the divergence of the probabilities of the first
    classes from those that an earlier model gave ("distillation"), both at a higher
    temperature.

    Args:
        network: optional Keras model from items to vectors; None if items are vectors.
        logits: layer from vectors to logits `[B, C]`.
        distillation: float, the weight of the divergence.
        temperature: float, by which logits are divided in it.
    """

    def __init__(
        self,
        network: Model | None,
        logits: keras.layers.Layer,
        distillation: float,
        temperature: float,
    ):
        super().__init__()
        self.network = network
        self.logits = logits
        self.distillation = distillation
        self.temperature = temperature
        self.built = True

    def call(self, items: Tensor, training: bool | None = None) -> Tensor:
        if self.network is not None:
            items = self.network(items, training=training)
        return self.logits(items)

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Returns the loss of logits, where `y` is a pair of labels and earlier logits.

        Earlier logits `[B, c]` are those of the first `c` classes, maybe none.
        """
        labels, earlier = y
        loss = ops.mean(
            keras.losses.sparse_categorical_crossentropy(
                labels, y_pred, from_logits=True
            )
        )
        known = earlier.shape[-1]
        if not known or not self.distillation:
            return loss
        before = ops.log_softmax(earlier / self.temperature)
        now = ops.log_softmax(y_pred[:, :known] / self.temperature)
        divergence = ops.sum(ops.exp(before) * (before - now), axis=-1)
        # Its gradient falls with the square of the temperature.
        weight = self.distillation * self.temperature**2
        return loss + weight * ops.mean(divergence)


def train(
    model: SessionTraining,
    items: np.ndarray,
    labels: np.ndarray,
    earlier: np.ndarray,
    steps: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    verbose: int | str = 0,
) -> None:
    """Trains a model on examples, of whose classes each is drawn equally often.

    The learning rate of Adam falls to zero as a cosine.

    Args:
        model: `SessionTraining`.
        items: array `[n, *item]`.
        labels: integers `[n]`.
        earlier: floats `[n, c]`, the earlier logits of the first `c` classes.
        steps: integer, the number of batches.
        batch_size: integer.
        learning_rate: float, the first one.
        seed: integer, which batches and random layers depend on.
        verbose: as in `keras.Model.fit`.
    """
    rate = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    model.optimizer.build(model.trainable_variables)
    items, labels, earlier = (
        tf.convert_to_tensor(values) for values in (items, labels, earlier)
    )

    def gathered(rows):
        batch = tf.gather(items, rows)
        return batch, (tf.gather(labels, rows), tf.gather(earlier, rows))

    rows = balanced_rows(labels, steps * batch_size, seed)
    batches = tf.data.Dataset.from_tensor_slices(rows).batch(batch_size).map(gathered)
    model.fit(batches, verbose=verbose, shuffle=False, callbacks=[EpochSeeds(seed)])


def balanced_rows(labels: Tensor, count: int, seed: int) -> np.ndarray:
    """Draws rows of which all classes are equally probable, whatever their sizes.

    Args:
        labels: integers `[n]`.
        count: integer, the number of rows.
        seed: integer.

    Returns:
        Integers `[count]` below `n`.

    Example:

    >>> rows = balanced_rows(np.array([0] * 99 + [1]), 1000, seed=0)
    >>> bool(450 < np.sum(rows == 99) < 550)
    True
    """
    _, numbers, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    order, starts = np.argsort(numbers, kind="stable"), np.cumsum(sizes) - sizes
    generator = np.random.default_rng(seed)
    drawn = generator.integers(len(sizes), size=count)
    return order[starts[drawn] + generator.integers(sizes[drawn])]
