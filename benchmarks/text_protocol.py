"""The protocol of the benchmarks of texts: what is learned, and what is tested.

Sentences that occur twice are used once. CLINC150 is tested on its own validation
sentences. Of BANKING77's training file, 20 sentences of each intent are drawn once for
the test, and support sets are drawn from the others: this is not the official test of
any paper. All settings were chosen on CLINC150.
"""

import dataclasses

import numpy as np
from fsl_keras.datasets import banking77, clinc150

# The seed of BANKING77's division, and the number of test sentences of an intent.
DIVISION, TESTED = 77, 20


@dataclasses.dataclass
class Task:
    """Sentences to learn from and to test on.

    Attributes:
        name: string.
        class_names: list of strings.
        pool: object array of the sentences that support sets are drawn from.
        pool_labels: integer array.
        queries: object array of the sentences to test on.
        query_labels: integer array.
        out_of_scope: object array of sentences of no class.
    """

    name: str
    class_names: list
    pool: np.ndarray
    pool_labels: np.ndarray
    queries: np.ndarray
    query_labels: np.ndarray
    out_of_scope: np.ndarray

    def support(self, shots, seed):
        """Draws sentences of each class; returns them and their class numbers."""
        rng = np.random.default_rng(seed)
        rows = [
            rng.permutation(np.flatnonzero(self.pool_labels == number))[:shots]
            for number in range(len(self.class_names))
        ]
        rows = np.concatenate(rows)
        return self.pool[rows], self.pool_labels[rows]


def clinc150_task():
    """Learns from CLINC150's training sentences; tests on its validation sentences."""
    parts = clinc150.read()
    pool, labels, names = _numbered(parts["train"])
    queries, query_labels, _ = _numbered(parts["val"], names)
    out_of_scope = np.asarray([text for text, _ in parts["oos_val"]], object)
    return Task("CLINC150", names, pool, labels, queries, query_labels, out_of_scope)


def banking77_task():
    """Divides BANKING77's training sentences once, by a fixed seed."""
    texts, labels, names = _numbered(banking77.read()["train"])
    rng = np.random.default_rng(DIVISION)
    tested = np.zeros(len(texts), bool)
    for number in range(len(names)):
        tested[rng.permutation(np.flatnonzero(labels == number))[:TESTED]] = True
    nothing = np.asarray([], object)
    return Task(
        "BANKING77",
        names,
        texts[~tested],
        labels[~tested],
        texts[tested],
        labels[tested],
        nothing,
    )


def mean_and_interval(values, queries):
    """Returns mean and half the 95% interval of accuracies of independent draws.

    The interval of a single draw is that over its queries, a number.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        mean = float(values.mean())
        return mean, float(1.96 * np.sqrt(mean * (1 - mean) / queries))
    # Student's t, as there are three to ten draws.
    quantile = {2: 12.71, 3: 4.303, 5: 2.776, 10: 2.262}[len(values)]
    error = values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(quantile * error)


def figure(task, shots, values, seeds):
    """Returns a figure of a report, of the accuracies of several draws."""
    mean, ci95 = mean_and_interval(values, len(task.queries))
    protocol = {
        "dataset": task.name,
        "ways": len(task.class_names),
        "shots": shots,
        "queries": len(task.queries),
        "draws": len(values),
        "seeds": list(seeds),
        "kind": "inductive",
        "batch_norm": "no",
    }
    return {"accuracy": mean, "ci95": ci95, "protocol": protocol}


def _numbered(pairs, names=None):
    """Returns distinct sentences, their class numbers and the names of the classes."""
    first = dict(reversed([(text.strip(), label) for text, label in pairs]))
    texts = list(dict.fromkeys(text.strip() for text, _ in pairs))
    names = names or sorted(set(first.values()))
    numbers = [names.index(first[text]) for text in texts]
    return np.asarray(texts, object), np.asarray(numbers), names
