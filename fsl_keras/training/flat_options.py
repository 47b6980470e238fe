"""Options as runs and recipes of earlier versions wrote them: one flat table."""

from collections.abc import Mapping
from typing import Any

from fsl_keras.training import methods

# The table and the name of each.
PLACES = {
    "dataset": ("data", "name"),
    "data_dir": ("data", "folder"),
    "size": ("data", "size"),
    "train_split": ("data", "train_split"),
    "test_split": ("data", "test_split"),
    "start_from": ("backbone", "start_from"),
    "method": ("method", "name"),
    "ways": ("train", "ways"),
    "shots": ("train", "shots"),
    "queries": ("train", "queries"),
    "tasks": ("train", "tasks"),
    "trains_within": ("train", "within_groups"),
    "steps": ("train", "steps"),
    "steps_per_epoch": ("train", "steps_per_epoch"),
    "optimizer": ("train", "optimizer"),
    "learning_rate": ("train", "learning_rate"),
    "weight_decay": ("train", "weight_decay"),
    "augment": ("train", "augment"),
    "train_size": ("train", "crop_size"),
    "mixed_precision": ("train", "mixed_precision"),
    "seed": ("train", "seed"),
    "tests": ("test", "protocols"),
    "tests_within": ("test", "within_groups"),
    "test_episodes": ("test", "episodes"),
}
# The default, which was always written.
FILTERS = 64
# The new names of arguments, of the learners that have the new one.
NEW_NAMES = {
    "comparison": "similarity",
    "heads": "num_heads",
    "inner_batch": "inner_batch_size",
    "inner_rate": "inner_learning_rate",
    "rate": "learning_rate",
    "regularization": "auxiliary_weight",
    "temperature": "scale",
}
NEW_VALUES = {
    ("similarity", "distance"): "euclidean",
    ("similarity", "sigmoid"): "learned",
}
FINISHES = {"views": "multi_view", "orientations": "multi_orientation"}
TRANSFORMS = ("rotations", "reflections")


def with_flat(
    tables: Mapping[str, Mapping[str, Any]], flat: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Returns tables in which flat options have taken effect.

    Args:
        tables: dictionary, what `Options.from_tables` takes.
        flat: dictionary of options by their flat names.

    Raises:
        ValueError: if there is no such option.

    Example:

    >>> with_flat({"train": {"ways": 5}}, {"dataset": "omniglot", "rotations": True})
    {'train': {'ways': 5}, 'data': {'name': 'omniglot', 'transforms': ['rotations']}}
    """
    result = {name: dict(table) for name, table in tables.items()}
    for name, value in flat.items():
        if name in PLACES:
            section, option = PLACES[name]
            result.setdefault(section, {})[option] = value
        elif name == "filters":
            backbone = result.setdefault("backbone", {})
            backbone.pop(name, None)
            if value != FILTERS:
                backbone[name] = value
        elif name == "method_options":
            own = result.get("method", {})
            kept = {"name": own["name"]} if "name" in own else {}
            result["method"] = {**kept, **value}
        elif name == "backbone_options":
            own = result.get("backbone", {})
            stay = ("name", "start_from", "finish", "filters")
            kept = {key: own[key] for key in stay if key in own}
            result["backbone"] = {**kept, **value}
        elif name in TRANSFORMS:
            data = result.setdefault("data", {})
            others = [each for each in data.get("transforms", []) if each != name]
            chosen = [*others, name] if value else others
            data["transforms"] = sorted(chosen, key=TRANSFORMS.index)
        elif name in FINISHES:
            backbone = result.setdefault("backbone", {})
            if value and backbone.get("finish") not in (None, FINISHES[name]):
                raise ValueError(
                    f"A backbone has one finish now. Received: {name} besides "
                    f"{backbone['finish']}"
                )
            if value:
                backbone["finish"] = FINISHES[name]
            elif backbone.get("finish") == FINISHES[name]:
                backbone["finish"] = None
        else:
            raise ValueError(f"There is no option {name!r} of runs.")
    if result.get("backbone", {}).get("pooling") == "average":
        result["backbone"]["pooling"] = "avg"
    if "method" in result:
        result["method"] = with_new_names(result["method"])
    return result


def with_new_names(method: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the table of a method in which its arguments have their new names.

    Args:
        method: dictionary of the name of the method, if it is not the default one, and
            of arguments of its learner.
    """
    options = methods.get(method.get("name", "prototypical")).options
    table = {}
    for name, value in method.items():
        new = NEW_NAMES.get(name)
        if new in options and name not in options:
            table[new] = NEW_VALUES.get((new, value), value)
        else:
            table[name] = value
    return table
