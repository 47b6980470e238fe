"""How a learner is compiled and trained on batches of episodes."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras.metrics import EpisodeAccuracy
from fsl_keras.typing import EpisodeBatch, Nested, Tensor


class TrainsOnEpisodes(keras.Model):
    """Base of a learner: it is trained and tested on batches of episodes."""

    item_kind: Any

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        metrics: Any = "auto",
        weighted_metrics: list | None = None,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: an optimizer, or `"auto"` for Adam at a rate of 1e-3, unless
                the method has another.
            loss: a loss, or `"auto"` for the cross-entropy of the logits, averaged
                over the queries that are not padding.
            metrics: metrics, or `"auto"` for `EpisodeAccuracy`, which gives
                `accuracy` and `accuracy_ci95`.
            weighted_metrics: list of further metrics that see the sample weights.
            jit_compile: bool, or `"auto"` for XLA where there is a GPU: on a CPU the
                plain graph is faster. XLA has no strings.
            **kwargs: further arguments of `keras.Model.compile`.

        Raises:
            ValueError: if `jit_compile` is True and the method cannot be compiled by
                XLA.
        """
        if isinstance(optimizer, str) and optimizer == "auto":
            optimizer = self.default_optimizer()
        if isinstance(loss, str) and loss == "auto":
            loss = self.default_loss()
        if isinstance(metrics, str) and metrics == "auto":
            metrics = None
            weighted_metrics = [*self.default_metrics(), *(weighted_metrics or [])]
        if jit_compile is True and not self.supports_jit:
            raise ValueError(
                f"{type(self).__name__} cannot be compiled by XLA: use "
                f"`jit_compile=False` or leave it out. Received: jit_compile=True"
            )
        if jit_compile == "auto" and (
            self.item_kind == "text" or not tf.config.list_physical_devices("GPU")
        ):
            jit_compile = False
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def default_optimizer(self) -> Any:
        """Returns the optimizer of `compile(optimizer="auto")`."""
        return keras.optimizers.Adam(1e-3)

    def default_loss(self) -> Any:
        """Returns the loss of `compile(loss="auto")`."""
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )

    def default_metrics(self) -> list:
        """Returns the weighted metrics of `compile(metrics="auto")`."""
        return [EpisodeAccuracy()]

    def compile_from_config(self, config: dict) -> None:
        """Compiles the model as it was when it was saved."""
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**config)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def train_step(self, data: Nested) -> dict[str, Tensor]:
        """Takes one optimizer step on a batch of episodes.

        Keras compiles this to a `tf.function`. Override it, as in any Keras model,
        for a training loop of your own.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logits, loss, gradients = self.gradients_of(x, y, sample_weight)
        self._track_loss(loss, y)
        pairs = zip(gradients, self.trainable_weights, strict=True)
        self.optimizer.apply_gradients(pairs)
        return self.compute_metrics(x, y, logits, sample_weight)

    def gradients_of(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor, list]:
        """Returns logits, loss and the gradients of the trainable weights.

        A method that does not follow the gradient of its loss overrides it. Under
        `mixed_float16` the gradients are those of the scaled loss.
        """
        with tf.GradientTape() as tape:
            logits, loss = self.training_loss(x, y, sample_weight)
            scaled_loss = self.optimizer.scale_loss(loss)
        return logits, loss, tape.gradient(scaled_loss, self.trainable_weights)

    def training_loss(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Returns logits and loss of a batch of episodes in training.

        A method whose loss depends on more than the last logits overrides it.
        """
        logits = self(x, training=True)
        return logits, self.compute_loss(x, y, logits, sample_weight, training=True)

    def test_step(self, data: Nested) -> dict[str, Tensor]:
        """Computes loss and metrics of a batch of episodes."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logits = self(x, training=False)
        loss = self.compute_loss(x, y, logits, sample_weight, training=False)
        self._track_loss(loss, y)
        return self.compute_metrics(x, y, logits, sample_weight)

    def _track_loss(self, loss, y):
        # Under a distribution strategy a replica's loss is its part of the sum.
        loss *= tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(y)[0])
