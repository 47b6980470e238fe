"""Data sets of classes with few examples, and where they come from."""

from fsl_keras.datasets.catalogue import load, names
from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.groups import class_groups, episodes_within
from fsl_keras.datasets.one_shot_runs import one_shot_runs
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
