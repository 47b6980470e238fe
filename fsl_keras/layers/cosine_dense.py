"""A dense layer that measures angles."""

import keras
from keras import ops

from fsl_keras.layers.unit_length import to_unit_length


@keras.saving.register_keras_serializable(package="fsl_keras")
class CosineDense(keras.layers.Layer):
    """A dense layer of cosine similarities times a learned temperature.

    Each output is the cosine between the input and a weight vector. Only directions
    count, which draws the inputs of one class together. It computes in float32 under
    every mixed precision policy.

    Reference:

    - [Gidaris & Komodakis, 2018](https://arxiv.org/abs/1804.09458)
    - Baseline++: [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        units: integer, the number of outputs.
        temperature: float, the factor of the similarities when training starts; it
            is learned.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: floats `[B, D]`.

    Returns:
        float32 `[B, units]`.

    Example:

    >>> layer = CosineDense(3, temperature=10.0)
    >>> tuple(layer(ops.ones((2, 5))).shape)
    (2, 3)
    """

    def __init__(self, units, temperature=10.0, **kwargs):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.units = units
        self.temperature = temperature

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units)
        )
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=keras.initializers.Constant(self.temperature),
        )

    def call(self, inputs):
        inputs = to_unit_length(ops.cast(inputs, "float32"))
        return self.scale * ops.matmul(inputs, to_unit_length(self.kernel, axis=0))

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        config = super().get_config()
        return {**config, "units": self.units, "temperature": self.temperature}
