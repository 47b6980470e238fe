"""A dense layer of cosine similarities."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class CosineDense(keras.layers.Layer):
    """Dense layer of cosine similarities, multiplied by a learned scale.

    Each output is the cosine of the angle between the input and a weight vector. As
    only directions count, the inputs of a class vary less than under a linear layer.
    The layer computes in float32 under every mixed precision policy.

    Reference:

    - [Gidaris & Komodakis, 2018](https://arxiv.org/abs/1804.09458)
    - Baseline++: [Chen et al., 2019](https://arxiv.org/abs/1904.04232)

    Args:
        units: integer, the number of outputs.
        scale: float, the initial factor of the cosine similarities. It is learned.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        inputs: floats `[B, D]`.

    Returns:
        float32 `[B, units]`.

    Example:

    >>> layer = CosineDense(3, scale=10.0)
    >>> tuple(layer(ops.ones((2, 5))).shape)
    (2, 3)
    """

    def __init__(self, units: int, scale: float = 10.0, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.units = units
        self.initial_scale = scale

    def build(self, input_shape: Shape) -> None:
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units)
        )
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=keras.initializers.Constant(self.initial_scale),
        )

    def call(self, inputs: Tensor) -> Tensor:
        inputs = to_unit_length(ops.cast(inputs, "float32"))
        return self.scale * ops.matmul(inputs, to_unit_length(self.kernel, axis=0))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "units": self.units, "scale": self.initial_scale}
