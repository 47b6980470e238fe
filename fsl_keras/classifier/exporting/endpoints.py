"""The graph of an exported classifier, and its metadata."""

import contextlib
import re
from collections.abc import Callable, Iterator

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.classifier.snapshots import Snapshot
from fsl_keras.files import NOT_UTF_8
from fsl_keras.heads.inverse import inverses_by_products
from fsl_keras.images.resizing import source_and_target
from fsl_keras.typing import Model, Tensor


def outputs_of(classifier: Model, items: Tensor) -> dict[str, Tensor]:
    """Returns the outputs of every format for preprocessed items.

    These are `probabilities` `[B, N]`, `class_index` `[B]`, and `known` `[B]`, False if
    the prediction is "unknown".
    """
    logits = classifier.logits(items)
    probabilities = classifier.probabilities(logits)
    return {
        "probabilities": probabilities,
        "class_index": tf.argmax(probabilities, axis=-1, output_type=tf.int32),
        "known": classifier.is_known(logits),
    }


def endpoint_of_one_size(
    classifier: Model,
    image_size: tuple[int, int] | None = None,
    batch: int | None = None,
) -> tuple[Callable, tf.TensorSpec]:
    """Returns the function of a classifier for runtimes with a fixed image size.

    Args:
        classifier: a `FewShotClassifier`.
        image_size: optional `(height, width)` of the images in pixels. Default: the
            size of the classifier's own preprocessing.
        batch: optional integer, the batch size; None for any.

    Returns:
        A function from a tensor to `outputs_of`, and the `tf.TensorSpec` of the tensor:
        uint8 `[batch, height, width, channels]` named `images`, or the learner's own
        `[batch, *item]` named `items`.

    Raises:
        ValueError: if the items are strings, the size is invalid, or the learner
            computes in less than float32.
    """
    learner, preprocessing = classifier.learner, classifier.preprocessing
    check_precision(learner)
    if preprocessing is None:
        _check_items(learner, image_size)

        def serve(items):
            with inverses_by_products():
                return outputs_of(classifier, items)

        shape = (batch, *learner.item_shape)
        return serve, tf.TensorSpec(shape, learner.item_dtype, "items")

    size = preprocessing.size if image_size is None else _checked(image_size)
    to_items = preprocessing_of_one_size(preprocessing, size)

    def serve_images(images):
        with inverses_by_products():
            return outputs_of(classifier, to_items(images))

    shape = (batch, *size, preprocessing.channels)
    return serve_images, tf.TensorSpec(shape, "uint8", "images")


@contextlib.contextmanager
def state_in_variables(classifier: Model) -> Iterator[list]:
    """A context in which the state of a classifier is in variables of Keras.

    They have no room for further classes, which a file would keep.

    Yields:
        The list of the variables.
    """
    state = {
        name: keras.Variable(value[0], trainable=False, name=name)
        for name, value in classifier.state.items()
    }
    with classifier.pinned(Snapshot(classifier.class_names, state)):
        yield list(state.values())


def metadata(classifier: Model) -> dict[str, str]:
    """Returns the metadata of a file, as strings by name.

    `labels` has one class name per line, in the order of `probabilities`.
    """
    names = (" ".join(name.splitlines()) for name in utf_8_names(classifier))
    return {"labels": "\n".join(names)}


def utf_8_names(classifier: Model) -> list[str]:
    """Returns the class names; bytes that are not UTF-8 become escapes."""
    return [
        name.encode("utf-8", errors=NOT_UTF_8).decode()
        for name in classifier.class_names
    ]


@contextlib.contextmanager
def converting(format: str) -> Iterator[None]:
    """A context that shortens the error of a converter to one sentence."""
    try:
        yield
    except Exception as error:  # converters raise errors of many kinds
        found = re.search(r"'tf\.\w+' op [\w ]+", str(error))
        reason = found[0] if found else str(error).partition("\n")[0]
        raise ValueError(
            f'This learner cannot be written as format="{format}", which lacks one of '
            f"its operations ({reason}): use a SavedModel, which supports all of "
            f'TensorFlow, format="tf_saved_model".'
        ) from error


def check_precision(learner: Model) -> None:
    """Raises an error if a learner computes in less than float32."""
    found = {layer.compute_dtype for layer in learner._flatten_layers()}
    found &= {"float16", "bfloat16"}
    if found:
        raise ValueError(
            f"LiteRT and ONNX runtimes compute in float32, and this learner in "
            f"{found.pop()}: make one with the dtype policy float32, give it the "
            f'weights of this one and adapt it, or export with format="tf_saved_model".'
        )


def _check_items(learner, image_size):
    if image_size is not None:
        raise ValueError(
            f"This classifier takes items of shape {learner.item_shape}, not images: "
            f"leave out `image_size`. Received: image_size={image_size!r}"
        )
    if learner.item_dtype == "string":
        raise ValueError(
            "LiteRT and ONNX files take numbers, and this classifier takes strings: "
            'export it with format="tf_saved_model".'
        )


def _checked(image_size):
    size = tuple(image_size)
    if len(size) != 2 or any(int(pixels) != pixels or pixels < 1 for pixels in size):
        raise ValueError(
            f"`image_size` must be (height, width) in pixels. Received: "
            f"image_size={image_size!r}"
        )
    return size


def preprocessing_of_one_size(
    preprocessing: Model, size: tuple[int, int]
) -> Callable[[Tensor], Tensor]:
    """Returns `ImagePreprocessing.from_standard` for images of one size.

    It uses operations that every runtime supports. Resizing with antialiasing, which
    they lack, is linear: for one size it is a matrix for rows and one for columns, and
    so are cropping and padding with zeros. Few operations support uint8, so integers
    are computed in float32, which holds them exactly.
    """
    rows, columns = _resizing_matrices(size, preprocessing.size, preprocessing.resize)
    # Padding is white, so that white must be zero.
    zero = 255.0 if preprocessing.resize == "pad" else 0.0
    (height, _), (_, width), channels = preprocessing.size, size, preprocessing.channels

    def to_items(images):
        values = tf.cast(images, tf.float32)
        if size != preprocessing.size:
            values = tf.reshape(values - zero, [-1, size[0], width * channels])
            values = tf.reshape(rows @ values, [-1, height, width, channels])
            values = tf.floor(columns @ values + (zero + 0.5))
        if preprocessing.invert:
            # LiteRT's converter may turn `255 - values` into `values - 255`.
            return values * (-1.0 / 255) + 1.0
        return values * (1.0 / 255)

    return to_items


def _resizing_matrices(given, wanted, resize):
    """Returns matrices `[wanted, given]` for rows and columns that resize as `fit`."""
    source, target = source_and_target(given, wanted, resize)
    matrices = []
    for axis in (0, 1):
        part, result = int(source[axis]), int(target[axis])
        each = np.eye(part, dtype="float32")[..., None]
        # Each axis is resized as in an image whose other axis keeps its size.
        resized = tf.image.resize(each, (result, part), antialias=True)[..., 0]
        after, before = (wanted[axis] - result) // 2, (given[axis] - part) // 2
        matrix = np.zeros((wanted[axis], given[axis]), "float32")
        matrix[after : after + result, before : before + part] = resized
        matrices.append(matrix)
    return matrices
