"""Size of an exported classifier of photographs, and how often it agrees with Keras.

    python benchmarks/exporting.py FOLDER --weights FILE
    python benchmarks/exporting.py FOLDER --weights FILE --classes 100

FOLDER holds a folder of pictures for each class, such as miniImageNet's 16 validation
classes. MobileNetV2 of width 0.35 under cosine prototypes learns each class from its
first 5 pictures; more classes than folders are the next 5 pictures of each folder, and
so on. Then LiteRT's and ONNX's runtimes and Keras name the class of all other pictures,
given to each as the same uint8 pictures of 224x224. The ONNX file is left out where its
packages are not installed.
"""

import argparse
import importlib.util
import pathlib
import tempfile

import fsl_keras as fsl
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from fsl_keras.datasets.folders import files_by_class
from fsl_keras.images import read

SHOTS, BATCH = 5, 100


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--classes", type=int, help="default: one a folder")
    parser.add_argument("--pictures", type=int, help="asked of a folder; default: all")
    arguments = parser.parse_args()
    files = files_by_class(arguments.folder)
    learned, labels, asked = divide(
        list(files.values()), arguments.classes or len(files), arguments.pictures
    )
    backbone = fsl.backbones.pretrained("mobilenet_v2", arguments.weights, alpha=0.35)
    classifier = fsl.models.TransferLearner(backbone).adapt(learned, labels)
    print(f"{len(classifier.class_names)} classes of {SHOTS} pictures")
    with tempfile.TemporaryDirectory() as folder:
        exported = write(classifier, pathlib.Path(folder))
        compare(classifier, exported, asked)


def divide(folders, classes, count):
    """Returns the pictures that teach, their classes, and the pictures to ask."""
    learned, labels = [], []
    for number in range(classes):
        turn, folder = divmod(number, len(folders))
        learned += folders[folder][turn * SHOTS : (turn + 1) * SHOTS]
        labels += [number] * SHOTS
    taken = set(learned)
    left = [[path for path in paths if path not in taken] for paths in folders]
    return learned, labels, [path for paths in left for path in paths[:count]]


def write(classifier, folder):
    """Writes the files, prints their sizes, and returns a function of each."""
    suffixes = {"litert": ".tflite", "onnx": ".onnx"}
    packages = {"litert": (), "onnx": ("tf2onnx", "onnxruntime")}
    exported = {}
    for format, suffix in suffixes.items():
        if not all(map(importlib.util.find_spec, packages[format])):
            continue
        path = folder / f"classifier{suffix}"
        classifier.export(path, format)
        print(f"{format}: {path.stat().st_size / 1e6:.2f} MB")
        exported[format] = run_litert(path) if format == "litert" else run_onnx(path)
    return exported


def run_litert(path):
    runner = Interpreter(str(path), num_threads=2).get_signature_runner()

    def run(images):
        each = [runner(images=image[None])["probabilities"] for image in images]
        return np.concatenate(each)

    return run


def run_onnx(path):
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    return lambda images: session.run(["probabilities"], {"images": images})[0]


def compare(classifier, exported, paths):
    """Prints on how many pictures the most probable class is the same."""
    same, furthest = dict.fromkeys(exported, 0), dict.fromkeys(exported, 0.0)
    for start in range(0, len(paths), BATCH):
        images, _, _ = read(paths[start : start + BATCH], (224, 224), 3)
        expected = classifier.predict_on_batch(images)
        for format, run in exported.items():
            found = run(images)
            same[format] += np.sum(found.argmax(-1) == expected.argmax(-1))
            difference = np.abs(found - expected).max()
            furthest[format] = max(furthest[format], difference)
    for format in exported:
        print(
            f"{format}: the class of Keras for {same[format]} of {len(paths)} pictures "
            f"({100 * same[format] / len(paths):.2f} %), probabilities at most "
            f"{furthest[format]:.0e} apart"
        )


if __name__ == "__main__":
    main()
