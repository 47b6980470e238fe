"""Separate augmentation of the support and query images of episodes."""

from typing import Any

import keras

from fsl_keras.episodes.random import fold_in
from fsl_keras.layers.augmentation.augmentation import to_seed
from fsl_keras.layers.augmentation.checks import check_augmentation, check_episode
from fsl_keras.typing import EpisodeBatch, Nested, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class EpisodeAugmentation(keras.layers.Layer):
    """Augments the support and the query images of episodes by a layer each.

    Each image is augmented independently. Labels and masks do not change. Pass it to
    `episodes(augmentation=...)`, or put it before a learner in a model.

    Args:
        support: optional object with `transform(images, seed)` for the support images.
        query: optional object with `transform(images, seed)` for the query images.
        seed: optional integer, for the layer in a model.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        episode: dictionary with `support` and `query`, float images `[T, S, H, W, C]`
            and `[T, M, H, W, C]` in [0, 1].
        training: bool, whether to augment.

    Returns:
        The dictionary with the augmented images.

    Raises:
        ValueError: If both are None, or one has no `transform`.

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

    def __init__(
        self,
        support: Any = None,
        query: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        # Labels keep their dtype under any policy.
        super().__init__(autocast=False, **kwargs)
        if support is None and query is None:
            raise ValueError(
                "`support` or `query` must be an augmentation, such as "
                "`RandomAffine()`. Received: support=None, query=None"
            )
        if support is not None:
            check_augmentation("support", support)
        if query is not None:
            check_augmentation("query", query)
        self.support = support
        self.query = query
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def transform(self, episode: EpisodeBatch, seed: Tensor) -> dict[str, Tensor]:
        """Augments the images of episodes.

        Args:
            episode: dictionary with `support` and `query`, float images
                `[..., H, W, C]` in [0, 1]: one episode or a batch of them.
            seed: two integers; the same seed gives the same images.

        Returns:
            The dictionary with the augmented images.
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

    def transform_episode(
        self, x: EpisodeBatch, y: Tensor, seed: Tensor
    ) -> dict[str, Tensor]:
        """Augments the images of one episode of a stream; see `transform`."""
        del y
        return self.transform(x, seed)

    def call(self, episode: EpisodeBatch, training: bool | None = None) -> EpisodeBatch:
        if not training:
            return episode
        return self.transform(episode, self.seed_generator.next())

    def compute_output_shape(self, episode_shape: Nested) -> Nested:
        return episode_shape

    def compute_output_spec(
        self, episode: Nested, training: bool | None = None
    ) -> Nested:
        del training
        return keras.tree.map_structure(
            lambda x: keras.KerasTensor(x.shape, x.dtype), episode
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "support": keras.saving.serialize_keras_object(self.support),
            "query": keras.saving.serialize_keras_object(self.query),
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "EpisodeAugmentation":
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("support", "query")
        }
        return super().from_config({**config, **parts})
