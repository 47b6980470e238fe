"""Training a learner on episodes and its backbone without labels, in one step."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras.episodes.replicas import TrainsOnReplicas
from fsl_keras.pretraining.self_supervised import SelfSupervisedPretraining
from fsl_keras.typing import Model


class JointTraining(TrainsOnReplicas, keras.Model):
    """Trains a learner on episodes with an additional loss on other items.

    A step takes a batch of episodes and a batch of items, which need no labels, and
    minimizes the sum of the two losses. Fit it on both streams:
    `tf.data.Dataset.zip(data.episodes(...), unlabeled.batches(...))`.

    References:

    - [Gidaris et al., 2019](https://arxiv.org/abs/1906.05186)
    - [Su et al., 2020](https://arxiv.org/abs/1910.03560)

    Args:
        learner: compiled learner, such as `PrototypicalNetwork`. Its loss, optimizer
            and metrics are used.
        pretraining: model of a self-supervised method, such as `SimCLR`, with the same
            backbone.
        weight: float, the weight of its loss. Defaults to `1.0`.
        name: optional string.

    Raises:
        ValueError: If the two do not share the backbone, or the learner is not
            compiled.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> images = np.random.default_rng(0).random((60, 28, 28, 1))
    >>> data = fsl.ClassDataset.from_arrays(images, np.arange(60) % 6)
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), filters=8)
    >>> learner = fsl.models.PrototypicalNetwork(backbone)
    >>> learner.compile()
    >>> rotation = fsl.pretraining.RotationPrediction(backbone, augmentation=None)
    >>> model = JointTraining(learner, rotation, weight=0.5)
    >>> streams = tf.data.Dataset.zip(
    ...     data.episodes(ways=5, shots=1, queries=3), data.batches(16))
    >>> history = model.fit(streams, steps_per_epoch=2, verbose=0)
    """

    def __init__(
        self,
        learner: Model,
        pretraining: SelfSupervisedPretraining,
        weight: float = 1.0,
        name: str | None = None,
    ) -> None:
        super().__init__(name=name)
        if getattr(learner, "backbone", None) is not pretraining.backbone:
            raise ValueError(
                "`learner` and `pretraining` must have the same backbone: make both "
                "with one backbone."
            )
        if getattr(learner, "optimizer", None) is None:
            raise ValueError("`learner` must be compiled: call `learner.compile()`.")
        self.learner = learner
        self.pretraining = pretraining
        self.weight = weight
        self.built = True
        self.compile(learner.optimizer, jit_compile=learner.jit_compile)

    @property
    def metrics(self) -> list:
        """The metrics of both parts; the loss of all comes last, and hides theirs."""
        return [*self.learner.metrics, *self.pretraining.metrics, *super().metrics]

    def train_step(self, data: Any) -> dict[str, Any]:
        episodes, batch = data
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(episodes)
        items, labels, _ = keras.utils.unpack_x_y_sample_weight(batch)
        logits, loss, gradients = self.learner.gradients_of(x, y, sample_weight)
        with tf.GradientTape() as tape:
            views = self.pretraining(items, training=True)
            additional = self.pretraining.compute_loss(items, labels, views)
            scaled = self.optimizer.scale_loss(self.weight * additional)
        weights = self.pretraining.trainable_weights
        self._apply(
            (self.learner.trainable_weights, gradients),
            (weights, tape.gradient(scaled, weights)),
        )
        # A replica's losses are its parts of the mean over replicas.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        self._loss_tracker.update_state(replicas * (loss + self.weight * additional))
        self.learner.compute_metrics(x, y, logits, sample_weight)
        self.pretraining.compute_metrics(items, labels, views)
        return self.get_metrics_result()

    def _apply(self, *parts):
        """Takes a step by the sums of the gradients of weights in several parts."""
        sums = {}
        for weights, gradients in parts:
            for weight, gradient in zip(weights, gradients, strict=True):
                _, before = sums.get(id(weight), (weight, 0.0))
                sums[id(weight)] = (weight, before + gradient)
        self.optimizer.apply_gradients(
            [(gradient, weight) for weight, gradient in sums.values()]
        )

    def test_step(self, data: Any) -> dict[str, Any]:
        """Evaluates the learner alone: validation data are episodes."""
        return self.learner.test_step(data)
