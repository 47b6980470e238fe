"""The sections of a run's options, each a table of a recipe."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, NoReturn, Self

from fsl_keras.training import backbones, methods

OPTIMIZERS = ("adam", "sgd", "muon")
# Named transforms of the training data, and of the trained backbone; what each does is
# in `training.transforms`.
TRANSFORMS = ("rotations", "reflections")
FINISHES = ("multi_view", "multi_orientation")


@dataclasses.dataclass(frozen=True)
class Section:
    """Base of the sections: it checks types, and words errors."""

    section: ClassVar[str]

    def __post_init__(self):
        for name, hint in typing.get_type_hints(type(self)).items():
            if isinstance(hint, (type, types.UnionType)):
                value = getattr(self, name)
                is_number_of_bool = isinstance(value, bool) and hint is not bool
                wanted = hint | int if hint is float else hint
                if not isinstance(value, wanted) or is_number_of_bool:
                    self._refuse(name, f"of type {getattr(hint, '__name__', hint)}")

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Self:
        """Returns a section of a table; what is no field of it are arguments."""
        fields = {field.name for field in dataclasses.fields(cls)} - {"arguments"}
        own = {key: value for key, value in table.items() if key in fields}
        others = {key: value for key, value in table.items() if key not in fields}
        if others and not hasattr(cls, "entry"):
            raise ValueError(
                f"The table `{cls.section}` has no options {sorted(others)}. It has: "
                f"{', '.join(sorted(fields))}."
            )
        return cls(**own, **({"arguments": others} if others else {}))

    def _refuse(self, name, wanted) -> NoReturn:
        raise ValueError(
            f"`{self.section}.{name}` must be {wanted}. Received: "
            f"{self.section}.{name}={getattr(self, name)!r}"
        )

    def _check_counts(self, *names):
        for name in names:
            if getattr(self, name) < 1:
                self._refuse(name, "at least 1")

    def _set(self, name, value):
        object.__setattr__(self, name, value)

    def table(self) -> dict[str, Any]:
        """Returns the section as a table of a recipe, of JSON values."""
        table = _plain(vars(self))
        arguments = table.pop("arguments", {})
        return {**table, **arguments}


@dataclasses.dataclass(frozen=True)
class DataOptions(Section):
    """The data of a run.

    Args:
        name: string, a name that `datasets.load` takes.
        folder: optional string, where the data lies.
        size: optional integer, height and width in pixels that images are read at;
            those of the data set by default.
        train_split: string, the classes to train on. With `"trainval"` these include
            the validation classes, whose accuracy then says nothing of new classes.
        test_split: string, the classes that the trained learner is tested on.
        transforms: tuple of names of `TRANSFORMS`, applied to the training classes in
            this order: `"rotations"` adds each class rotated by 90, 180 and 270
            degrees as further classes (`"omniglot"` has them already),
            `"reflections"` adds mirror images.
    """

    section: ClassVar[str] = "data"

    name: str = "glyphs"
    folder: str | None = None
    size: int | None = None
    train_split: str = "train"
    test_split: str = "test"
    transforms: tuple[str, ...] = ()

    def __post_init__(self):
        super().__post_init__()
        self._set("transforms", _as_tuple(self.transforms))
        if self.size is not None:
            self._check_counts("size")
        unknown = set(self.transforms) - set(TRANSFORMS)
        if unknown or len(set(self.transforms)) < len(self.transforms):
            self._refuse("transforms", f"among {TRANSFORMS}, each once at most")


@dataclasses.dataclass(frozen=True)
class BackboneOptions(Section):
    """The backbone of a run.

    Args:
        name: string, a name of `backbones.BACKBONES`, or a network of
            `keras.applications`, whose weights stay frozen.
        start_from: optional string, a preset whose backbone the learner starts from,
            and whose head too, if it is of the same class. A stage that trains a
            classifier of the training classes is then skipped if another follows, and
            `train.steps` may be 0.
        finish: optional string, a name of `FINISHES`: what the trained backbone
            becomes. `"multi_view"` is a `backbones.MultiView`, `"multi_orientation"` a
            `backbones.MultiOrientation`, which should have been trained with
            rotations and reflections.
        arguments: dictionary of arguments of the backbone's class. In a table they
            are next to the other keys: `filters = 32`.
    """

    section: ClassVar[str] = "backbone"

    name: str = "conv4"
    start_from: str | None = None
    finish: str | None = None
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        super().__post_init__()
        self._set("arguments", _plain(self.arguments))
        if self.finish not in (None, *FINISHES):
            self._refuse("finish", f"one of {FINISHES}")
        self.entry.check_arguments(self.arguments)

    @property
    def entry(self) -> backbones.Backbone:
        """The entry of the backbone in the table."""
        return backbones.get(self.name)


@dataclasses.dataclass(frozen=True)
class MethodOptions(Section):
    """The method of a run.

    Args:
        name: string, a name of `methods.METHODS`.
        arguments: dictionary of arguments of the method's learner. In a table they
            are next to the name: `inner_steps = 3`.
    """

    section: ClassVar[str] = "method"

    name: str = "prototypical"
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        super().__post_init__()
        self._set("arguments", _plain(self.arguments))
        self.entry.check_arguments(self.arguments)

    @property
    def entry(self) -> methods.Method:
        """The entry of the method in the table."""
        return methods.get(self.name)


@dataclasses.dataclass(frozen=True)
class TrainOptions(Section):
    """How a run trains.

    Args:
        ways: integer, classes of a training episode.
        shots: tuple of one integer, the support examples per class, or of two, the
            fewest and the most, between which each episode draws. An integer is taken
            too.
        queries: integer, queries per class.
        tasks: integer, episodes in a batch.
        within_groups: bool, whether the classes of an episode all come from one group,
            such as an alphabet (`datasets.class_groups`).
        steps: integer, training steps: batches of episodes, of items or of pairs.
        steps_per_epoch: integer, training steps between two validations; a checkpoint
            is written after each.
        optimizer: string, `"muon"` (`optimizers.ConvMuon`) or, for a stage that trains
            on batches or pairs, `"sgd"` (with Nesterov momentum of 0.9). With `"adam"`
            a learner of episodes takes its default optimizer, which is Adam for most.
        learning_rate: float, the learning rate of the first step; it decays to 0 as a
            cosine.
        weight_decay: float, decoupled weight decay of the kernels, for `"muon"` and
            stages that train on batches or pairs.
        augment: bool, whether training images are augmented
            (`training.augmentation`): characters by affine transforms, photographs by
            crops, mirroring and color jitter.
        crop_size: optional integer, height and width in pixels of the random crops of
            photographs that are trained on; those of the images by default. Training
            on smaller crops is cheaper, and objects keep their apparent size. The
            weights must not depend on the size of images: the backbone ends in global
            average pooling (`pooling = "avg"`), or the method takes feature maps of
            any size.
        mixed_precision: bool, whether the backbone computes in bfloat16 while it
            trains. The trained learner computes in float32.
        validation_episodes: integer, episodes of each validation.
        seed: integer, the seed of weights and episodes.
    """

    section: ClassVar[str] = "train"

    ways: int = 60
    shots: tuple[int, ...] = (1,)
    queries: int = 5
    tasks: int = 1
    within_groups: bool = False
    steps: int = 800
    steps_per_epoch: int = 100
    optimizer: str = "adam"
    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    augment: bool = True
    crop_size: int | None = None
    mixed_precision: bool = False
    validation_episodes: int = 100
    seed: int = 0

    def __post_init__(self):
        super().__post_init__()
        self._set("shots", _as_tuple(self.shots))
        self._check_counts(
            "ways", "queries", "tasks", "steps_per_epoch", "validation_episodes"
        )
        are_counts = all(isinstance(n, int) and n >= 1 for n in self.shots)
        if len(self.shots) not in (1, 2) or not are_counts:
            self._refuse("shots", "at least 1, or a pair of the fewest and the most")
        if self.steps < 0:
            self._refuse("steps", "at least 0")
        if self.steps % self.steps_per_epoch:
            self._refuse(
                "steps",
                f"a multiple of `train.steps_per_epoch`, which is "
                f"{self.steps_per_epoch}, so that epochs are whole",
            )
        if self.optimizer not in OPTIMIZERS:
            self._refuse("optimizer", f"one of {OPTIMIZERS}")
        if not self.learning_rate > 0:
            self._refuse("learning_rate", "above 0")
        if not self.weight_decay >= 0:
            self._refuse("weight_decay", "at least 0")
        if self.crop_size is not None:
            self._check_counts("crop_size")
            if not self.augment:
                self._refuse("crop_size", "left out without `train.augment`")


@dataclasses.dataclass(frozen=True)
class EvaluationOptions(Section):
    """How a trained learner is tested: the table `test`.

    Args:
        protocols: tuple of pairs `(ways, shots)`, one per test.
        within_groups: bool, whether the classes of an episode all come from one group,
            such as an alphabet (`datasets.class_groups`).
        episodes: integer, episodes of each test, over all groups together.
        calibration_episodes: integer, episodes of validation classes that the learner
            is calibrated on (`model_selection.calibrate_on_base_classes`).
    """

    section: ClassVar[str] = "test"

    protocols: tuple[tuple[int, int], ...] = ((5, 1), (5, 5))
    within_groups: bool = False
    episodes: int = 600
    calibration_episodes: int = 200

    def __post_init__(self):
        super().__post_init__()
        pairs = tuple(_as_tuple(pair) for pair in _as_tuple(self.protocols))
        self._set("protocols", pairs)
        if not all(len(pair) == 2 and min(pair) >= 1 for pair in pairs):
            self._refuse("protocols", "pairs of ways and shots, each at least 1")
        self._check_counts("episodes", "calibration_episodes")


def _as_tuple(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _plain(value):
    """Returns a value as JSON and TOML give it back."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value
