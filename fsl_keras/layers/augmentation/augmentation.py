"""What all augmentations of pictures share."""

import keras
import tensorflow as tf
from keras import ops


@keras.saving.register_keras_serializable(package="fsl_keras")
class Augmentation(keras.layers.Layer):
    """Base of the layers that change each picture of a batch at random.

    `transform` is pure in its seed: in a pipeline,
    `ClassDataset.episodes(augmentation=layer)` calls it with the seed of the episode.
    As a layer in a model it acts in training only, by seeds of its own. Keras's layers
    take no seed in a call, so that in a pipeline they give other pictures in each run.
    Everything is batched and compiles under XLA, with the same random numbers.

    A subclass writes `augment`, its arguments and its configuration.

    Args:
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        images: float pictures `[..., H, W, C]` from 0 to 1: a batch, or the pictures
            of a batch of episodes.
        training: bool, whether to change them.

    Returns:
        Pictures of the same shape and dtype.

    Example:

    >>> from fsl_keras.episodes.random import uniform
    >>> class Brighter(Augmentation):
    ...     def augment(self, images, seed):
    ...         light = uniform(seed, (len(images), 1, 1, 1))
    ...         return images + (1.0 - images) * light
    >>> Brighter().transform(tf.zeros((2, 4, 4, 1)), seed=(7, 0)).shape
    TensorShape([2, 4, 4, 1])
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # There is nothing to build, also where a layer is never called but by a seed.
        self.built = True

    def augment(self, images, seed):
        """Changes pictures, each in a way of its own.

        Args:
            images: float32 `[B, H, W, C]`, from 0 to 1.
            seed: int64 `[2]`, all that random numbers may depend on.

        Returns:
            Pictures like `images`, from 0 to 1, of the same size or of a fixed one.
        """
        raise NotImplementedError

    def transform(self, images, seed):
        """Changes pictures, each in a way of its own.

        Args:
            images: float pictures `[..., H, W, C]` from 0 to 1.
            seed: two integers; the same seed gives the same pictures.

        Returns:
            Pictures of the same dtype, and shape but where the layer sets a size.

        Raises:
            ValueError: if these are no float pictures of a fixed size, or the seed is
                not two integers.
        """
        images = ops.convert_to_tensor(images)
        check_pictures(self, images)
        shape = ops.shape(images)
        batch = ops.reshape(ops.cast(images, "float32"), (-1, *shape[-3:]))
        changed = self.augment(batch, to_seed(seed))
        changed = ops.reshape(changed, self.compute_output_shape(shape))
        return ops.cast(changed, images.dtype)

    def call(self, images, training=None):
        if not training:
            return images
        return self.transform(images, self.seed_generator.next())

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def check_pictures(layer, images):
    """Refuses what is not float pictures of a fixed size."""
    if len(images.shape) < 4 or None in images.shape[-3:]:
        raise ValueError(
            f"{type(layer).__name__} takes pictures [..., H, W, C] of a fixed size. "
            f"Received the shape {tuple(images.shape)}: give one picture as a batch of "
            f"one (`image[None]`), grey pictures a last axis, and tensors of unknown "
            f"size theirs by `set_shape`."
        )
    if not images.dtype.is_floating:
        raise ValueError(
            f"{type(layer).__name__} takes float pictures from 0 to 1. Received: "
            f"dtype={images.dtype.name}. `PicturePreprocessing` makes them of raw ones."
        )


def to_seed(seed):
    """Returns an int64 `[2]` tensor of two integers."""
    seed = tf.convert_to_tensor(seed)
    if not seed.dtype.is_integer or seed.shape != (2,):
        raise ValueError(
            f"`seed` must be two integers, such as (7, 0). Received: seed={seed!r}"
        )
    return tf.cast(seed, "int64")
