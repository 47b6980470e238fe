"""A fitted classifier as a LiteRT (TensorFlow Lite) file, for phones and browsers."""

import tempfile
import zipfile

import tensorflow as tf
from keras.export import ExportArchive

from fsl_keras.classifier.exporting.endpoints import (
    converting,
    endpoint_of_one_size,
    metadata,
)
from fsl_keras.files import replacing
from fsl_keras.files.outputs import LITERT


def export_litert(classifier, filepath, image_size=None):
    """Writes a classifier as a `.tflite` file; see `FewShotClassifier.export`.

    Args:
        classifier: a `FewShotClassifier`.
        filepath: path of the file to write.
        image_size: optional `(height, width)` of the pictures, in pixels.
    """
    serve, items = endpoint_of_one_size(classifier, image_size, batch=1)
    archive = ExportArchive()
    archive.track(classifier)
    archive.add_endpoint("serve", lambda x: serve(_of_one_shape(x)), [items])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        # Weights stay float32: 16-bit ones halve a file that is small already, and
        # changed the answer for one photograph in eighty.
        with converting("litert"):
            content = converter.convert()
    with replacing(filepath, LITERT) as beside:
        beside.write_bytes(content)
        # As LiteRT's own metadata tools pack files: an archive after the model.
        with zipfile.ZipFile(beside, "a") as archived:
            for name, text in metadata(classifier).items():
                archived.writestr(f"{name}.txt", text)


def _of_one_shape(items):
    """The items as they are; the runtime refuses any of another shape.

    Its Python runner asks the graph itself whether it takes them, and all that the
    graph would see is how many numbers there are, the same upright and across. A row
    that is put before the items, and taken off, must have their other dimensions.
    """
    row = tf.zeros([1, 1, *items.shape[2:]], items.dtype)
    return tf.concat([row, items], axis=1)[:, 1:]
