"""Classes turned by a multiple of 90 degrees are new classes."""

import keras
import tensorflow as tf

from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation.augmentation import check_pictures, to_seed
from fsl_keras.layers.augmentation.checks import check_episode


@keras.saving.register_keras_serializable(package="fsl_keras")
class ClassRotation(keras.layers.Layer):
    """Turns all the pictures of a class by the same multiple of 90 degrees.

    A character on its side is another character: a network meets up to four times as
    many classes. Support and queries of a class turn alike: `episodes(augmentation=
    ClassRotation())` gives it their labels too. Labels and masks stay as they are.
    Padding among the queries, which bears the label 0, turns as class 0.

    Reference:

    - [Santoro et al., 2016](https://arxiv.org/abs/1605.06065), section 4.1

    Args:
        seed: optional integer, for calls.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        episode: dictionary of `support` `[T, S, H, H, C]`, `support_labels` one-hot
            `[T, S, N]` and `query` `[T, M, H, H, C]`.
        labels: integers `[T, M]`, the classes of the queries.
        training: bool, whether to turn them.

    Returns:
        The dictionary with other pictures.

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

    def __init__(self, seed=None, **kwargs):
        # Labels keep their dtype under any policy.
        super().__init__(autocast=False, **kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def transform(self, episode, labels, seed):
        """Turns the classes of episodes.

        Args:
            episode: dictionary of `support`, `support_labels` and `query`: one episode
                (`support` `[S, H, H, C]`) or a batch of them.
            labels: integers `[..., M]`, the classes of the queries.
            seed: two integers; the same seed gives the same pictures.

        Returns:
            The dictionary with other pictures.

        Raises:
            ValueError: if pictures are not square, or labels no integers.
        """
        check_episode(self, episode, "support", "support_labels", "query")
        support, query = (
            tf.convert_to_tensor(episode[name]) for name in ("support", "query")
        )
        labels = tf.convert_to_tensor(labels)
        for images in (support, query):
            check_pictures(self, images)
            if images.shape[-3] != images.shape[-2]:
                raise ValueError(
                    f"ClassRotation takes square pictures. Received pictures of "
                    f"{images.shape[-3]} x {images.shape[-2]} pixels: crop or resize "
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

    def transform_episode(self, x, y, seed):
        """Turns the classes of one episode of a stream; see `transform`."""
        return self.transform(x, y, seed)

    def call(self, episode, labels, training=None):
        if not training:
            return episode
        return self.transform(episode, labels, self.seed_generator.next())

    def compute_output_shape(self, episode_shape, labels_shape):
        del labels_shape
        return episode_shape

    def compute_output_spec(self, episode, labels, training=None):
        del labels, training
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, x.dtype), episode
        )

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}


def _turn(images, turns):
    """Turns pictures `[..., H, H, C]` by quarters to the left, `[...]` of them."""
    turns = turns[..., None, None, None]
    rank = len(images.shape)
    order = [*range(rank - 3), rank - 2, rank - 3, rank - 1]
    quarter = tf.reverse(tf.transpose(images, order), axis=[-3])
    images = tf.where(turns % 2 == 1, quarter, images)
    return tf.where(turns >= 2, tf.reverse(images, axis=[-3, -2]), images)
