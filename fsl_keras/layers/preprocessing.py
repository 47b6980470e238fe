"""Conversion of raw images to float32 batches."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from fsl_keras.images import check_resize, decode, fit, from_pillow, read, to_unit_range
from fsl_keras.layers.data_format import check_channels_last
from fsl_keras.typing import Path, Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class ImagePreprocessing(keras.layers.Layer):
    """Converts raw images to float32 batches of one size, with values in [0, 1].

    A batch of arrays (by calling the layer), a list of arrays of different sizes or of
    Pillow images (`from_list`), files (`from_files`) and the bytes of files
    (`from_bytes`, which can be exported) are all converted by `fsl_keras.images`: the
    same image gives the same values in every form. 16-bit images are reduced to 8 bits,
    as in files, unless `value_range` is given. The layer computes in float32 under any
    dtype policy and, as resizing has no XLA kernel, outside of XLA.

    Args:
        size: pair `(height, width)` of the result, in pixels.
        channels: 1 for grayscale or 3 for RGB.
        invert: bool, whether to invert the values, for dark ink on white paper.
            Defaults to `False`.
        value_range: optional pair `(black, white)`, the values of arrays for black and
            white. Defaults to the range of the dtype: 0 to 255 for uint8, 0 to 65,535
            for uint16, 0 to 1 for floats. Files and 8-bit Pillow images ignore it.
        resize: how images of another aspect ratio are resized to `size`: `"stretch"`
            (without keeping the aspect ratio), `"crop"` (after a center crop to the
            aspect ratio of `size`) or `"pad"` (to fit into `size`, with white margins).
            Defaults to `"stretch"`.
        **kwargs: the `name` of the layer.

    Call arguments:
        images: uint8, uint16, bool or float `[batch, height, width, c]`, `c` from 1
            to 4, or any integers together with `value_range`.

    Returns:
        A float32 tensor `[batch, *size, channels]`.

    Example:

    >>> preprocessing = ImagePreprocessing(size=(28, 28), channels=1, invert=True)
    >>> photographs = np.zeros((2, 60, 80, 3), "uint8")
    >>> preprocessing(photographs).shape
    TensorShape([2, 28, 28, 1])
    """

    def __init__(
        self,
        size: Sequence[int],
        channels: int,
        invert: bool = False,
        value_range: tuple[float, float] | None = None,
        resize: str = "stretch",
        **kwargs: Any,
    ) -> None:
        check_channels_last()
        super().__init__(**{**kwargs, "dtype": "float32"})
        if channels not in (1, 3):
            raise ValueError(
                f"`channels` must be 1 (grayscale) or 3 (RGB). "
                f"Received: channels={channels!r}"
            )
        check_resize(resize)
        self.size = tuple(size)
        self.channels = channels
        self.invert = invert
        if value_range is not None:
            low, high = value_range
            value_range = (low, high)
        self.value_range = value_range
        self.resize = resize
        self.supports_jit = False

    def call(self, images: Tensor) -> Tensor:
        images = tf.convert_to_tensor(images)
        # uint8 from 0 to 255 stays uint8, to be rounded as the image of a file is.
        is_plain = images.dtype == tf.uint8 and self.value_range == (0, 255)
        if self.value_range is not None and not is_plain:
            images = to_unit_range(images, self.value_range)
        return self.from_standard(images)

    def from_standard(self, images: Tensor) -> Tensor:
        """Preprocesses images in the range of their dtype, ignoring `value_range`.

        Args:
            images: as in a call; uint8 from 0 to 255, uint16 to 65,535, floats to 1.

        Returns:
            A float32 tensor `[batch, *size, channels]`.
        """
        return to_unit_range(self._fit(images))

    def from_bytes(self, contents: Any) -> Tensor:
        """Preprocesses the bytes of image files; can be traced and exported.

        Inside a graph it reads JPEG, PNG, GIF, BMP and WebP without animation, outside
        of one all formats that `from_files` reads.

        Args:
            contents: list of bytes, or string tensor `[batch]`.

        Returns:
            A float32 tensor `[batch, *size, channels]`.

        Raises:
            ValueError: If an item cannot be decoded (inside a graph a
                `tf.errors.InvalidArgumentError`).
        """
        contents = tf.convert_to_tensor(contents, tf.string)
        if tf.executing_eagerly():
            return self._read(list(contents.numpy()))
        spec = tf.TensorSpec([*self.size, self.channels], tf.uint8)
        images = tf.map_fn(
            lambda one: self._fit(decode(one)),
            contents,
            fn_output_signature=spec,
        )
        return to_unit_range(images)

    def from_files(self, paths: Sequence[Path]) -> Tensor:
        """Reads and preprocesses image files; see `fsl_keras.images.decode`.

        Args:
            paths: list of strings or `os.PathLike`.

        Returns:
            A float32 tensor `[batch, *size, channels]`.

        Raises:
            ValueError: If a file does not exist or cannot be decoded.
        """
        return self._read(paths)

    def _read(self, sources):
        images, kept, skipped = read(
            sources, self.size, self.channels, self.invert, self.resize
        )
        if skipped:
            named = "; ".join(f"{name}: {reason}" for name, reason in skipped[:5])
            more = "; ..." if len(skipped) > 5 else ""
            raise ValueError(
                f"{len(skipped)} of {len(kept) + len(skipped)} files cannot be read: "
                f"{named}{more}. Leave them out or save them again."
            )
        return to_unit_range(images)

    def from_list(self, images: Sequence[Any]) -> Tensor:
        """Preprocesses images of different sizes, channels or dtypes.

        Args:
            images: list of arrays `[height, width, c]` as in a call, of grayscale
                arrays `[height, width]`, or of Pillow images, converted by
                `fsl_keras.images.from_pillow`.

        Returns:
            A float32 tensor `[batch, *size, channels]`.

        Raises:
            ValueError: If an image cannot be converted, with its index.
        """
        batch = np.empty((len(images), *self.size, self.channels), "float32")
        for index, image in enumerate(images):
            try:
                batch[index] = self._from_one(image)
            except ValueError as error:
                raise ValueError(f"The image of index {index}: {error}") from error
        return tf.convert_to_tensor(batch)

    def _from_one(self, image):
        if isinstance(image, Image.Image):
            image = from_pillow(image)
            # 8 bits as in a file, whatever the range of arrays.
            take = self.from_standard if image.dtype == "uint8" else self.call
            return take(image)
        image = np.asarray(image)
        return self.call(image[..., None] if image.ndim == 2 else image)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (*input_shape[:-3], *self.size, self.channels)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "size": self.size,
            "channels": self.channels,
            "invert": self.invert,
            "value_range": self.value_range,
            "resize": self.resize,
        }

    def _fit(self, images):
        return fit(images, self.size, self.channels, self.invert, self.resize)


# The name that files and users' code of earlier versions hold.
PicturePreprocessing = ImagePreprocessing
keras.saving.get_custom_objects()["fsl_keras>PicturePreprocessing"] = ImagePreprocessing
