"""Episodes, batches and pairs of items that are grouped by class."""

import abc
import dataclasses
import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras.datasets import streams
from fsl_keras.episodes import (
    DirichletQueries,
    EpisodeSampler,
    MetaDatasetQueries,
    MetaDatasetShots,
    episode_dataset,
)
from fsl_keras.episodes.pipeline import stratified_dataset
from fsl_keras.typing import Dataset, Tensor


class ClassStreams(abc.ABC):
    """The streams of a `ClassDataset`.

    Attributes:
        name: string, the name of the data set in reports.
        class_names: list of strings.
    """

    name: str
    class_names: list[str]

    @property
    @abc.abstractmethod
    def class_sizes(self) -> np.ndarray:
        """The number of items of each class."""

    @abc.abstractmethod
    def fetch(self, ids: Tensor) -> Tensor:
        """Returns items by ids that count through the items of all classes.

        Args:
            ids: int32 tensor `[n]`.
        """

    def episodes(
        self,
        ways: int | tuple[int, int],
        shots: int | tuple[int, int] | MetaDatasetShots,
        queries: int | DirichletQueries | MetaDatasetQueries,
        tasks: int = 1,
        seed: int = 0,
        start: int = 0,
        count: int | None = None,
        shard: tuple[int, int] | None = None,
        augmentation: Any = None,
        groups: Sequence | None = None,
        stratified: bool = False,
    ) -> Dataset:
        """Streams N-way K-shot episodes.

        Episode `i` is a pure function of `seed` and `i`, augmentation included: the
        same on any machine and with any parallelism.

        Args:
            ways: integer or pair `(low, high)`, classes of an episode.
            shots: integer, pair `(low, high)` or `episodes.MetaDatasetShots`,
                support examples of each class.
            queries: integer, queries of each class, `episodes.DirichletQueries` for
                classes of unequal frequency, or `episodes.MetaDatasetQueries`.
            tasks: integer, episodes in one batch.
            seed: integer.
            start: integer, index of the first episode.
            count: optional integer, the number of episodes, a multiple of `tasks`;
                infinite by default.
            shard: optional pair `(k, n)`: every `n`-th episode from the `k`-th on.
            augmentation: optional layer of `layers.augmentation`, or a function from
                images and a seed to images.
            groups: optional list, the group of each class, such as its alphabet
                (`class_groups`): all classes of an episode are then of one group, which
                is drawn at random.
            stratified: bool, whether each group gets equally many of the `count`
                episodes, group after group. For tests; `tasks`, `start`, `shard` and
                `augmentation` must then have their defaults.

        Returns:
            A `tf.data.Dataset` of episode batches. Its `protocol` attribute says
            how they were drawn, for reports.

        Raises:
            ValueError: if there are too few classes, also in a group, or a class has
                too few items; or if arguments do not go with `stratified`.
        """
        sampler = EpisodeSampler(
            self.class_sizes, ways, shots, queries, seed, self.class_names, groups
        )
        if stratified:
            others = (tasks, start, shard, augmentation)
            if groups is None or others != (1, 0, None, None):
                raise ValueError(
                    "`stratified=True` needs `groups`, and cannot be combined with "
                    "`tasks`, `start`, `shard` or `augmentation`. Received: "
                    f"groups={groups}, tasks={tasks}, start={start}, shard={shard}, "
                    f"augmentation={augmentation}"
                )
            dataset = stratified_dataset(self.fetch, sampler, count)
        else:
            dataset = episode_dataset(
                self.fetch, sampler, tasks, start, count, shard, augmentation
            )
        within = "" if groups is None else f", within each of {len(set(groups))} groups"
        dataset.protocol = {
            "dataset": self.name + within,
            "ways": ways,
            "shots": repr(shots) if dataclasses.is_dataclass(shots) else shots,
            "queries": repr(queries) if dataclasses.is_dataclass(queries) else queries,
            "episodes": count,
            "seed": seed,
            "start": start,
            "shard": shard,
            "classes": self.class_names,
        }
        return dataset

    def batches(
        self,
        batch_size: int,
        seed: int = 0,
        start: int = 0,
        count: int | None = None,
        augmentation: Any = None,
        per_class: int | None = None,
    ) -> Dataset:
        """Streams shuffled batches `(items [B, *item], labels int32 [B])`.

        Every pass over the items is in a new order; batch `i` is a pure function of
        `seed` and `i`.

        Args:
            batch_size: integer.
            seed: integer.
            start: integer, index of the first batch.
            count: optional integer, the number of batches; infinite by default.
            augmentation: optional, as in `episodes`.
            per_class: optional integer: items of one class then follow each other in
                groups of this number, as losses that compare the items of a batch need.
                A pass still has each item once. Groups are smaller where the items of a
                class cannot be divided; the groups of a class are spread evenly over
                the pass. So a batch of 64 with `per_class=4` is of 16 classes, if there
                are as many.
        """
        draw = functools.partial(
            streams.batches,
            self.fetch,
            self.class_sizes,
            batch_size,
            seed,
            start,
            count,
            augmentation,
            per_class,
        )
        return streams.with_parts(draw)

    def pairs(
        self,
        batch_size: int,
        seed: int = 0,
        start: int = 0,
        count: int | None = None,
        augmentation: Any = None,
    ) -> Dataset:
        """Streams pairs of items `((a, b), same)` for Siamese networks.

        Half of the pairs, on average, are two items of one class (`same` is 1.0),
        the others of two classes (0.0).

        Args:
            batch_size: integer, pairs in a batch.
            seed: integer.
            start: integer, index of the first batch.
            count: optional integer, the number of batches; infinite by default.
            augmentation: optional, as in `episodes`.

        Returns:
            A `tf.data.Dataset` of `((a, b), same)`, `a` and `b` `[B, *item]` and
            `same` float32 `[B]`.
        """
        draw = functools.partial(
            streams.pairs,
            self.fetch,
            self.class_sizes,
            batch_size,
            seed,
            start,
            count,
            augmentation,
            self.class_names,
        )
        return streams.with_parts(draw)
