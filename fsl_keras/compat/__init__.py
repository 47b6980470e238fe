"""Old names of arguments and modules, which files and users' code still hold."""

from fsl_keras.compat.arguments import (
    renamed_arguments,
    renamed_parameters,
    renamed_values,
)

__all__ = ["renamed_arguments", "renamed_parameters", "renamed_values"]
