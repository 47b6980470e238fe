"""Backbones of `keras.applications`, with weights trained on ImageNet."""

import pathlib
import re
import warnings
from typing import Any

import keras

from fsl_keras.layers import ApplicationPreprocessing
from fsl_keras.layers.data_format import check_channels_last
from fsl_keras.names import did_you_mean, plain_name
from fsl_keras.typing import Model, Path


def pretrained(
    name: str,
    weights: Path | None = "imagenet",
    input_shape: tuple[int, int, int] = (224, 224, 3),
    pooling: str | None = "avg",
    **kwargs: Any,
) -> Model:
    """Returns a frozen feature extractor of `keras.applications`.

    It takes RGB images in [0, 1], as every backbone of this package, and includes the
    preprocessing of the application. Its weights are frozen, and batch normalization
    uses its moving statistics; `models.TransferLearner` can unfreeze the last blocks.

    These networks were trained on the thousand classes of ImageNet, which include all
    classes of miniImageNet. Their accuracy on such classes is not comparable with that
    of few-shot papers.

    Args:
        name: string, an application in any spelling: `"mobilenet_v2"`, `"ResNet50"`.
        weights: `"imagenet"`, which Keras downloads once; the path of a weights file
            of the application without its top; or `None` for random weights.
        input_shape: triple `(height, width, 3)`, in pixels.
        pooling: `"avg"` for vectors `[D]`, or `None` for feature maps.
        **kwargs: further arguments of the application, such as `alpha=0.35`.

    Returns:
        A `keras.Model` from float32 `[B, *input_shape]` to features.

    Raises:
        ValueError: If there is no such application, or the file holds the weights of
            another one.
        FileNotFoundError: If the file does not exist, or the weights of ImageNet cannot
            be downloaded.

    Example:

    >>> import numpy as np
    >>> backbone = pretrained(
    ...     "mobilenet_v2", weights=None, input_shape=(32, 32, 3), alpha=0.35)
    >>> backbone(np.zeros((2, 32, 32, 3), "float32")).shape
    TensorShape([2, 1280])
    >>> len(backbone.trainable_weights)
    0
    """
    check_channels_last()
    build = _application(name)
    module = build.__module__.rsplit(".", 1)[-1]
    arguments = {"include_top": False, "input_shape": input_shape, "pooling": pooling}
    application = _built(build, weights, {**arguments, **kwargs})
    application.trainable = False
    images = keras.Input(input_shape, name="images")
    values = ApplicationPreprocessing(module, name="preprocessing")(images)
    return keras.Model(images, application(values), name=f"{application.name}_features")


def names() -> list[str]:
    """Returns the names of all applications that `pretrained` accepts.

    Example:

    >>> "ResNet50" in names()
    True
    """
    listed = vars(keras.applications).items()
    return sorted(name for name, value in listed if callable(value))


def _application(name):
    spelled = {plain_name(known): known for known in names()}
    found = spelled.get(plain_name(name))
    if found is None:
        hint = did_you_mean(name, spelled.values())
        raise ValueError(f"keras.applications has no {name!r}.{hint}")
    return getattr(keras.applications, found)


def _built(build, weights, arguments):
    """Returns an application with its weights."""
    if weights == "imagenet":
        try:
            return build(weights="imagenet", **arguments)
        except ValueError:
            raise  # of an argument: Keras's message says enough
        except Exception as error:
            raise FileNotFoundError(
                f"The ImageNet weights of {build.__name__} cannot be downloaded "
                f"({error}). Put the file into ~/.keras/models, or give its path as "
                f"`weights`."
            ) from error
    application = build(weights=None, **arguments)
    if weights is not None:
        _load(application, pathlib.Path(weights), build.__name__)
    return application


def _load(application, path, name):
    if not path.is_file():
        raise FileNotFoundError(
            f"`weights` must be the path of a file. Received: weights={str(path)!r}. "
            f'Use `weights="imagenet"` to download those of {name}, or None for random '
            f"weights."
        )
    # If weights are missing, Keras only warns, and goes on with random weights.
    with warnings.catch_warnings(record=True) as missing:
        warnings.simplefilter("always")
        cause = None
        try:
            application.load_weights(path)
            reason = str(missing[0].message) if missing else None
        except Exception as error:  # a damaged file raises any
            cause = error
            parts = [part for part in str(error).split("\n\n") if part] or [repr(error)]
            reason = parts[min(1, len(parts) - 1)]
            # Without the values of the variable, which Keras prints as well.
            reason = re.sub(r", value=\[.*", ">.", reason, flags=re.DOTALL)
    if reason:
        raise ValueError(
            f"{path} does not hold the weights of {name} with these arguments: "
            f"{reason} Check that it is of this application and `alpha`, and without "
            f"the top."
        ) from cause
