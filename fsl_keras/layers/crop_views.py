"""A central crop of images, and the mirror images of both."""

from typing import Any

import keras
from keras import ops

from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class CropViews(keras.layers.Layer):
    """Gives several fixed views of each photograph.

    The first view is the photograph itself. The second one is a crop from its center,
    resized to the size of the photograph.

    Args:
        scale: float in (0, 1), height and width of the crop as a fraction of those of
            the image. Defaults to `0.875`.
        flip: bool, whether to add the mirror image of each view. Defaults to `True`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[B, H, W, C]`.

    Returns:
        `[B * views, H, W, C]`, the views of the first image, then those of the second
        and so on.

    Raises:
        ValueError: If `scale` is not in (0, 1), or the crop would be smaller than
            two pixels or as large as the image.

    Example:

    >>> import numpy as np
    >>> layer = CropViews()
    >>> layer.count, layer(np.zeros((2, 28, 28, 3), "float32")).shape
    (4, TensorShape([8, 28, 28, 3]))
    """

    def __init__(self, scale: float = 0.875, flip: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0 < scale < 1:
            raise ValueError(
                f"`scale` must be above 0 and below 1, the size of a crop as a "
                f"fraction of that of the image; try 0.875. Received: scale={scale!r}"
            )
        self.scale = scale
        self.flip = flip

    @property
    def count(self) -> int:
        """The number of views of an image."""
        return 4 if self.flip else 2

    def build(self, input_shape: Shape) -> None:
        """Checks that the images are large enough."""
        self._crop_size(*input_shape[1:3])

    def _crop_size(self, height, width):
        """Returns height and width of the crop, in pixels."""
        size = round(self.scale * height), round(self.scale * width)
        if min(size) < 2 or size[0] == height or size[1] == width:
            raise ValueError(
                f"A crop must have at least two pixels along each side, and be smaller "
                f"than the image. Use larger images or another `scale`. Received: "
                f"images of {height}x{width} pixels and scale={self.scale}, which are "
                f"crops of {size[0]}x{size[1]}"
            )
        return size

    def call(self, images: Tensor) -> Tensor:
        height, width, channels = images.shape[1:]
        tall, wide = self._crop_size(height, width)
        down, right = height - tall, width - wide
        crop = images[:, down // 2 : down // 2 + tall, right // 2 : right // 2 + wide]
        size = (height, width)
        views = [images, ops.image.resize(crop, size, data_format="channels_last")]
        if self.flip:
            views += [ops.flip(view, axis=2) for view in views]
        return ops.reshape(ops.stack(views, axis=1), (-1, height, width, channels))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch = input_shape[0] and input_shape[0] * self.count
        return (batch, *input_shape[1:])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "flip": self.flip}
