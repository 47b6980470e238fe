"""What the graph of an exported classifier computes, and what is told beside it."""

import contextlib
import re

import numpy as np
import tensorflow as tf

from fsl_keras.files import NOT_UTF_8
from fsl_keras.heads.inverse import inverses_by_products
from fsl_keras.images.resizing import source_and_target


def answers(classifier, items):
    """Returns what every format answers of items that are preprocessed.

    `probabilities` `[B, N]`, `class_index` `[B]`, and `known` `[B]`: False where the
    answer is "unknown".
    """
    logits = classifier.logits(items)
    probabilities = classifier.probabilities(logits)
    return {
        "probabilities": probabilities,
        "class_index": tf.argmax(probabilities, axis=-1, output_type=tf.int32),
        "known": classifier.is_known(logits),
    }


def endpoint_of_one_size(classifier, image_size=None, batch=None):
    """The function of a classifier for runtimes that take items of one size.

    Args:
        classifier: a `FewShotClassifier`.
        image_size: optional `(height, width)` of the pictures to be given, in
            pixels. By default they have the size of the classifier's own.
        batch: int, how many items are given at a time; None for any number.

    Returns:
        A function from a tensor to `answers`, and the `tf.TensorSpec` of the tensor:
        uint8 `[batch, height, width, channels]` named `images`, or the learner's own
        `[batch, *item]` named `items`.

    Raises:
        ValueError: if the items are strings, the size is none, or the learner
            computes in less than float32.
    """
    learner, preprocessing = classifier.learner, classifier.preprocessing
    _check_precision(learner)
    if preprocessing is None:
        _check_items(learner, image_size)

        def serve(items):
            with inverses_by_products():
                return answers(classifier, items)

        shape = (batch, *learner.item_shape)
        return serve, tf.TensorSpec(shape, learner.item_dtype, "items")

    size = preprocessing.size if image_size is None else _checked(image_size)
    to_items = preprocessing_of_one_size(preprocessing, size)

    def serve_pictures(images):
        with inverses_by_products():
            return answers(classifier, to_items(images))

    shape = (batch, *size, preprocessing.channels)
    return serve_pictures, tf.TensorSpec(shape, "uint8", "images")


def metadata(classifier):
    """Returns what a program needs to name classes, as strings by name.

    `labels` has the name of a class a line, in the order of `probabilities`.
    """
    names = (" ".join(name.splitlines()) for name in utf_8_names(classifier))
    return {"labels": "\n".join(names)}


def utf_8_names(classifier):
    """Returns the class names, with bytes that are not UTF-8 written as escapes."""
    return [
        name.encode("utf-8", errors=NOT_UTF_8).decode()
        for name in classifier.class_names
    ]


@contextlib.contextmanager
def converting(format):
    """Says in one sentence what a converter tells in pages of its own code."""
    try:
        yield
    except Exception as error:  # converters raise errors of many kinds
        told = re.search(r"'tf\.\w+' op [\w ]+", str(error))
        reason = told[0] if told else str(error).partition("\n")[0]
        raise ValueError(
            f'This learner cannot be written as format="{format}", which lacks an '
            f"operation of it ({reason}): a SavedModel can hold all that TensorFlow "
            f'computes, format="tf_saved_model".'
        ) from error


def _check_precision(learner):
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
            f"This classifier takes items of shape {learner.item_shape}, no pictures: "
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


def preprocessing_of_one_size(preprocessing, size):
    """`ImagePreprocessing.from_standard` in operations that every runtime knows.

    Resizing with antialiasing, which they do not know, is linear: for one size it is
    a matrix for rows and one for columns, and so are cropping and padding by zeros.
    What they know of uint8 is little, so that the whole numbers are counted in
    float32, which holds them exactly.
    """
    rows, columns = _resizing_matrices(size, preprocessing.size, preprocessing.resize)
    # Padding is white: with it, values are counted from white.
    zero = 255.0 if preprocessing.resize == "pad" else 0.0
    (height, _), (_, width), channels = preprocessing.size, size, preprocessing.channels

    def to_items(images):
        values = tf.cast(images, tf.float32)
        if size != preprocessing.size:
            values = tf.reshape(values - zero, [-1, size[0], width * channels])
            values = tf.reshape(rows @ values, [-1, height, width, channels])
            values = tf.floor(columns @ values + (zero + 0.5))
        if preprocessing.invert:
            # LiteRT's converter has been seen to turn `255 - values` around.
            return values * (-1.0 / 255) + 1.0
        return values * (1.0 / 255)

    return to_items


def _resizing_matrices(given, wanted, resize):
    """The matrices `[wanted, given]` for rows and columns that resize as `fit` does."""
    source, target = source_and_target(given, wanted, resize)
    matrices = []
    for axis in (0, 1):
        part, result = int(source[axis]), int(target[axis])
        each = np.eye(part, dtype="float32")[..., None]
        # An axis is resized as in an image, whose other axis stays as it is.
        resized = tf.image.resize(each, (result, part), antialias=True)[..., 0]
        after, before = (wanted[axis] - result) // 2, (given[axis] - part) // 2
        matrix = np.zeros((wanted[axis], given[axis]), "float32")
        matrix[after : after + result, before : before + part] = resized
        matrices.append(matrix)
    return matrices
