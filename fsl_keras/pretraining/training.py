"""The base of models that train a backbone alone."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras.episodes.replicas import TrainsOnReplicas
from fsl_keras.files import SavesBeside


class BackboneTraining(TrainsOnReplicas, SavesBeside, keras.Model):
    """Base of the models that train a backbone alone: how they are compiled."""

    def compile(
        self,
        optimizer: Any = "auto",
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: an optimizer, or `"auto"` for Adam with a learning rate of 1e-3.
            jit_compile: bool, or `"auto"` for XLA if there is a GPU; on a CPU the plain
                graph is faster.
            **kwargs: further arguments of `keras.Model.compile`.
        """
        if isinstance(optimizer, str) and optimizer == "auto":
            optimizer = keras.optimizers.Adam(1e-3)
        if jit_compile == "auto" and not tf.config.list_physical_devices("GPU"):
            jit_compile = False
        super().compile(optimizer=optimizer, jit_compile=jit_compile, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the model as it was when it was saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        if self.optimizer is not None:
            self.optimizer.build(self.trainable_variables)
