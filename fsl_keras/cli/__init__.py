"""The command `fsl-keras`."""

from fsl_keras.cli.app import app, main

__all__ = ["app", "main"]
