"""Export to a folder with a web page, which runs the classifier in a browser."""

import base64
import gzip
import json
import pathlib
import shutil

from fsl_keras.classifier.exporting.endpoints import utf_8_names
from fsl_keras.classifier.exporting.onnx import export_onnx
from fsl_keras.files import replacing, write_json
from fsl_keras.files.outputs import WEB
from fsl_keras.typing import Model, Path

# The runtime that the page is tested with, and the SHA-384 of its script.
VERSION = "1.30.0"
CDN = f"https://cdn.jsdelivr.net/npm/onnxruntime-web@{VERSION}/dist/"
INTEGRITY = "sha384-6BOUZhMpgaXRZBIj89pTWET0c7xcMe1yHACreuaBy2kUZwLd2tzCmv7MzwZccHYH"

SCRIPT = "ort.webgpu.min.js"
# What the script loads: a module, and the code that the module runs.
PARTS = {
    "module": "ort-wasm-simd-threaded.asyncify.mjs",
    "wasm": "ort-wasm-simd-threaded.asyncify.wasm",
}

_PAGE = pathlib.Path(__file__).with_name("page")


def export_web(classifier: Model, filepath: Path, runtime: Path | None = None) -> None:
    """Writes a classifier as a web page; see `FewShotClassifier.export`.

    The page has the model and, with `runtime`, onnxruntime-web in scripts, because a
    page that is opened as a file can load scripts and nothing else.

    Args:
        classifier: a `FewShotClassifier` of images.
        filepath: path of the folder to write.
        runtime: optional path of the unpacked package onnxruntime-web. Default: the
            page loads it from a public server.

    Raises:
        ValueError: if the classifier takes no images.
        FileNotFoundError: if the files of the runtime are not in `runtime`.
        ImportError: if tf2onnx is not installed.
    """
    preprocessing = classifier.preprocessing
    if preprocessing is None:
        raise ValueError(
            f'format="web" writes a page for images, and this classifier takes items '
            f"of shape {classifier.learner.item_shape} and dtype "
            f"{classifier.learner.item_dtype}: export it with "
            f'format="tf_saved_model".'
        )
    found = None if runtime is None else runtime_folder(runtime)
    labels = utf_8_names(classifier)
    with replacing(filepath, WEB) as temporary:
        temporary.mkdir()
        for path in _PAGE.iterdir():
            (temporary / path.name).write_bytes(path.read_bytes())
        export_onnx(classifier, temporary / "classifier.onnx")
        write_json(temporary / "labels.json", labels)
        described = {
            "labels": labels,
            "size": preprocessing.size,
            "channels": preprocessing.channels,
            "resize": preprocessing.resize,
            "model": _packed(temporary / "classifier.onnx"),
        }
        _write_script(temporary / "classifier.js", "CLASSIFIER", described)
        if found is not None:
            shutil.copyfile(found / SCRIPT, temporary / SCRIPT)
            parts = {name: _packed(found / file) for name, file in PARTS.items()}
            _write_script(temporary / "runtime.js", "RUNTIME", parts)
        _complete(temporary / "index.html", is_local=found is not None)


def runtime_folder(runtime: Path) -> pathlib.Path:
    """Returns the folder of the files of onnxruntime-web.

    Args:
        runtime: path of the unpacked package, of its parent or of its folder `dist`.

    Raises:
        FileNotFoundError: if a file is missing.
    """
    for folder in (".", "dist", "package/dist"):
        found = pathlib.Path(runtime, folder)
        if all((found / name).is_file() for name in (SCRIPT, *PARTS.values())):
            return found
    raise FileNotFoundError(
        f"{runtime} does not hold onnxruntime-web, of which a page needs {SCRIPT}, "
        f"{' and '.join(PARTS.values())}. Get it by `npm pack "
        f"onnxruntime-web@{VERSION}`, unpack the archive, and give that folder."
    )


def _packed(path):
    """Returns a file as base64 of gzip."""
    return base64.b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()


def _write_script(path, name, content):
    """Writes a script that defines a constant; JSON in ASCII is JavaScript."""
    path.write_text(f"const {name} = {json.dumps(content)};\n", encoding="ascii")


def _complete(path, is_local):
    """Writes what a page may load, and the scripts of the runtime, into its HTML."""
    if is_local:
        origin, connect = "blob:", "'none'"
        scripts = [f'<script src="{name}"></script>' for name in (SCRIPT, "runtime.js")]
    else:
        origin = connect = CDN
        scripts = [
            f'<script src="{CDN}{SCRIPT}" integrity="{INTEGRITY}" '
            f'crossorigin="anonymous"></script>'
        ]
    policy = (
        f"default-src 'none'; script-src 'self' {origin} 'wasm-unsafe-eval'; "
        f"connect-src {connect}; style-src 'self'; img-src data:; media-src blob:; "
        f"base-uri 'none'; form-action 'none'"
    )
    text = path.read_text(encoding="utf-8")
    text = text.replace("$policy", policy).replace("$runtime", "\n".join(scripts))
    path.write_text(text, encoding="utf-8")
