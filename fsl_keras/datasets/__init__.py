"""Data sets of classes with few examples, and where they come from."""

import typing

from fsl_keras.imports import on_demand

if typing.TYPE_CHECKING:
    from fsl_keras.datasets.catalogue import load, names
    from fsl_keras.datasets.class_dataset import ClassDataset
    from fsl_keras.datasets.groups import class_groups, episodes_within
    from fsl_keras.datasets.lake_runs import one_shot_runs
    from fsl_keras.datasets.sinusoids import SinusoidTasks
    from fsl_keras.datasets.symmetries import with_reflections, with_rotations

__all__ = [
    "ClassDataset",
    "SinusoidTasks",
    "class_groups",
    "episodes_within",
    "load",
    "names",
    "one_shot_runs",
    "with_reflections",
    "with_rotations",
]

__getattr__, __dir__ = on_demand(
    __name__,
    __all__,
    {
        "ClassDataset": f"{__name__}.class_dataset",
        "SinusoidTasks": f"{__name__}.sinusoids",
        "class_groups": f"{__name__}.groups",
        "episodes_within": f"{__name__}.groups",
        "load": f"{__name__}.catalogue",
        "names": f"{__name__}.catalogue",
        "one_shot_runs": f"{__name__}.lake_runs",
        "with_reflections": f"{__name__}.symmetries",
        "with_rotations": f"{__name__}.symmetries",
    },
)
