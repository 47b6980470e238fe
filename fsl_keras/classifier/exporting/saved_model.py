"""Export to SavedModels, which need TensorFlow alone."""

import tensorflow as tf
from keras.export import ExportArchive

from fsl_keras.classifier.exporting.endpoints import (
    outputs_of,
    state_in_variables,
    utf_8_names,
)
from fsl_keras.classifier.predictions import UNKNOWN
from fsl_keras.files import replacing
from fsl_keras.files.outputs import SAVED_MODEL
from fsl_keras.typing import Model, Path


def export_saved_model(classifier: Model, filepath: Path) -> None:
    """Writes a classifier as a SavedModel; see `FewShotClassifier.export`.

    Args:
        classifier: a `FewShotClassifier`.
        filepath: path of the folder to write; an existing one is replaced.
    """
    archive = ExportArchive()
    # Predictions need the state, but neither the memory nor the examples.
    archive.track(classifier.learner)
    with state_in_variables(classifier) as state:
        archive.add_variable_collection("state", state)
        for name, function, signature in _endpoints(classifier):
            archive.add_endpoint(name, function, [signature])
        with replacing(filepath, SAVED_MODEL) as temporary:
            archive.write_out(str(temporary), verbose=False)


def _endpoints(classifier):
    learner, preprocessing = classifier.learner, classifier.preprocessing

    def serve(items):
        return _named_outputs(classifier, items)

    # The endpoints have fixed value ranges, whatever the classifier's `value_range` is.
    def serve_images(images):
        items = preprocessing.from_standard(images)
        return _named_outputs(classifier, items)

    def serve_bytes(contents):
        items = preprocessing.from_bytes(contents)
        return _named_outputs(classifier, items)

    if preprocessing is None:
        items = tf.TensorSpec((None, *learner.item_shape), learner.item_dtype)
        return [("serve", serve, items)]
    shape = (None, None, None, preprocessing.channels)
    return [
        ("serve", serve_images, tf.TensorSpec(shape, "uint8")),
        ("serve_float", serve_images, tf.TensorSpec(shape, "float32")),
        ("serve_bytes", serve_bytes, tf.TensorSpec((None,), "string")),
    ]


def _named_outputs(classifier, items):
    found = outputs_of(classifier, items)
    names = tf.gather(tf.constant(utf_8_names(classifier)), found["class_index"])
    return {**found, "class_name": tf.where(found["known"], names, UNKNOWN)}
