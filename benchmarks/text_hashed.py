"""Accuracy, size and speed of classifiers of texts on `HashedTextEncoder`.

    python benchmarks/text_hashed.py                  # CLINC150, to choose settings
    python benchmarks/text_hashed.py --task banking77 --speed    # to measure them

The data is read from $FSL_KERAS_DATA/text. See `text_protocol.py` for the protocol.
Prints JSON: for each head the mean accuracy in percent over draws of the support set,
with its 95% interval. `--speed` first tells the seconds of adapting to one support set
in this process, which has traced nothing before, the size of the SavedModel of that
classifier, and how many sentences it classifies in a second: the best of five rounds.
`--draws 0` leaves the accuracies out.
"""

import argparse
import json
import pathlib
import tempfile
import time

import fsl_keras as fsl
import numpy as np
import tensorflow as tf
from fsl_keras.models import TransferLearner
from fsl_keras.models.transfer import HEADS

import text_protocol

TASKS = {
    "clinc150": text_protocol.clinc150_task,
    "banking77": text_protocol.banking77_task,
}
HEADS_SHOWN = ["cosine", "prototypes", "nearest_neighbor", "ridge", "logistic"]
ROUNDS = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--task", choices=TASKS, default="clinc150")
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--draws", type=int, choices=[0, 2, 3, 5, 10], default=10)
    parser.add_argument("--heads", nargs="+", default=HEADS_SHOWN, choices=HEADS)
    parser.add_argument("--adapt", action="store_true", help="the encoder as well")
    parser.add_argument("--encoder", type=json.loads, default={}, help="JSON arguments")
    parser.add_argument("--speed", action="store_true")
    arguments = parser.parse_args()
    task = TASKS[arguments.task]()
    tell(**vars(arguments), ways=len(task.class_names), queries=len(task.queries))
    if arguments.speed:
        speed(arguments, task)
    if arguments.draws:
        accuracies(arguments, task)


def accuracies(arguments, task):
    encoder = fsl.backbones.HashedTextEncoder(**arguments.encoder)
    learners = {name: TransferLearner(encoder, name) for name in arguments.heads}
    found = {name: [] for name in learners}
    query = encoder.predict(task.queries, batch_size=256, verbose=0)
    for seed in range(arguments.draws):
        texts, labels = task.support(arguments.shots, seed)
        if arguments.adapt:
            encoder.adapt(texts)
            query = encoder.predict(task.queries, batch_size=256, verbose=0)
        support = encoder.predict(texts, batch_size=256, verbose=0)
        one_hot = np.eye(len(task.class_names), dtype="float32")[labels]
        for name, learner in learners.items():
            memory = learner.remember_features(support[None], one_hot[None])
            logits = learner.score_features(learner.prepare(memory), query[None])
            right = np.argmax(logits[0], axis=-1) == task.query_labels
            found[name].append(100 * right.mean())
    for name, values in found.items():
        mean, ci95 = text_protocol.mean_and_interval(values, len(task.queries))
        tell(head=name, accuracy=round(mean, 2), ci95=round(ci95, 2))


def speed(arguments, task):
    support, labels = task.support(arguments.shots, seed=0)
    names = [task.class_names[label] for label in labels]
    start = time.perf_counter()
    encoder = fsl.backbones.HashedTextEncoder(**arguments.encoder)
    if arguments.adapt:
        encoder.adapt(support)
    classifier = TransferLearner(encoder, arguments.heads[0]).adapt(support, names)
    seconds = time.perf_counter() - start
    tell(head=arguments.heads[0], adapted=len(support), seconds=round(seconds, 2))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "intents")
        classifier.export(path)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        tell(saved_model_megabytes=round(size / 1e6, 2))
        model = tf.saved_model.load(str(path))
        texts = tf.constant(task.pool.tolist())
        for batch in (64, 256, 1024):
            rates = [rate(model.serve, texts, batch) for _ in range(ROUNDS)]
            tell(batch=batch, sentences_per_second=max(rates), rounds=rates)


def rate(classify, texts, batch):
    """Returns how many texts are classified in a second, rounded."""
    classify(texts[:batch])
    start = time.perf_counter()
    for first in range(0, len(texts), batch):
        classify(texts[first : first + batch])
    return round(len(texts) / (time.perf_counter() - start))


def tell(**values):
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
