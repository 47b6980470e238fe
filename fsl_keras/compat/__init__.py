"""Old names of arguments and modules, which files and users' code still hold."""

from fsl_keras.compat.arguments import renamed_arguments

__all__ = ["renamed_arguments"]
