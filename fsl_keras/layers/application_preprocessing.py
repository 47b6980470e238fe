"""What an application of Keras wants pictures to look like."""

import importlib

import keras


@keras.saving.register_keras_serializable(package="fsl_keras")
class ApplicationPreprocessing(keras.layers.Layer):
    """Brings pictures from 0 to 1 to the values a Keras application was trained on.

    It does what `preprocess_input` of the application's module does: ResNet50 wants
    BGR less the means of ImageNet, MobileNetV2 wants -1 to 1, EfficientNet 0 to 255.

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

    def __init__(self, application, **kwargs):
        super().__init__(**kwargs)
        self.application = application
        self._module = importlib.import_module(f"keras.applications.{application}")
        self.built = True

    def call(self, images):
        return self._module.preprocess_input(255.0 * images)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "application": self.application}
