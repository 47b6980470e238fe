"""The last block of a network, fine-tuned on a few photographs, against frozen.

    python benchmarks/fine_tuning.py CALTECH101 MINI_IMAGENET --backbone mobilenet_v2 \
        --alpha 0.35 --weights FILE --unfreeze block_16 --output benchmarks/reports

The folders, and which of their classes are to choose settings on (`--choose`, which
writes no report) and which are reported, are those of `domains.py`. All classes are
learned at once from a few photographs of each. The layers before the unfrozen one are
the same in all draws, so they run once, and a draw trains the rest of the network on
their output. A report for each domain, and a file of draws, with which a second call
goes on where the first one stopped.
"""

import argparse
import json
import pathlib

import fsl_keras as fsl
import keras
import numpy as np
from fsl_keras.datasets.items import MemoryItems
from fsl_keras.files import write_json
from fsl_keras.model_selection import cross_validate_fine_tuning, recommended
from fsl_keras.pretraining import fine_tune

from domains import DOMAINS, photographs
from text_protocol import mean_and_interval

SHOTS, QUERIES, DRAWS, SEED = (5, 10, 20), 14, 5, 2
HEADS = ("whitened_ridge", "ridge", "cosine")
# The head with which leaving out chooses, and the number of photographs of a class with
# which it is measured, as it takes five times as long.
CHOOSING, LEFT_OUT_OF = HEADS[0], SHOTS[0]
CHOSEN = "chosen by leaving out"
# The arguments of `fine_tune`.
SETTINGS = {"learning_rate": 1e-3}
NOTE = """The {tested} classes of {title} that nothing was chosen on, learned at once,
{draws} draws (seed {seed}), {queries} other photographs of each class as queries.
Fine-tuned is the network from {unfreeze} on, by `pretraining.fine_tune` with
{options}, found on the choosing classes with MobileNetV2 0.35. Chosen by
leaving out is that or the frozen network, whichever
`model_selection.cross_validate_fine_tuning` finds better on the photographs to learn
from, with {shots} of a class: fine-tuned in {count} of the draws. In the last columns
the difference to the frozen network under the same head, paired by draw, in points. All
intervals are 95% ones over the draws. ImageNet has {overlap} of these classes: the
figures follow no paper's protocol."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("caltech101", type=pathlib.Path)
    parser.add_argument("mini_imagenet", type=pathlib.Path)
    parser.add_argument("--backbone", default="mobilenet_v2")
    parser.add_argument("--weights", default="imagenet")
    parser.add_argument("--alpha", type=float, help="width of a MobileNet")
    parser.add_argument("--unfreeze", default="block_16", help="first layer to train")
    parser.add_argument("--domains", nargs="+", default=list(DOMAINS), choices=DOMAINS)
    parser.add_argument("--shots", nargs="+", type=int, default=SHOTS)
    parser.add_argument("--draws", type=int, default=DRAWS, choices=(2, 3, 5, 10))
    parser.add_argument("--choose", action="store_true", help="on the choosing classes")
    parser.add_argument("--set", type=json.loads, default=SETTINGS, help="JSON")
    parser.add_argument("--output", type=pathlib.Path, default=".")
    arguments = parser.parse_args()
    options = {} if arguments.alpha is None else {"alpha": arguments.alpha}
    network = fsl.backbones.pretrained(arguments.backbone, arguments.weights, **options)
    heads = {name: fsl.models.TransferLearner(network, name).head for name in HEADS}
    front, rest = divided(network, arguments.unfreeze)
    for domain in arguments.domains:
        folder, pictures = getattr(arguments, domain), DOMAINS[domain][1]
        data = photographs(folder, pictures, domain)
        data = data.subset(range(0 if arguments.choose else 1, len(data), 2))
        data = fsl.features.embed(data, front, verbose=1)
        measure(domain, data, rest, heads, arguments)


def divided(network, layer):
    """Returns the frozen first part of a network and the rest, from a layer on."""
    *_, preprocessing, application = network.layers
    found = (x for x in application.layers if x.name.startswith(layer))
    middle = next(found).input
    images = keras.Input(network.input_shape[1:])
    front = keras.Model(application.input, middle)(preprocessing(images))
    return keras.Model(images, front), keras.Model(middle, application.output)


def measure(domain, data, rest, heads, arguments):
    """Prints what is found on all draws of one domain, and writes its report."""
    name = f"{arguments.backbone}_{arguments.alpha or 1.0}_{domain}"
    kept = arguments.output / f"fine_tuning_{name}.draws.json"
    found = {}
    if kept.exists() and not arguments.choose:
        found = json.loads(kept.read_text())
    for shots in arguments.shots:
        episodes = data.episodes(
            len(data), shots, QUERIES, seed=SEED, count=arguments.draws
        )
        for number, (episode, numbers) in enumerate(episodes.as_numpy_iterator()):
            key = f"{shots} {number}"
            if key not in found:
                found[key] = draw(
                    episode, numbers, rest, heads, arguments.set, shots == LEFT_OUT_OF
                )
                if not arguments.choose:
                    write_json(kept, found)
            print(domain, key, found[key], flush=True)
    rows = rows_of(domain, len(data), found, arguments)
    if not arguments.choose:
        report = {**described(domain, len(data), found, arguments), "rows": rows}
        write_json(arguments.output / f"fine_tuning_{name}.json", report)


def draw(episode, numbers, rest, heads, options, is_left_out):
    """Returns the accuracies of one draw by row, and what leaving out finds."""
    items, labels = episode["support"][0], episode["support_labels"][0].argmax(-1)
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(np.bincount(labels))[:-1]
    names = [str(label) for label in range(len(ends) + 1)]
    data = fsl.ClassDataset(MemoryItems(items), np.split(order, ends), names, "draw")
    learners = {
        name: fsl.models.TransferLearner(rest, head, unfreeze="all")
        for name, head in heads.items()
    }
    found = {f"frozen, {name}": x for name, x in tested(learners, episode, numbers)}
    learner = learners[CHOOSING]
    candidates = []
    if is_left_out:
        candidates = cross_validate_fine_tuning(learner, data, verbose=0, **options)
    fine_tune(learner, data, verbose=0, **options)
    for other in learners.values():
        other.backbone.set_weights(learner.backbone.get_weights())
    for name, accuracy in tested(learners, episode, numbers):
        found[f"fine-tuned, {name}"] = accuracy
    if candidates:
        better = "fine-tuned" if recommended(candidates).name > 0 else "frozen"
        found[f"{CHOSEN}, {CHOOSING}"] = found[f"{better}, {CHOOSING}"]
    left_out = [candidate.accuracy for candidate in candidates]
    return {"rows": found, "left_out": left_out}


def tested(learners, episode, numbers):
    """Yields the name of each learner, and its accuracy on the queries."""
    for name, learner in learners.items():
        logits = np.asarray(learner(episode, training=False))
        yield name, float(np.mean(logits.argmax(axis=-1) == numbers))


def rows_of(domain, ways, found, arguments):
    """Returns the rows of the table of one domain, and prints them."""
    rows = []
    for name in found[f"{LEFT_OUT_OF} 0"]["rows"]:
        figures, columns = [], {}
        for shots in arguments.shots:
            draws = [found[f"{shots} {n}"]["rows"] for n in range(arguments.draws)]
            if name not in draws[0]:
                continue
            values = np.array([each[name] for each in draws])
            base = [each[f"frozen, {name.split(', ')[1]}"] for each in draws]
            mean, ci95 = mean_and_interval(values, 0)
            gain, around = mean_and_interval(values - base, 0)
            protocol = {
                "dataset": DOMAINS[domain][0],
                "ways": ways,
                "shots": shots,
                "queries": QUERIES,
                "draws": arguments.draws,
                "seed": SEED,
                "kind": "inductive",
                "batch_norm": "running",
            }
            difference = {"difference": gain, "ci95": around}
            figures.append(
                {
                    "accuracy": mean,
                    "ci95": ci95,
                    "protocol": protocol,
                    "difference": difference,
                }
            )
            cell = f"{100 * gain:+.2f} ± {100 * around:.2f}"
            column = f"minus frozen, {ways}-way {shots}-shot"
            columns[column] = "" if name.startswith("frozen") else cell
        accuracies = [f"{100 * figure['accuracy']:.2f}" for figure in figures]
        print(name, *accuracies, "|", *columns.values(), flush=True)
        rows.append({"name": name, "figures": figures, "columns": columns})
    return rows


def described(domain, ways, found, arguments):
    """Returns title, command and note of a report."""
    network, width = arguments.backbone, ""
    if arguments.alpha is not None:
        network += f"_{arguments.alpha}"
        width = f" --alpha {arguments.alpha}"
    left_out = [found[f"{LEFT_OUT_OF} {n}"]["left_out"] for n in range(arguments.draws)]
    count = sum(tuned > frozen for frozen, tuned in left_out)
    return {
        "title": f"Photographs: fine-tuning {network}, {DOMAINS[domain][0]}",
        "command": f"python benchmarks/fine_tuning.py CALTECH101 MINI_IMAGENET "
        f"--backbone {arguments.backbone}{width} --weights "
        f"{pathlib.Path(arguments.weights).name} --unfreeze {arguments.unfreeze} "
        f"--output FOLDER",
        "note": NOTE.format(
            tested=ways,
            title=DOMAINS[domain][0],
            draws=arguments.draws,
            seed=SEED,
            queries=QUERIES,
            unfreeze=arguments.unfreeze,
            options=", ".join(f"{key}={value}" for key, value in arguments.set.items()),
            shots=LEFT_OUT_OF,
            count=count,
            overlap="all" if domain == "mini_imagenet" else "some",
        ),
    }


if __name__ == "__main__":
    main()
