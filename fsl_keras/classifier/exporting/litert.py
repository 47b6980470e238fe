"""Export to LiteRT (TensorFlow Lite) files, for phones and browsers."""

import zipfile

import tensorflow as tf
from keras.export import ExportArchive

from fsl_keras.classifier.exporting.endpoints import (
    converting,
    endpoint_of_one_size,
    metadata,
    state_in_variables,
)
from fsl_keras.files import replacing
from fsl_keras.files.outputs import LITERT
from fsl_keras.files.temporary import TemporaryFolder
from fsl_keras.typing import Model, Path, Tensor


def export_litert(
    classifier: Model, filepath: Path, image_size: tuple[int, int] | None = None
) -> None:
    """Writes a classifier as a `.tflite` file; see `FewShotClassifier.export`.

    Args:
        classifier: a `FewShotClassifier`.
        filepath: path of the file to write.
        image_size: optional `(height, width)` of the images, in pixels.
    """
    serve, items = endpoint_of_one_size(classifier, image_size, batch=1)
    archive = ExportArchive()
    archive.track(classifier.learner)
    with TemporaryFolder("litert") as folder:
        with state_in_variables(classifier) as state:
            archive.add_variable_collection("state", state)
            archive.add_endpoint("serve", lambda x: serve(of_one_shape(x)), [items])
            archive.write_out(str(folder), verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(folder))
        # Weights stay float32: 16-bit ones halve a file that is small already, and
        # changed the prediction for one photograph in eighty.
        with converting("litert"):
            content = converter.convert()
    with replacing(filepath, LITERT) as temporary:
        temporary.write_bytes(content)
        # As LiteRT's own metadata tools do: an archive after the model.
        with zipfile.ZipFile(temporary, "a") as archived:
            for name, text in metadata(classifier).items():
                archived.writestr(f"{name}.txt", text)


def of_one_shape(items: Tensor) -> Tensor:
    """Returns items unchanged, so that the runtime refuses those of another shape.

    Its Python runner only checks their number of values, which is the same for portrait
    and landscape. Adding and removing a row checks their other dimensions.
    """
    row = tf.zeros([1, 1, *items.shape[2:]], items.dtype)
    return tf.concat([row, items], axis=1)[:, 1:]
