"""Export to ONNX files, for other runtimes."""

import tensorflow as tf

from fsl_keras.classifier.exporting.endpoints import (
    converting,
    endpoint_of_one_size,
    metadata,
    state_in_variables,
)
from fsl_keras.files import replacing
from fsl_keras.files.outputs import ONNX
from fsl_keras.typing import Model, Path


def export_onnx(
    classifier: Model, filepath: Path, image_size: tuple[int, int] | None = None
) -> None:
    """Writes a classifier as an `.onnx` file; see `FewShotClassifier.export`.

    Args:
        classifier: a `FewShotClassifier`.
        filepath: path of the file to write.
        image_size: optional `(height, width)` of the images, in pixels.

    Raises:
        ImportError: if tf2onnx is not installed.
    """
    try:
        import onnx
        import tf2onnx
    except ImportError as error:
        raise ImportError(
            f'format="onnx" needs a package that is not installed ({error}): '
            f'pip install "fsl-keras[onnx]"'
        ) from error
    serve, items = endpoint_of_one_size(classifier, image_size)
    graph = tf.function(serve, input_signature=[items], autograph=False)
    with converting("onnx"), state_in_variables(classifier):
        model, _ = tf2onnx.convert.from_function(graph, input_signature=[items])
        # The converter only warns of operations that ONNX lacks.
        onnx.checker.check_model(model)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    for name, text in metadata(classifier).items():
        model.metadata_props.add(key=name, value=text)
    with replacing(filepath, ONNX) as temporary:
        temporary.write_bytes(model.SerializeToString())
