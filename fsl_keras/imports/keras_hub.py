"""The package keras-hub, which the extra `text` installs."""

from typing import Any


def keras_hub() -> Any:
    """Imports keras-hub.

    Returns:
        The module `keras_hub`.

    Raises:
        ImportError: if keras-hub or TensorFlow Text is not installed.
    """
    try:
        import keras_hub
        import tensorflow_text  # noqa: F401  keras-hub imports it only if it is there
    except ImportError as error:
        raise ImportError(
            f"Models of keras-hub need a package that is not installed ({error}): "
            f'pip install "fsl-keras[text]"'
        ) from error
    return keras_hub
