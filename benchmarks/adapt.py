"""Time and memory of adapting to photographs, beside the backbone alone.

    python benchmarks/adapt.py FOLDER --backbone mobilenet_v2 --weights FILE
    python benchmarks/adapt.py FOLDER --backbone resnet50 --weights FILE

FOLDER holds a folder of pictures for each class; five classes of 5 and 200 pictures are
learned. What is compared is a warm `adapt` of files, less the time in which the same
files are decoded, with the backbone's own forward pass, compiled, over the same decoded
batches of 8. The rounds of both alternate and the medians are compared. The first
`adapt` of a process is told apart. Memory is the peak above that of the process with
the loaded backbone, which has embedded one batch. Last, the exported classifier answers
a batch of 32 decoded pictures beside the backbone on the same batch.
"""

import argparse
import pathlib
import statistics
import tempfile
import time

import fsl_keras as fsl
import numpy as np
import tensorflow as tf
from fsl_keras.datasets.folders import files_by_class
from fsl_keras.layers import ImagePreprocessing

SIZE, BATCH = (224, 224), 8


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--head", default="cosine")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    backbone = fsl.backbones.pretrained(arguments.backbone, arguments.weights)
    learner = fsl.models.TransferLearner(backbone, arguments.head)
    backbone.predict_on_batch(np.zeros((BATCH, *SIZE, 3), "float32"))
    files = files_by_class(arguments.folder)
    names = list(files)[:5]
    print(f"{arguments.backbone}, {arguments.head}")
    for shots, rounds in ((5, arguments.rounds), (200, max(1, arguments.rounds // 2))):
        paths = [path for name in names for path in files[name][:shots]]
        labels = [name for name in names for _ in files[name][:shots]]
        compare(learner, paths, labels, rounds)
    compare_export(learner, paths[::40], labels[::40])


def compare(learner, paths, labels, rounds):
    """Prints the times of adapting to files and of the backbone alone."""
    forget_peak()
    before = memory("VmRSS")
    first = seconds(lambda: learner.adapt(paths, labels))
    peak = memory("VmHWM") - before
    preprocessing = ImagePreprocessing(SIZE, 3)
    forward = tf.function(
        lambda batch: learner.backbone(batch, training=False), reduce_retracing=True
    )
    starts = range(0, len(paths), BATCH)

    def decode():
        for start in starts:
            yield preprocessing.from_files(paths[start : start + BATCH])

    times = {"decode": [], "forward": [], "adapt": []}
    # The first round of the first of them compiles.
    for warm in range(-1 if len(paths) < 100 else 0, rounds):
        took = {"decode": seconds(lambda: list(decode()))}
        took["forward"] = sum(
            seconds(lambda batch=batch: forward(batch).numpy()) for batch in decode()
        )
        took["adapt"] = seconds(lambda: learner.adapt(paths, labels))
        if warm >= 0:
            for name, value in took.items():
                times[name].append(value)
    estimates = seconds(
        lambda: learner.adapt(paths, labels, leave_one_out=True, false_reject_rate=0.05)
    )
    middle = {name: statistics.median(values) for name, values in times.items()}
    ratios = [
        (adapt - decode) / forward
        for adapt, decode, forward in zip(
            times["adapt"], times["decode"], times["forward"], strict=True
        )
    ]
    print(
        f"{len(paths)} photographs: decoding {middle['decode']:.2f} s, forward "
        f"{middle['forward']:.2f} s, adapt {middle['adapt']:.2f} s (first "
        f"{first:.2f} s): {statistics.median(ratios):.2f} of the forward pass "
        f"({min(ratios):.2f} to {max(ratios):.2f}) beside decoding; with leave-one-out "
        f"and calibration {estimates:.2f} s; peak memory +{peak:.0f} MB",
        flush=True,
    )


def compare_export(learner, paths, labels):
    """Prints the times of the exported classifier and of the backbone alone."""
    classifier = learner.adapt(paths, labels)
    images = np.random.default_rng(0).integers(0, 256, (32, *SIZE, 3), dtype="uint8")
    pictures, floats = tf.constant(images), tf.constant(images / np.float32(255))
    forward = tf.function(lambda batch: learner.backbone(batch, training=False))
    with tempfile.TemporaryDirectory() as folder:
        classifier.export(f"{folder}/exported")
        exported = tf.saved_model.load(f"{folder}/exported")
        times = {"backbone": [], "exported": []}
        for warm in range(-3, 15):
            bare = seconds(lambda: forward(floats).numpy())
            whole = seconds(lambda: exported.serve(pictures)["probabilities"].numpy())
            if warm >= 0:
                times["backbone"].append(bare)
                times["exported"].append(whole)
    ratios = [b / a for a, b in zip(*times.values(), strict=True)]
    middle = {name: 1000 * statistics.median(t) for name, t in times.items()}
    print(
        f"32 decoded pictures: backbone {middle['backbone']:.0f} ms, exported "
        f"classifier {middle['exported']:.0f} ms, {statistics.median(ratios):.3f} of "
        f"it ({min(ratios):.3f} to {max(ratios):.3f})"
    )


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def memory(name):
    """Returns a line of the process's status in megabytes."""
    (line,) = [
        line
        for line in pathlib.Path("/proc/self/status").read_text().splitlines()
        if line.startswith(name)
    ]
    return int(line.split()[1]) / 1024


def forget_peak():
    pathlib.Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    main()
