"""The command `fsl-keras`."""

from fsl_keras.cli import classifiers, lists, measuring, training
from fsl_keras.cli.app import app, main

__all__ = ["app", "classifiers", "lists", "main", "measuring", "training"]
