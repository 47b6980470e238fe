"""A Keras model that is compiled to be evaluated, and not trained."""

from collections.abc import Sequence
from typing import Any

import keras

_LEARNS_BY = (
    "It learns from further images by `update` and `add_class`, and a learner is "
    "trained before its `adapt` makes a classifier."
)


class Untrained:
    """Mixin of a Keras model that is compiled to be evaluated, and not trained."""

    def compile(
        self,
        optimizer: None = None,
        loss: Any = "sparse_categorical_crossentropy",
        loss_weights: Any = None,
        metrics: Sequence = ("accuracy",),
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Configures `evaluate`, as `keras.Model.compile` does.

        Args:
            optimizer: None: a classifier is not trained.
            loss: a loss of probabilities, or its name.
            loss_weights: see `keras.Model.compile`.
            metrics: list of metrics, or their names.
            jit_compile: bool, whether to use XLA.
            **kwargs: further arguments of `keras.Model.compile`.

        Raises:
            ValueError: if `optimizer` is not None.
        """
        if optimizer is not None:
            raise ValueError(
                f"A classifier is not trained: compile it without an optimizer. "
                f"{_LEARNS_BY} Received: optimizer={optimizer!r}"
            )
        if isinstance(metrics, tuple):
            metrics = list(metrics)
        super().compile(  # type: ignore[misc]
            optimizer=None,
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def compile_from_config(self, config: dict) -> None:
        """Compiles the classifier as it was when it was saved."""
        config = keras.saving.deserialize_keras_object(config)
        # Earlier versions accepted an optimizer, which had no effect.
        self.compile(**{**config, "optimizer": None})

    def fit(self, *args, **kwargs) -> None:
        """Raises an error: a classifier learns by `update` and `add_class`."""
        raise ValueError(f"A classifier is not trained by `fit`. {_LEARNS_BY}")

    def train_on_batch(self, *args, **kwargs) -> None:
        """Raises an error: a classifier learns by `update` and `add_class`."""
        raise ValueError(
            f"A classifier is not trained by `train_on_batch`. {_LEARNS_BY}"
        )
