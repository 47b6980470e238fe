"""Rotation of whole classes by multiples of 90 degrees, which makes new classes."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import check_images, to_seed
from fsl_keras.layers.augmentation.checks import check_episode
from fsl_keras.typing import EpisodeBatch, Nested, Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class ClassRotation(keras.layers.Layer):
    """Rotates all images of a class by the same random multiple of 90 degrees.

    A rotated character is a different character, so that a network is trained on up to
    four times as many classes. Support and query images of a class are rotated alike:
    `episodes(augmentation=ClassRotation())` passes the labels of the queries too.
    Labels and masks do not change. Padding among the queries, with the label 0, is
    rotated as class 0.

    Reference:

    - [Santoro et al., 2016](https://arxiv.org/abs/1605.06065), section 4.1

    Args:
        seed: optional integer, for calls.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        episode: dictionary of `support` `[T, S, H, H, C]`, `support_labels` one-hot
            `[T, S, N]` and `query` `[T, M, H, H, C]`.
        labels: integers `[T, M]`, the classes of the queries.
        training: bool, whether to rotate.

    Returns:
        The dictionary with the rotated images.

    Example:

    >>> import numpy as np
    >>> import fsl_keras as fsl
    >>> images = np.zeros((100, 28, 28, 1), "uint8")
    >>> data = fsl.ClassDataset.from_arrays(images, np.repeat(np.arange(5), 20))
    >>> episodes = data.episodes(5, 1, 15, tasks=4, augmentation=ClassRotation())
    >>> x, y = next(iter(episodes))
    >>> x["support"].shape
    TensorShape([4, 5, 28, 28, 1])
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        # Labels keep their dtype under any policy.
        super().__init__(autocast=False, **kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def transform(
        self, episode: EpisodeBatch, labels: Tensor, seed: Tensor
    ) -> dict[str, Tensor]:
        """Rotates the classes of episodes.

        Args:
            episode: dictionary of `support`, `support_labels` and `query`: one episode
                (`support` `[S, H, H, C]`) or a batch of them.
            labels: integers `[..., M]`, the classes of the queries.
            seed: two integers; the same seed gives the same images.

        Returns:
            The dictionary with the rotated images.

        Raises:
            ValueError: If images are not square, or labels not integers.
        """
        check_episode(self, episode, "support", "support_labels", "query")
        support, query = (
            tf.convert_to_tensor(episode[name]) for name in ("support", "query")
        )
        labels = tf.convert_to_tensor(labels)
        for images in (support, query):
            check_images(self, images)
            if images.shape[-3] != images.shape[-2]:
                raise ValueError(
                    f"ClassRotation takes square images. Received: images of "
                    f"{images.shape[-3]} x {images.shape[-2]} pixels. Crop or resize "
                    f"them when the data is loaded."
                )
        if not labels.dtype.is_integer:
            raise ValueError(
                f"`labels` must be integers, the classes of the queries. Received: "
                f"dtype={labels.dtype.name}"
            )
        support_labels = tf.convert_to_tensor(episode["support_labels"])
        tasks, ways = tf.shape(support_labels)[:-2], tf.shape(support_labels)[-1:]
        draws = uniform(to_seed(seed), tf.concat([tasks, ways], axis=0))
        turns = tf.cast(4.0 * draws, "int32")
        axis = len(labels.shape) - 1
        support_way = tf.argmax(support_labels, axis=-1)
        support_turns = tf.gather(turns, support_way, batch_dims=axis)
        query_turns = tf.gather(turns, labels, batch_dims=axis)
        return {
            **episode,
            "support": _turn(support, support_turns),
            "query": _turn(query, query_turns),
        }

    def transform_episode(
        self, x: EpisodeBatch, y: Tensor, seed: Tensor
    ) -> dict[str, Tensor]:
        """Rotates the classes of one episode of a stream; see `transform`."""
        return self.transform(x, y, seed)

    def call(
        self, episode: EpisodeBatch, labels: Tensor, training: bool | None = None
    ) -> EpisodeBatch:
        if not training:
            return episode
        return self.transform(episode, labels, self.seed_generator.next())

    def compute_output_shape(
        self, episode_shape: Nested, labels_shape: Shape
    ) -> Nested:
        del labels_shape
        return episode_shape

    def compute_output_spec(
        self, episode: Nested, labels: Tensor, training: bool | None = None
    ) -> Nested:
        del labels, training
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, x.dtype), episode
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "seed": self.seed}


def _turn(images, turns):
    """Rotates images `[..., H, H, C]` counter-clockwise by `[...]` quarter turns."""
    turns = turns[..., None, None, None]
    rank = len(images.shape)
    order = [*range(rank - 3), rank - 2, rank - 3, rank - 1]
    quarter = tf.reverse(tf.transpose(images, order), axis=[-3])
    images = tf.where(turns % 2 == 1, quarter, images)
    return tf.where(turns >= 2, tf.reverse(images, axis=[-3, -2]), images)
