"""Heads on a frozen network that learns classes of photographs in sessions.

    python benchmarks/continual_photographs.py FOLDER... --backbone resnet50 \
        --weights FILE --output benchmarks/reports

Each FOLDER holds a folder of pictures for each class, such as miniImageNet's 64
training and 16 validation classes: eight sessions of ten. For each seed 20 pictures a
class to learn from, 20 others to test on and the order of the classes are drawn. All
heads learn the same sessions. The accuracy after the last session is compared with that
of the nearest centroid, paired by seed, with 95% intervals of Student's t. Each head
also learns the sessions in reverse, of which the report states the largest difference
of a probability. The networks were trained on ImageNet, which has the classes of
miniImageNet: the figures follow no paper's protocol. Defaults of the heads were chosen
on photographs of Caltech-101.
"""

import argparse
import pathlib

import fsl_keras as fsl
import numpy as np
from fsl_keras.datasets.folders import files_by_class
from fsl_keras.datasets.items import FileItems
from fsl_keras.heads import LinearDiscriminantHead, StreamingRidgeHead

import continual_protocol

SIZE = (224, 224)
CENTROID = "nearest centroid"
HEADS = {
    CENTROID: lambda: "prototypes",
    "nearest centroid by cosine": lambda: "cosine",
    "linear discriminant analysis": lambda: "lda",
    "recursive ridge regression": lambda: "streaming_ridge",
    "the same on 4,096 random features": lambda: StreamingRidgeHead(projection=4096),
    "discriminant analysis of square roots": lambda: LinearDiscriminantHead(power=0.5),
    "ridge regression of square roots": lambda: StreamingRidgeHead(power=0.5),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=pathlib.Path, nargs="+")
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--alpha", type=float, help="width of a MobileNet")
    parser.add_argument("--sessions", type=int, default=8)
    parser.add_argument("--shots", type=int, default=20)
    parser.add_argument("--tested", type=int, default=20)
    parser.add_argument("--classes", type=int, help="the first ones; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    options = {} if arguments.alpha is None else {"alpha": arguments.alpha}
    backbone = fsl.backbones.pretrained(
        arguments.backbone, arguments.weights, **options
    )
    files = {}
    for folder in arguments.folders:
        files |= files_by_class(folder)
    names = sorted(files)[: arguments.classes]
    reports, orders = {name: [] for name in HEADS}, {name: [] for name in HEADS}
    for seed in range(arguments.seeds):
        learned, test = draw(files, names, arguments.shots, arguments.tested, seed)
        learned, test = (
            fsl.features.embed(part, backbone, verbose=1) for part in (learned, test)
        )
        order = np.random.default_rng(seed).permutation(names)
        parts = [
            learned.subset(part.tolist())
            for part in np.array_split(order, arguments.sessions)
        ]
        for name, make in HEADS.items():
            learner = fsl.models.TransferLearner(backbone, make()).on_features()
            report = fsl.continual.evaluate(learner, parts, test, name, cache=False)
            reports[name].append(report)
            orders[name].append(order_difference(learner, parts, test))
            print(f"seed {seed} | {report}", flush=True)
    write(arguments, reports, orders, len(names))


def draw(files, names, shots, tested, seed):
    """Draws pictures of each class: data sets to learn from and to test on."""
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(files[name])[: shots + tested] for name in names]
    parts = [part[:shots] for part in drawn], [part[shots:] for part in drawn]
    return (of_files(part, names) for part in parts)


def of_files(paths, names):
    ends = np.cumsum([len(part) for part in paths])
    rows = np.split(np.arange(ends[-1]), ends[:-1])
    return fsl.ClassDataset(FileItems(np.concatenate(paths), SIZE, 3), rows, names)


def order_difference(learner, parts, test):
    """The largest difference of a probability after sessions in both orders."""
    items = test.fetch(np.arange(test.class_sizes.sum()))
    forward, backward = (learn(learner, order) for order in (parts, parts[::-1]))
    columns = [backward.class_names.index(name) for name in forward.class_names]
    difference = forward(items) - np.asarray(backward(items))[:, columns]
    return float(np.abs(difference).max())


def learn(learner, parts):
    classifiers = [
        learner.adapt(
            part.fetch(np.arange(part.class_sizes.sum())).numpy(),
            np.repeat(part.class_names, part.class_sizes).tolist(),
        )
        for part in parts
    ]
    first, *others = classifiers
    for other in others:
        first.add_classes_from(other)
    return first


def write(arguments, reports, orders, ways):
    """Writes a report of all heads, one row each, and a chart."""
    network = arguments.backbone
    if arguments.alpha is not None:
        network += f"_{arguments.alpha}"
    protocol = {
        "dataset": f"{ways} classes in {arguments.sessions} sessions",
        "ways": ways,
        "shots": arguments.shots,
        "queries": arguments.tested,
        "seeds": list(range(arguments.seeds)),
        "kind": "inductive",
        "batch_norm": "running",
    }
    rows = continual_protocol.rows_of(reports, protocol, CENTROID)
    for row in rows:
        row["columns"]["order of sessions"] = f"{max(orders[row['name']]):.1e}"
    continual_protocol.write(
        arguments.output / f"continual_{network}",
        f"Continual learning: photographs on a frozen {network}",
        command_of(arguments),
        f"Accuracy after the last session over all classes, {arguments.shots} pictures "
        f"a class, {arguments.seeds} draws of pictures and of the order of classes, "
        f"95% intervals over the draws. Order of sessions is the largest difference of "
        f"a probability after the same sessions in reverse.",
        rows,
        reports,
    )


def command_of(arguments):
    """Returns the command without the folders of the machine that it ran on."""
    folders = " ".join("FOLDER" for _ in arguments.folders)
    width = "" if arguments.alpha is None else f" --alpha {arguments.alpha}"
    return (
        f"python benchmarks/continual_photographs.py {folders} --backbone "
        f"{arguments.backbone}{width} --weights {pathlib.Path(arguments.weights).name} "
        f"--seeds {arguments.seeds} --output FOLDER"
    )


if __name__ == "__main__":
    main()
