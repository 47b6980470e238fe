"""The command `fsl-keras`."""

from fsl_keras.cli import (
    classifiers,
    comparing,
    exporting,
    lists,
    measuring,
    reproducing,
    training,
)
from fsl_keras.cli.app import app, main

__all__ = [
    "app",
    "classifiers",
    "comparing",
    "exporting",
    "lists",
    "main",
    "measuring",
    "reproducing",
    "training",
]
