"""Data sets of classes with few examples, and where they come from."""

from fsl_keras.datasets.catalogue import load, names
from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.sinusoids import SinusoidTasks

__all__ = ["ClassDataset", "SinusoidTasks", "load", "names"]
