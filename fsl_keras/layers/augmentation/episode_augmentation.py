"""Support and query pictures of episodes, augmented separately."""

import keras

from fsl_keras.episodes.random import fold_in
from fsl_keras.layers.augmentation.augmentation import to_seed
from fsl_keras.layers.augmentation.checks import check_augmentation, check_episode


@keras.saving.register_keras_serializable(package="fsl_keras")
class EpisodeAugmentation(keras.layers.Layer):
    """Augments support and query pictures of episodes, each set in its own way.

    Each picture has random numbers of its own. Labels and masks stay as they are. It
    goes into `episodes(augmentation=...)`, or stands before a learner in a model.

    Args:
        support: object with `transform(images, seed)` for the support pictures, or
            None to leave them.
        query: likewise for the queries.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        episode: dictionary with `support` and `query`, float pictures `[T, S, H, W, C]`
            and `[T, M, H, W, C]` from 0 to 1.
        training: bool, whether to change them.

    Returns:
        The dictionary with other pictures.

    Raises:
        ValueError: if both are None, or one has no `transform`.

    Example:

    >>> import numpy as np
    >>> import fsl_keras as fsl
    >>> from fsl_keras.layers.augmentation import RandomAffine, RandomErasing
    >>> images = np.zeros((100, 28, 28, 1), "uint8")
    >>> data = fsl.ClassDataset.from_arrays(images, np.repeat(np.arange(5), 20))
    >>> layer = EpisodeAugmentation(support=RandomAffine(), query=RandomErasing())
    >>> episodes = data.episodes(5, 1, 15, tasks=4, augmentation=layer)
    >>> x, y = next(iter(episodes))
    >>> x["support"].shape
    TensorShape([4, 5, 28, 28, 1])
    """

    def __init__(self, support=None, query=None, seed=None, **kwargs):
        # Labels keep their dtype under any policy.
        super().__init__(autocast=False, **kwargs)
        if support is None and query is None:
            raise ValueError(
                "`support` and `query` are both None: nothing would change. Give one "
                "of them an augmentation, such as `RandomAffine()`."
            )
        if support is not None:
            check_augmentation("support", support)
        if query is not None:
            check_augmentation("query", query)
        self.support = support
        self.query = query
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def transform(self, episode, seed):
        """Augments the pictures of episodes.

        Args:
            episode: dictionary with `support` and `query`, float pictures
                `[..., H, W, C]` from 0 to 1: one episode or a batch of them.
            seed: two integers; the same seed gives the same pictures.

        Returns:
            The dictionary with other pictures.
        """
        check_episode(self, episode, "support", "query")
        seed = to_seed(seed)
        episode = dict(episode)
        # The seeds are those of `episodes(augmentation=...)`.
        for part, name in enumerate(("support", "query")):
            augmentation = getattr(self, name)
            if augmentation is not None:
                episode[name] = augmentation.transform(
                    episode[name], fold_in(seed, part)
                )
        return episode

    def transform_episode(self, x, y, seed):
        """Augments the pictures of one episode of a stream; see `transform`."""
        del y
        return self.transform(x, seed)

    def call(self, episode, training=None):
        if not training:
            return episode
        return self.transform(episode, self.seed_generator.next())

    def compute_output_shape(self, episode_shape):
        return episode_shape

    def compute_output_spec(self, episode, training=None):
        del training
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, x.dtype), episode
        )

    def get_config(self):
        return {
            **super().get_config(),
            "support": keras.saving.serialize_keras_object(self.support),
            "query": keras.saving.serialize_keras_object(self.query),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("support", "query")
        }
        return super().from_config({**config, **parts})
