"""The base of the augmentation layers."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class Augmentation(keras.layers.Layer):
    """Base of the layers that change each item of a batch at random.

    `transform` is a pure function of the images and a seed: in a pipeline,
    `ClassDataset.episodes(augmentation=layer)` calls it with the seed of the episode.
    As a layer in a model, it acts in training only, and draws seeds of its own. Keras's
    layers take no seed in a call, so that in a pipeline they give other images in each
    run. Everything is batched and compiles under XLA, with the same random numbers.

    A subclass implements `augment`, its arguments and its configuration.

    Args:
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float images `[..., H, W, C]` in [0, 1]: a batch, or the images of a
            batch of episodes.
        training: bool, whether to augment.

    Returns:
        Images of the same shape and dtype.

    Example:

    >>> from fsl_keras.episodes.random import uniform
    >>> class Brighter(Augmentation):
    ...     def augment(self, images, seed):
    ...         light = uniform(seed, (len(images), 1, 1, 1))
    ...         return images + (1.0 - images) * light
    >>> Brighter().transform(tf.zeros((2, 4, 4, 1)), seed=(7, 0)).shape
    TensorShape([2, 4, 4, 1])
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # There is nothing to build, also if only `transform` is ever called.
        self.built = True

    def augment(self, images: Tensor, seed: Tensor) -> Tensor:
        """Changes each image at random.

        Args:
            images: float32 `[B, H, W, C]`, from 0 to 1.
            seed: int64 `[2]`, the only source of random numbers.

        Returns:
            Images like `images`, from 0 to 1, of the same size or of a fixed one.
        """
        raise NotImplementedError

    def transform(self, images: Tensor, seed: Tensor) -> Tensor:
        """Changes each image at random.

        Args:
            images: float images `[..., H, W, C]` in [0, 1].
            seed: two integers; the same seed gives the same images.

        Returns:
            Images of the same dtype, and of the same shape unless the layer sets a
            size.

        Raises:
            ValueError: If `images` are not float images of a fixed size, or `seed` is
                not two integers.
        """
        images = ops.convert_to_tensor(images)
        check_images(self, images)
        shape = ops.shape(images)
        batch = ops.reshape(ops.cast(images, "float32"), (-1, *shape[-3:]))
        changed = self.augment(batch, to_seed(seed))
        changed = ops.reshape(changed, self.compute_output_shape(shape))
        return ops.cast(changed, images.dtype)

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        if not training:
            return images
        return self.transform(images, self.seed_generator.next())

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def check_images(layer: Any, images: Tensor) -> None:
    """Raises a `ValueError` unless `images` are float images of a fixed size."""
    if len(images.shape) < 4 or None in images.shape[-3:]:
        raise ValueError(
            f"{type(layer).__name__} takes images [..., H, W, C] of a fixed size. "
            f"Received the shape {tuple(images.shape)}: make a single image a batch of "
            f"one (`image[None]`), give grayscale images a last axis, and set the size "
            f"of tensors of unknown size by `set_shape`."
        )
    if not images.dtype.is_floating:
        raise ValueError(
            f"{type(layer).__name__} takes float images in [0, 1]. Received: "
            f"dtype={images.dtype.name}. Convert them by `ImagePreprocessing`."
        )


def to_seed(seed: Tensor) -> Tensor:
    """Returns two integers as an int64 tensor `[2]`."""
    seed = tf.convert_to_tensor(seed)
    if not seed.dtype.is_integer or seed.shape != (2,):
        raise ValueError(
            f"`seed` must be two integers, such as (7, 0). Received: seed={seed!r}"
        )
    return tf.cast(seed, "int64")
