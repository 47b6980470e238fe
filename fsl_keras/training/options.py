"""What a training run does: its options, and those that suit a data set and a method.

>>> options = Options.suited({"method": {"name": "maml", "inner_steps": 1}})
>>> options.train.ways, options.method.arguments
(5, {'inner_steps': 1})
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from fsl_keras.datasets.catalogue import DATASETS
from fsl_keras.training import methods
from fsl_keras.training.sections import (
    BackboneOptions,
    DataOptions,
    EvaluationOptions,
    MethodOptions,
    Section,
    TrainOptions,
)

SECTIONS: dict[str, type[Section]] = {
    cls.section: cls
    for cls in (
        DataOptions,
        BackboneOptions,
        MethodOptions,
        TrainOptions,
        EvaluationOptions,
    )
}

DEFAULT_NAMES = {"data": "glyphs", "method": "prototypical", "backbone": "conv4"}

# A run without options takes little time.
DEFAULT_RUN: dict[str, dict[str, Any]] = {
    "train": {"steps": 300, "optimizer": "muon", "learning_rate": 5e-3}
}


@dataclasses.dataclass(frozen=True)
class Options:
    """What a training run does, in sections.

    Each section goes to one function as a whole. A recipe is a TOML file with a table
    of the same name for each.

    Args:
        data: `DataOptions`.
        backbone: `BackboneOptions`.
        method: `MethodOptions`.
        train: `TrainOptions`.
        test: `EvaluationOptions`.
    """

    data: DataOptions = dataclasses.field(default_factory=DataOptions)
    backbone: BackboneOptions = dataclasses.field(default_factory=BackboneOptions)
    method: MethodOptions = dataclasses.field(default_factory=MethodOptions)
    train: TrainOptions = dataclasses.field(default_factory=TrainOptions)
    test: EvaluationOptions = dataclasses.field(default_factory=EvaluationOptions)

    def __post_init__(self):
        method, name = self.method.entry, self.method.name
        is_frozen = self.backbone.entry.is_frozen
        if not (self.train.steps or self.backbone.start_from or is_frozen):
            raise ValueError(
                "`train.steps` must be at least 1, unless the backbone has trained "
                "weights: set `backbone.start_from` to a preset. Received: "
                "train.steps=0"
            )
        if method.needs_augmentation and not self.train.augment:
            raise ValueError(
                f"{name} trains on random views of each image: leave out "
                f"`train.augment`. Received: train.augment=False"
            )
        if method.trains_learner and (
            self.train.optimizer == "sgd" or self.train.weight_decay
        ):
            raise ValueError(
                f"{name} trains on episodes, with an optimizer of its own: leave out "
                f"`train.weight_decay`, and leave out `train.optimizer` or set it to "
                f'"muon". Received: train.optimizer={self.train.optimizer!r}, '
                f"train.weight_decay={self.train.weight_decay}"
            )
        if is_frozen and method.is_gradient_based:
            raise ValueError(
                f"{name} learns a task by training its network, and the weights of "
                f"{self.backbone.name} are frozen. Choose another backbone, such as "
                f"conv4, or another method, such as prototypical. Received: "
                f"backbone.name={self.backbone.name!r}"
            )
        if is_frozen and self.train.mixed_precision:
            raise ValueError(
                f"A network of keras.applications computes in float32: leave out "
                f"`train.mixed_precision`. Received: "
                f"backbone.name={self.backbone.name!r}"
            )

    @classmethod
    def from_tables(cls, tables: Mapping[str, Mapping[str, Any]]) -> "Options":
        """Returns the options of tables, such as a recipe holds.

        Args:
            tables: dictionary from the name of a section to a dictionary of its
                options. Missing ones have their defaults.

        Raises:
            ValueError: if there is no such section or option, or a value is not valid.
        """
        unknown = sorted(tables.keys() - SECTIONS.keys())
        if unknown:
            raise ValueError(
                f"There are no tables {unknown} of options. Tables: "
                f"{', '.join(SECTIONS)}."
            )
        sections: dict[str, Any] = {
            name: SECTIONS[name].from_table(table) for name, table in tables.items()
        }
        return cls(**sections)

    @classmethod
    def suited(cls, tables: Mapping[str, Mapping[str, Any]]) -> "Options":
        """Returns the options that suit data set, method and backbone.

        Args:
            tables: as in `from_tables`; what they hold takes precedence.
        """
        data, method, backbone = (
            tables.get(section, {}).get("name", default)
            for section, default in DEFAULT_NAMES.items()
        )
        layers: list[Mapping[str, Mapping[str, Any]]] = [
            DATASETS[data].suited if data in DATASETS else {},
            {"train": methods.get(method).suited},
        ]
        if [data, method, backbone] == list(DEFAULT_NAMES.values()):
            layers.append(DEFAULT_RUN)
        return cls.from_tables(merged(*layers, tables))

    def tables(self) -> dict[str, dict[str, Any]]:
        """Returns all options as tables of JSON values, which `from_tables` reads."""
        return {name: getattr(self, name).table() for name in SECTIONS}


def merged(*layers: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Returns tables that hold the options of all layers; later ones win.

    >>> merged({"train": {"ways": 5, "shots": 1}}, {"train": {"ways": 20}})
    {'train': {'ways': 20, 'shots': 1}}
    """
    tables: dict[str, dict[str, Any]] = {}
    for layer in layers:
        for section, table in layer.items():
            tables.setdefault(section, {}).update(table)
    return tables
