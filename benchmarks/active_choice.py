"""What to label next: accuracy against the number of labels, beside random choice.

    python benchmarks/active_choice.py FOLDER --backbone mobilenet_v2 --alpha 0.35 \
        --weights FILE --output benchmarks/reports

FOLDER holds a folder of pictures for each class, such as miniImageNet's 16 validation
classes. Of each class some pictures are drawn once. Each seed divides them into a pool
without labels and a test set, and labels one picture of each class at random. Then each
strategy of `active.propose` chooses as many pictures as there are classes, their labels
are told, and the classifier learns them; it chooses again, until the mean number of
labels of a class is that of `--labels`. All strategies start with the same labels. The
accuracy is compared with that of random choice, paired by seed, with 95% intervals of
Student's t. The default strategy was chosen on training classes of miniImageNet.
"""

import argparse
import pathlib

import fsl_keras as fsl
import numpy as np
from fsl_keras.datasets.folders import files_by_class
from fsl_keras.datasets.items import FileItems
from fsl_keras.files import write_json
from matplotlib.figure import Figure

from text_protocol import mean_and_interval

SIZE = (224, 224)
RANDOM = "random"
# The mean numbers of labels of a class that the report states.
BUDGETS = (2, 5, 10)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", type=pathlib.Path, required=True)
    parser.add_argument("--alpha", type=float, help="width of a MobileNet")
    parser.add_argument("--head", default="ridge")
    parser.add_argument("--pool", type=int, default=100, help="pictures of a class")
    parser.add_argument("--tested", type=int, default=100, help="pictures of a class")
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    options = {} if arguments.alpha is None else {"alpha": arguments.alpha}
    backbone = fsl.backbones.pretrained(
        arguments.backbone, arguments.weights, **options
    )
    data = drawn(arguments.folder, arguments.pool + arguments.tested)
    features = fsl.features.embed(data, backbone, verbose=1)
    learner = fsl.models.TransferLearner(backbone, arguments.head).on_features()
    curves = {name: [] for name in (RANDOM, *fsl.active.STRATEGIES)}
    for seed in range(arguments.seeds):
        task = Task(features, arguments.pool, seed)
        for name, found in curves.items():
            found.append(curve(learner, task, name, arguments.labels, seed))
            print(f"seed {seed} | {name} {np.round(found[-1], 4).tolist()}", flush=True)
    write(arguments, {name: np.array(found) for name, found in curves.items()}, data)


def drawn(folder, count):
    """Draws pictures of each class once: a data set of files."""
    rng = np.random.default_rng(0)
    paths = {
        name: rng.permutation(f)[:count] for name, f in files_by_class(folder).items()
    }
    ends = np.cumsum([len(part) for part in paths.values()])
    rows = np.split(np.arange(ends[-1]), ends[:-1])
    items = FileItems(np.concatenate(list(paths.values())), SIZE, 3)
    return fsl.ClassDataset(items, rows, list(paths))


class Task:
    """A pool without labels and a test set, of each class the same numbers.

    Args:
        features: `ClassDataset` of vectors.
        pool: integer, how many of each class are in the pool.
        seed: integer.
    """

    def __init__(self, features, pool, seed):
        rng = np.random.default_rng(seed)
        parts = [rng.permutation(features.class_items(n)) for n in features.class_names]
        names = np.asarray(features.class_names)
        self.pool = np.concatenate([part[:pool] for part in parts])
        self.labels = np.repeat(names, pool)
        self.test = np.concatenate([part[pool:] for part in parts])
        self.test_labels = np.repeat(names, [len(part) - pool for part in parts])
        self.first = pool * np.arange(len(names)) + rng.integers(pool, size=len(names))


def curve(learner, task, strategy, labels, seed):
    """Returns the accuracies after each round, the first of one label a class."""
    rng, chosen = np.random.default_rng(seed), task.first
    ways = len(chosen)
    classifier = learner.adapt(task.pool[chosen], task.labels[chosen].tolist())
    accuracies = [accuracy(classifier, task)]
    unlabeled = np.setdiff1d(np.arange(len(task.pool)), chosen)
    for _ in range(labels - 1):
        if strategy == RANDOM:
            places = rng.permutation(len(unlabeled))[:ways]
        else:
            found = fsl.active.propose(classifier, task.pool[unlabeled], ways, strategy)
            places = [proposal.index for proposal in found]
        chosen = unlabeled[places]
        unlabeled = np.delete(unlabeled, places)
        classifier.add_examples(task.pool[chosen], task.labels[chosen].tolist())
        accuracies.append(accuracy(classifier, task))
    return accuracies


def accuracy(classifier, task):
    """Returns the accuracy on the test set."""
    found = np.argmax(classifier.logits(task.test), axis=-1)
    return float(np.mean(np.asarray(classifier.class_names)[found] == task.test_labels))


def write(arguments, curves, data):
    """Writes the report, one row for each strategy, and a chart."""
    network = arguments.backbone
    if arguments.alpha is not None:
        network += f"_{arguments.alpha}"
    ways, queries = len(data), len(data) * arguments.tested
    rows = []
    for name, found in curves.items():
        row = {"name": name, "figures": [], "minus_random": {}}
        for budget in [b for b in BUDGETS if b <= arguments.labels]:
            mean, ci95 = mean_and_interval(found[:, budget - 1], queries)
            protocol = {
                "dataset": f"{arguments.folder.name}, {ways} classes",
                "ways": ways,
                "shots": budget,
                "queries": queries,
                "seeds": list(range(arguments.seeds)),
                "kind": "inductive",
                "batch_norm": "running",
            }
            row["figures"].append(
                {"accuracy": mean, "ci95": ci95, "protocol": protocol}
            )
            gains = (found - curves[RANDOM])[:, budget - 1]
            mean, ci95 = mean_and_interval(gains, queries)
            row["minus_random"][str(budget)] = {"difference": mean, "ci95": ci95}
            print(
                f"{name}, {budget} labels a class in the mean: "
                f"{100 * mean:+.2f} ± {100 * ci95:.2f} over random"
            )
        row["accuracy_by_labels"] = found.mean(axis=0).tolist()
        rows.append(row)
    options = f" --alpha {arguments.alpha}" if arguments.alpha is not None else ""
    stem = f"active_{network}"
    write_json(
        arguments.output / f"{stem}.json",
        {
            "title": f"What to label next: photographs on a frozen {network}",
            "command": f"python benchmarks/active_choice.py FOLDER --backbone "
            f"{arguments.backbone}{options} --weights {arguments.weights.name} "
            f"--head {arguments.head} --seeds {arguments.seeds} --output FOLDER",
            "note": f"Accuracy of {arguments.head} on {arguments.tested} other "
            f"pictures a class, by the mean number of labels of a class. One label a "
            f"class is random, then rounds of {ways} from a pool of {arguments.pool} a "
            f"class; {arguments.seeds} draws, 95% intervals over the draws.",
            "rows": rows,
        },
    )
    draw(curves, ways).savefig(arguments.output / f"{stem}.png", dpi=80)


def draw(curves, ways):
    """Draws the mean accuracy of each strategy by the number of labels."""
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for number, (name, found) in enumerate(curves.items()):
        labels = ways * np.arange(1, 1 + found.shape[1])
        style = {"color": "0.4", "linestyle": "--"} if name == RANDOM else {}
        style = style or {"color": f"C{number - 1}"}
        axes.plot(labels, 100 * found.mean(axis=0), label=name, marker=".", **style)
    axes.set_xlabel("labels")
    axes.set_ylabel("accuracy in %")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
