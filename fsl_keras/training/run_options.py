"""What a training run does: its options, and those that suit a data set."""

import dataclasses

import numpy as np

from fsl_keras.datasets.catalogue import DATASETS
from fsl_keras.training import methods

OPTIMIZERS = ("adam", "sgd", "muon")


@dataclasses.dataclass(frozen=True)
class Options:
    """What a training run does; `suited` gives the ones for a data set and a method.

    Args:
        dataset: string, a name that `datasets.load` takes.
        method: string, a name of `methods.METHODS`.
        method_options: dictionary of arguments of the method's learner.
        data_dir: optional string, where the data lies.
        size: optional integer, height and width that pictures are read at; those of
            the data set by default.
        train_size: optional integer, height and width of the random parts of
            photographs that are trained on, if not as large as the pictures. Takes less
            time, and things are then about as large as in whole pictures; the
            backbone must give the mean over places (`pooling = "avg"`), or the
            method take feature maps of any size.
        train_split: string, the classes to train on. With `"trainval"` the
            validation classes are trained on too, and tell nothing of unseen ones.
        test_split: string, the classes that the trained learner is tested on.
        start_from: optional string, the preset whose backbone the learner starts with,
            and whose head too where it is of the same kind.
            A stage that trains a classifier of the training classes is then left out
            where another follows, and there may be 0 steps.
        rotations: bool, whether classes turned by 90, 180 and 270 degrees are trained
            on as further classes; in `"omniglot"` they are classes already.
        reflections: bool, whether mirror images of classes are, too.
        views: bool, whether the trained backbone becomes a `backbones.MultiView`.
        orientations: bool, whether it becomes a `backbones.MultiOrientation` in the
            end, for which turned and mirrored classes should have been trained on.
        trains_within: bool, whether the classes of a training episode are all of one
            group, such as an alphabet, turned and mirrored alike
            (`datasets.class_groups`).
        ways: integer, classes of a training episode.
        shots: integer, support examples of a class, or a pair of the fewest and the
            most, between which each training episode draws.
        queries: integer, queries of a class.
        tasks: integer, episodes in a batch.
        steps: integer, training steps: batches of episodes, of items or of pairs.
        steps_per_epoch: integer, training steps between two validations; a
            checkpoint is written after each.
        optimizer: string, `"muon"` (`optimizers.ConvMuon`), or, for a stage that
            trains on batches or pairs, `"sgd"` (with Nesterov's momentum of 0.9).
            `"adam"` is what learners of episodes call their own: Adam, for most.
        weight_decay: float, what a stage that trains on batches or pairs, or by
            `"muon"`, takes from the kernels at each step, as a share of them, times the
            rate.
        learning_rate: float, the optimizer's at the first step; it falls to 0 as a
            cosine.
        filters: integer, channels of the Conv-4 backbone, or a list of four, one a
            block.
        backbone_options: dictionary of further arguments of `backbones.Conv4`.
        augment: bool, whether training pictures are changed at random: characters
            turned, zoomed, sheared and shifted, photographs cropped, mirrored and
            changed in colour (`training.augmentation`).
        mixed_precision: bool, whether the backbone computes in bfloat16 while it
            trains, which is faster on processors that have it. What a run makes
            computes in float32.
        seed: integer, of weights and episodes.
        tests: pairs `(ways, shots)` of the test episodes.
        tests_within: bool, whether the classes of a test episode are all of one
            alphabet, or what else class names begin with.
        test_episodes: integer, episodes of each test, those of all groups together.
    """

    dataset: str = "glyphs"
    method: str = "prototypical"
    method_options: dict = dataclasses.field(default_factory=dict)
    data_dir: str | None = None
    size: int | None = None
    train_size: int | None = None
    train_split: str = "train"
    test_split: str = "test"
    start_from: str | None = None
    rotations: bool = False
    reflections: bool = False
    views: bool = False
    orientations: bool = False
    trains_within: bool = False
    ways: int = 60
    shots: int | list = 1
    queries: int = 5
    tasks: int = 1
    steps: int = 800
    steps_per_epoch: int = 100
    optimizer: str = "adam"
    weight_decay: float = 0.0
    learning_rate: float = 2e-3
    filters: int | list = 64
    backbone_options: dict = dataclasses.field(default_factory=dict)
    augment: bool = True
    mixed_precision: bool = False
    seed: int = 0
    tests: tuple = ((5, 1), (5, 5))
    tests_within: bool = False
    test_episodes: int = 600

    def __post_init__(self):
        numbers = ["ways", "shots", "queries", "tasks", "filters", "test_episodes"]
        if self.start_from is None or self.steps:
            numbers.append("steps")
        for name in (*numbers, "steps_per_epoch"):
            if np.min(getattr(self, name)) < 1:
                raise ValueError(
                    f"{name} must be at least 1, not {getattr(self, name)}."
                )
        if not self.learning_rate > 0:
            raise ValueError(f"learning_rate must be above 0: {self.learning_rate}.")
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(
                f"optimizer must be one of {OPTIMIZERS}, not {self.optimizer!r}."
            )
        if self.weight_decay < 0:
            raise ValueError(f"weight_decay must not be below 0: {self.weight_decay}.")
        of_episodes = methods.get(self.method).streams == ("episodes",)
        if of_episodes and (self.optimizer == "sgd" or self.weight_decay):
            raise ValueError(
                f"{self.method} trains on episodes, by an optimizer of its own: leave "
                f'out optimizer, or let it be "muon", and weight_decay.'
            )
        if self.train_size is not None and self.train_size < 1:
            raise ValueError(f"train_size must be at least 1, not {self.train_size}.")
        if self.steps % self.steps_per_epoch:
            raise ValueError(
                f"steps must be a multiple of steps_per_epoch, so that epochs are "
                f"whole. Received: steps={self.steps}, "
                f"steps_per_epoch={self.steps_per_epoch}."
            )

    @classmethod
    def suited(cls, dataset="glyphs", method="prototypical", **changes):
        """Returns the options that suit data set and method, with some changed."""
        is_default = (dataset, method) == (cls.dataset, cls.method)
        entry = DATASETS.get(dataset)
        return cls(
            **{
                "dataset": dataset,
                "method": method,
                **(entry.suited if entry else {}),
                **methods.get(method).suited,
                **(DEFAULT_RUN if is_default else {}),
                **changes,
            }
        )


# A run without options takes little time.
DEFAULT_RUN = {"steps": 300, "optimizer": "muon", "learning_rate": 5e-3}
