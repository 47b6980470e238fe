"""The preprocessing of Keras applications."""

import importlib
from typing import Any

import keras

from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class ApplicationPreprocessing(keras.layers.Layer):
    """Converts images in [0, 1] to the values a Keras application was trained on.

    It applies `preprocess_input` of the application's module: ResNet50 takes BGR minus
    the means of ImageNet, MobileNetV2 values in [-1, 1], EfficientNet [0, 255].

    Args:
        application: string, a module of `keras.applications`, such as `"resnet50"`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float RGB `[B, H, W, 3]` in [0, 1].

    Example:

    >>> import numpy as np
    >>> white = np.ones((1, 1, 1, 3), "float32")
    >>> np.asarray(ApplicationPreprocessing("mobilenet_v2")(white)).round().ravel()
    array([1., 1., 1.], dtype=float32)
    >>> np.asarray(ApplicationPreprocessing("resnet50")(white)).round().ravel()
    array([151., 138., 131.], dtype=float32)
    """

    def __init__(self, application: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.application = application
        self._module = importlib.import_module(f"keras.applications.{application}")
        self.built = True

    def call(self, images: Tensor) -> Tensor:
        return self._module.preprocess_input(255.0 * images)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "application": self.application}
