"""Every head on frozen features of photographs of two domains, paired with cosine.

    python benchmarks/domains.py CALTECH101 MINI_IMAGENET --backbone mobilenet_v2 \
        --alpha 0.35 --weights FILE --output benchmarks/reports

Each folder holds a folder of pictures for each class: 40 classes of Caltech-101, and
the 16 validation classes of miniImageNet. In alphabetical order every other class, from
the first on, is to choose heads and their settings on (`--choose`, which prints and
writes nothing); reports are of the other classes. Heads that take statistics of base
classes take them from the choosing classes of the same domain, and of the other one; to
choose, only of the other one. Two reports for a network, one for each domain, in which
a run goes on where it was stopped.
"""

import argparse
import json
import pathlib
import time

import fsl_keras as fsl
import numpy as np
from fsl_keras.datasets.folders import files_by_class
from fsl_keras.datasets.items import FileItems
from fsl_keras.evaluation import evaluate, paired_differences
from fsl_keras.files import write_json
from fsl_keras.models.transfer import HEADS

SIZE, SEED, EPISODES, QUERIES = (224, 224), 2, 600, 15
REFERENCE = "cosine"
VIEWED = (REFERENCE, "whitened_ridge")  # the heads of `--views`
# The title of each domain, and how many pictures of a class are embedded.
DOMAINS = {
    "caltech101": ("Caltech-101", 45),
    "mini_imagenet": ("miniImageNet's validation classes", 100),
}
# Heads beside those that `TransferLearner` knows by name.
MORE = {"whitened in all directions": fsl.heads.WhitenedHead}
NAMES = [*HEADS, *MORE]
NOTE = """The {tested} classes of {title} that nothing was chosen on, up to {pictures}
pictures each, {episodes} episodes, {queries} queries a class, seed {seed}, the same
for all heads; in the last columns the difference to cosine prototypes, paired by
episode. The network is as it is, with the BatchNorm statistics of ImageNet, which has
{overlap} of these classes: the figures follow no paper's protocol. The base of heads
that take statistics of other classes is the {base} choosing classes of this domain, or
the {other_base} of the other one, {other_title}; without one they have what
the package has of the network, from miniImageNet's training classes, or nothing.
Rows of views come with `--views`."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("caltech101", type=pathlib.Path)
    parser.add_argument("mini_imagenet", type=pathlib.Path)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--alpha", type=float, help="width of a MobileNet")
    parser.add_argument("--heads", nargs="+", default=NAMES, choices=NAMES)
    parser.add_argument("--views", action="store_true", help="heads on views as well")
    parser.add_argument("--choose", action="store_true", help="on the choosing classes")
    parser.add_argument("--output", type=pathlib.Path, default=".")
    arguments = parser.parse_args()
    options = {} if arguments.alpha is None else {"alpha": arguments.alpha}
    network = fsl.backbones.pretrained(arguments.backbone, arguments.weights, **options)
    parts = {name: halves(getattr(arguments, name), name, network) for name in DOMAINS}
    for name in DOMAINS:
        measure(name, parts, network, arguments)


def halves(folder, domain, network):
    """Returns the features of the choosing classes and of the reported ones."""
    data = photographs(folder, DOMAINS[domain][1], domain)
    features = fsl.features.embed(data, network, verbose=1)
    return [features.subset(range(start, len(data), 2)) for start in (0, 1)]


def photographs(folder, most, name):
    """Returns the data set of the first pictures of each class of a folder."""
    files = files_by_class(folder)
    paths = [files[name][:most] for name in sorted(files)]
    ends = np.cumsum([len(part) for part in paths])
    rows = np.split(np.arange(ends[-1]), ends[:-1])
    items = FileItems(np.concatenate(paths), SIZE, 3)
    return fsl.ClassDataset(items, rows, sorted(files), name)


def measure(domain, parts, network, arguments):
    """Prints the rows of all heads on one domain, and writes them into its report."""
    choosing, reported = parts[domain]
    (other,) = (parts[name][0] for name in DOMAINS if name != domain)
    tested = choosing if arguments.choose else reported
    bases = {"the other domain": other}
    if not arguments.choose:
        bases = {"the same domain": choosing, **bases}
    report, path = begun(domain, parts, arguments)
    tasks = [(ways, shots) for ways in (5, len(tested)) for shots in (1, 5)]
    print(f"\n{domain}: {tested.summary()}; tasks {tasks}", flush=True)
    reference = measured(learner(REFERENCE, network), tested, tasks)
    for head in dict.fromkeys([REFERENCE, *arguments.heads]):
        made = learner(head, network)
        alone = [None] if hasattr(made.head, "set_directions") and head in HEADS else []
        # `auto` as users have it, without further photographs.
        based = bases if made.has_base_statistics and head != "auto" else []
        for base in [*alone, *based] or [None]:
            name = f"{head}, base of {base}" if base else head
            if name in (row["name"] for row in report["rows"]):
                continue
            if base:
                made.fit_base(bases[base], cache=False)
            found = measured(made, tested, tasks)
            report["rows"].append(row_of(name, found, reference))
            if not arguments.choose:
                write_json(path, report)
    if arguments.views:
        report["rows"] += rows_of_views(
            domain, network, arguments, tasks, reference, report["rows"]
        )
        if not arguments.choose:
            write_json(path, report)


def rows_of_views(domain, network, arguments, tasks, reference, rows):
    """Returns the rows of two heads on the mean of views; prints what views cost."""
    views = fsl.backbones.MultiCrop(network)
    names = {head: f"{head}, {views.views.count} views" for head in VIEWED}
    if set(names.values()) <= {row["name"] for row in rows}:
        return []
    data = photographs(getattr(arguments, domain), DOMAINS[domain][1], domain)
    data = data.subset(range(0 if arguments.choose else 1, len(data), 2))
    some = data.fetch(np.arange(16))
    for name, model in (("one view", network), ("all views", views)):
        model.predict_on_batch(some)  # traces
        start = time.perf_counter()
        model.predict_on_batch(some)
        seconds = (time.perf_counter() - start) / len(some)
        print(f"{name}: {1000 * seconds:.1f} ms a picture", flush=True)
    features = fsl.features.embed(data, views, verbose=1)
    return [
        row_of(name, measured(learner(head, views), features, tasks), reference)
        for head, name in names.items()
    ]


def learner(head, network):
    head = MORE[head]() if head in MORE else head
    return fsl.models.TransferLearner(network, head).on_features()


def measured(model, data, tasks):
    return [
        evaluate(
            model,
            data.episodes(*task, QUERIES, seed=SEED, count=EPISODES, tasks=10),
        )
        for task in tasks
    ]


def row_of(name, reports, reference):
    """Returns the row of a head, and prints it."""
    figures, columns = [], {}
    for report, other in zip(reports, reference, strict=True):
        paired = paired_differences([other, report])[0]
        figures.append(
            {
                "accuracy": report.accuracy,
                "ci95": report.ci95,
                "protocol": report.protocol,
                "difference": {"difference": paired.difference, "ci95": paired.ci95},
            }
        )
        task = f"{report.protocol['ways']}-way {report.protocol['shots']}-shot"
        gain = f"{100 * paired.difference:+.2f} ± {100 * paired.ci95:.2f}"
        columns[f"minus {REFERENCE}, {task}"] = "" if name == REFERENCE else gain
    accuracies = [f"{100 * figure['accuracy']:.2f}" for figure in figures]
    print(name, *accuracies, "|", *columns.values(), flush=True)
    return {"name": name, "figures": figures, "columns": columns}


def begun(domain, parts, arguments):
    """Returns the report of a domain, with the rows that are there, and its path."""
    network = arguments.backbone
    width = ""
    if arguments.alpha is not None:
        network += f"_{arguments.alpha}"
        width = f" --alpha {arguments.alpha}"
    (other,) = (name for name in DOMAINS if name != domain)
    title, pictures = DOMAINS[domain]
    report = {
        "title": f"Photographs: heads on {network}, {title}",
        "command": f"python benchmarks/domains.py CALTECH101 MINI_IMAGENET --backbone "
        f"{arguments.backbone}{width} --weights {pathlib.Path(arguments.weights).name} "
        f"--output FOLDER",
        "note": NOTE.format(
            tested=len(parts[domain][1]),
            title=title,
            pictures=pictures,
            episodes=EPISODES,
            queries=QUERIES,
            seed=SEED,
            overlap="all" if domain == "mini_imagenet" else "some",
            base=len(parts[domain][0]),
            other_base=len(parts[other][0]),
            other_title=DOMAINS[other][0],
        ),
        "rows": [],
    }
    path = arguments.output / f"domains_{network}_{domain}.json"
    if path.exists() and not arguments.choose:
        before = json.loads(path.read_text())
        if all(before[key] == report[key] for key in ("title", "command", "note")):
            report["rows"] = before["rows"]
    return report, path


if __name__ == "__main__":
    main()
