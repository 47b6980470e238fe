"""Accuracy, size and speed of `HashedTextEncoder` on intents of sentences.

    python benchmarks/text_hashed.py clinc150_train_val.json    # to choose settings
    python benchmarks/text_hashed.py banking77_train.csv --speed    # to measure them

Prints JSON: for each head the mean accuracy over draws of the support set, with a 95 %
confidence interval over draws, and with `--speed` the seconds of adapting to one
support set in a fresh process, the size of the SavedModel of that classifier and how
many sentences it classifies in a second. `--speed-only` leaves the accuracies out.

The queries of CLINC150 (150 intents) are its validation sentences, and its support sets
are drawn from the training sentences. Of BANKING77 (77 intents), 20 sentences of each
intent are the queries, drawn once, and support sets are drawn from the others.
Sentences that occur twice are used once.
"""

import argparse
import csv
import json
import pathlib
import tempfile
import time

import fsl_keras as fsl
import numpy as np
import scipy.stats
import tensorflow as tf
from fsl_keras.models.transfer import HEADS
from keras import ops

QUERIES = 20
HEADS_SHOWN = ["cosine", "prototypes", "nearest_neighbor", "ridge", "logistic"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--heads", nargs="+", default=HEADS_SHOWN, choices=HEADS)
    parser.add_argument("--idf", choices=["none", "support"], default="none")
    parser.add_argument("--encoder", type=json.loads, default={}, help="JSON arguments")
    parser.add_argument("--head", default="ridge", help="that of the speed")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--speed-only", action="store_true")
    arguments = parser.parse_args()
    (pool, labels), (queries, answers) = read(arguments.file)
    print_row(
        file=arguments.file.name,
        classes=len(np.unique(labels)),
        queries=len(queries),
        shots=arguments.shots,
        idf=arguments.idf,
        encoder=arguments.encoder,
    )
    if arguments.speed or arguments.speed_only:
        chosen = support_set(labels, arguments.shots, seed=0)
        speed(arguments, pool[chosen], labels[chosen], pool)
    if not arguments.speed_only:
        accuracies(arguments, pool, labels, queries, answers)


def accuracies(arguments, pool, labels, queries, answers):
    encoder = fsl.backbones.HashedTextEncoder(**arguments.encoder)
    found = {name: [] for name in arguments.heads}
    vectors = embed(encoder, pool), embed(encoder, queries)
    for seed in range(arguments.draws):
        chosen = support_set(labels, arguments.shots, seed)
        if arguments.idf == "support":
            encoder.adapt(pool[chosen])
            vectors = embed(encoder, pool), embed(encoder, queries)
        support, query = vectors[0][None, chosen], vectors[1][None]
        one_hot = np.eye(labels.max() + 1, dtype="float32")[None, labels[chosen]]
        for name in arguments.heads:
            head = HEADS[name]()
            head.build(support.shape)
            state = head.prepare(head.remember(support, one_hot))
            right = np.argmax(ops.convert_to_numpy(head.score(state, query))[0], -1)
            found[name].append(100 * np.mean(right == answers))
    for name, values in found.items():
        quantile = scipy.stats.t.ppf(0.975, len(values) - 1)
        half = quantile * np.std(values, ddof=1) / np.sqrt(len(values))
        mean = round(float(np.mean(values)), 2)
        print_row(head=name, accuracy=mean, ci95=round(float(half), 2))


def speed(arguments, support, labels, texts):
    """Adapts first, so that nothing has been traced before."""
    names = [f"intent {label}" for label in labels]
    start = time.perf_counter()
    encoder = fsl.backbones.HashedTextEncoder(**arguments.encoder)
    if arguments.idf == "support":
        encoder.adapt(support)
    learner = fsl.models.TransferLearner(encoder, arguments.head)
    classifier = learner.adapt(support, names)
    seconds = time.perf_counter() - start
    print_row(head=arguments.head, adapted=len(support), seconds=round(seconds, 2))
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "intents")
        classifier.export(path)
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        classify = tf.saved_model.load(str(path)).signatures["serving_default"]
        texts = tf.constant(texts.tolist())
        for batch in (64, 256, 1024):
            rates = [per_second(classify, texts, batch) for _ in range(5)]
            print_row(batch=batch, sentences_per_second=[round(max(rates)), rates])
    print_row(megabytes=round(size / 1e6, 2))


def per_second(classify, texts, batch):
    """Returns how many texts are classified in a second, rounded."""
    keys = list(classify.structured_input_signature[1])
    classify(**{keys[0]: texts[:batch]})
    start = time.perf_counter()
    for first in range(0, len(texts), batch):
        classify(**{keys[0]: texts[first : first + batch]})
    return round(len(texts) / (time.perf_counter() - start))


def embed(encoder, texts):
    batches = (texts[i : i + 256] for i in range(0, len(texts), 256))
    return np.concatenate([encoder.predict_on_batch(batch) for batch in batches])


def support_set(labels, shots, seed):
    """Returns the indices of random examples of each class."""
    generator = np.random.default_rng(seed)
    return np.concatenate(
        [
            generator.permutation(np.flatnonzero(labels == label))[:shots]
            for label in np.unique(labels)
        ]
    )


def read(path):
    """Returns texts and labels of the examples, and those of the queries."""
    if path.suffix == ".json":
        data = json.loads(path.read_text(encoding="utf-8"))
        names = sorted({name for _, name in data["train"]})
        return [as_arrays(data[part], names) for part in ("train", "val")]
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"].strip(), row["category"]) for row in csv.DictReader(file)]
    texts, labels = as_arrays(dict(rows).items(), sorted({name for _, name in rows}))
    of_queries = np.isin(np.arange(len(labels)), support_set(labels, QUERIES, seed=77))
    return [(texts[part], labels[part]) for part in (~of_queries, of_queries)]


def as_arrays(rows, names):
    texts, labels = zip(*rows, strict=True)
    return np.array(texts, object), np.array([names.index(name) for name in labels])


def print_row(**values):
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
