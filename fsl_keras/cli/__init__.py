"""The command `fsl-keras`."""

from fsl_keras.cli import (
    benchmarking,
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
    "benchmarking",
    "classifiers",
    "comparing",
    "exporting",
    "lists",
    "main",
    "measuring",
    "reproducing",
    "training",
]
