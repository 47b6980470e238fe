"""Backbones that Keras ships with weights of ImageNet."""

import pathlib
import re
import warnings

import keras

from fsl_keras.layers import ApplicationPreprocessing
from fsl_keras.layers.data_format import check_channels_last
from fsl_keras.names import did_you_mean, plain_name


def pretrained(
    name, weights="imagenet", input_shape=(224, 224, 3), pooling="avg", **kwargs
):
    """A frozen feature extractor of `keras.applications`, with its preprocessing.

    It takes pictures as every backbone here does, RGB from 0 to 1, and preprocesses
    them inside. Its weights are frozen and batch normalization uses the statistics
    it was trained with; `models.TransferLearner` can unfreeze its last blocks.

    These networks saw the thousand classes of ImageNet: their accuracy on classes
    that are among them, as all of miniImageNet's are, follows no paper's protocol.

    Args:
        name: string, an application in any spelling: `"mobilenet_v2"`, `"ResNet50"`.
        weights: `"imagenet"`, which Keras downloads once; the path of a weights file
            of the application without its top; or None for random weights.
        input_shape: `(height, width, 3)` in pixels.
        pooling: `"avg"` for vectors `[D]`, or None for feature maps.
        **kwargs: further arguments of the application, such as `alpha=0.35`.

    Returns:
        A `keras.Model` from float32 `[B, *input_shape]` to features.

    Raises:
        ValueError: if there is no such application, with the nearest name, or the
            file holds weights of another one.
        FileNotFoundError: if the file is not there, or the weights of ImageNet
            cannot be downloaded, with where to put them.

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


def names():
    """Returns the names of all applications, as `pretrained` takes them.

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
    """Returns an application with its weights, or says what is wrong with them."""
    if weights == "imagenet":
        try:
            return build(weights="imagenet", **arguments)
        except ValueError:
            raise  # an argument, which Keras explains itself
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
            f'There is no weights file {path}. Give `weights="imagenet"` to download '
            f"those of {name}, or None for random ones."
        )
    # Of what a file lacks Keras only warns, and goes on with random weights.
    with warnings.catch_warnings(record=True) as missing:
        warnings.simplefilter("always")
        try:
            application.load_weights(path)
            reason = str(missing[0].message) if missing else None
        except (ValueError, OSError, KeyError) as error:
            told = [part for part in str(error).split("\n\n") if part]
            reason = told[min(1, len(told) - 1)]
            # Keras prints the values of the variable as well.
            reason = re.sub(r", value=\[.*", ">.", reason, flags=re.DOTALL)
    if reason:
        raise ValueError(
            f"{path} does not hold the weights of {name} with these arguments: "
            f"{reason} Is it of another application or `alpha`, or does it hold the "
            f"top?"
        )
