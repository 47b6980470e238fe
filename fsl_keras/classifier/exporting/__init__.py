"""Export of classifiers to formats that need neither Keras nor this package."""

import pathlib

from fsl_keras.classifier.exporting.litert import export_litert
from fsl_keras.classifier.exporting.onnx import export_onnx
from fsl_keras.classifier.exporting.saved_model import export_saved_model
from fsl_keras.classifier.exporting.web import export_web
from fsl_keras.typing import Model, Path

__all__ = ["FORMATS", "check_target", "export"]

# The suffix of each format's file; None for a folder, which may have any name.
FORMATS = {"tf_saved_model": None, "litert": ".tflite", "onnx": ".onnx", "web": None}


def export(
    classifier: Model,
    filepath: Path,
    format: str = "tf_saved_model",
    image_size: tuple[int, int] | None = None,
    runtime: Path | None = None,
) -> None:
    """Writes a classifier in one of `FORMATS`; see `FewShotClassifier.export`.

    Args:
        classifier: a `FewShotClassifier`.
        filepath: path of the file or folder to write.
        format: string, one of `FORMATS`.
        image_size: optional `(height, width)` in pixels, for LiteRT and ONNX.
        runtime: optional path of onnxruntime-web, for `"web"`.

    Raises:
        ValueError: if the format is unknown, the suffix belongs to another format, or
            the classifier cannot be written in the format.
        FileNotFoundError: if `runtime` does not hold the runtime.
        ImportError: if the format needs a package that is not installed.
    """
    check_target(filepath, format)
    if runtime is not None and format != "web":
        raise ValueError(
            f'`runtime` is for format="web": leave it out. Received: '
            f"format={format!r}, runtime={str(runtime)!r}"
        )
    if format == "litert":
        export_litert(classifier, filepath, image_size)
    elif format == "onnx":
        export_onnx(classifier, filepath, image_size)
    elif image_size is not None:
        raise ValueError(
            f"A SavedModel and a web page take images of any size: leave out "
            f"`image_size`. Received: image_size={image_size!r}"
        )
    elif format == "web":
        export_web(classifier, filepath, runtime)
    else:
        export_saved_model(classifier, filepath)


def check_target(filepath: Path, format: str) -> None:
    """Checks that a format is known, and that a path has its suffix.

    Raises:
        ValueError: if not, with the known formats or a valid name.
    """
    if format not in FORMATS:
        raise ValueError(
            f"`format` must be one of {list(FORMATS)}. Received: format={format!r}"
        )
    path = pathlib.Path(filepath)
    wanted = FORMATS[format]
    if wanted and path.suffix != wanted:
        raise ValueError(
            f'A file of format="{format}" ends in "{wanted}": call it '
            f'"{path.with_suffix(wanted)}". Received: "{path}"'
        )
    named = [name for name, suffix in FORMATS.items() if suffix == path.suffix]
    if named and not wanted:
        raise ValueError(
            f'"{path}" is the name of a file of format="{named[0]}", and '
            f'format="{format}" writes a folder: use that format or another name.'
        )
