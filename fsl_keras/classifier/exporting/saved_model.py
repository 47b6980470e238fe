"""A fitted classifier as a SavedModel that needs TensorFlow alone."""

import tensorflow as tf
from keras.export import ExportArchive

from fsl_keras.classifier.exporting.endpoints import answers, utf_8_names
from fsl_keras.classifier.predictions import UNKNOWN
from fsl_keras.files import replacing
from fsl_keras.files.outputs import SAVED_MODEL


def export_saved_model(classifier, filepath):
    """Writes a classifier as a SavedModel; see `FewShotClassifier.export`.

    Args:
        classifier: a `FewShotClassifier`.
        filepath: path of the folder to write; it is replaced whole.
    """
    archive = ExportArchive()
    # Neither the memory nor the record of the examples: predictions need the state.
    archive.track(classifier.learner)
    state = classifier.task.variables_of_state
    archive.add_variable_collection("state", list(state.values()))
    for name, function, signature in _endpoints(classifier):
        archive.add_endpoint(name, function, [signature])
    with replacing(filepath, SAVED_MODEL) as beside:
        archive.write_out(str(beside), verbose=False)


def _endpoints(classifier):
    learner, preprocessing = classifier.learner, classifier.preprocessing

    def serve(items):
        return _named_answers(classifier, items)

    # The range that the classifier was told is that of its user's arrays; what the
    # endpoints take is in their names.
    def serve_pictures(images):
        items = preprocessing.from_standard(images)
        return _named_answers(classifier, items)

    def serve_bytes(contents):
        items = preprocessing.from_bytes(contents)
        return _named_answers(classifier, items)

    if preprocessing is None:
        items = tf.TensorSpec((None, *learner.item_shape), learner.item_dtype)
        return [("serve", serve, items)]
    shape = (None, None, None, preprocessing.channels)
    return [
        ("serve", serve_pictures, tf.TensorSpec(shape, "uint8")),
        ("serve_float", serve_pictures, tf.TensorSpec(shape, "float32")),
        ("serve_bytes", serve_bytes, tf.TensorSpec((None,), "string")),
    ]


def _named_answers(classifier, items):
    found = answers(classifier, items)
    names = tf.gather(tf.constant(utf_8_names(classifier)), found["class_index"])
    return {**found, "class_name": tf.where(found["known"], names, UNKNOWN)}
