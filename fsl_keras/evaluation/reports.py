"""Measuring learners on episodes and classifiers on labeled images."""

import dataclasses

import numpy as np
import tensorflow as tf

from fsl_keras.episodes.tuner import untuned
from fsl_keras.files import read_json, write_json
from fsl_keras.files.outputs import JSON
from fsl_keras.metrics import mean_and_interval


@dataclasses.dataclass
class EpisodeReport:
    """The accuracy of a learner on each of many episodes, and how it was measured.

    Args:
        name: string, what was measured.
        accuracies: float64 array `[episodes]`, from 0 to 1.
        protocol: dictionary: data set, ways, shots, queries, episodes, seed, kind
            (inductive or transductive), batch_norm mode, the class prior that a
            transductive head assumes, training classes, overlap.

    Example:

    >>> report = EpisodeReport("random", np.array([0.25, 0.15]), {"ways": 5})
    >>> round(report.accuracy, 3), round(report.ci95, 3)
    (0.2, 0.098)
    """

    name: str
    accuracies: np.ndarray
    protocol: dict

    @property
    def accuracy(self):
        """The mean over episodes, from 0 to 1."""
        return mean_and_interval(self.accuracies)[0]

    @property
    def ci95(self):
        """The half width of the 95% interval of `accuracy`."""
        return mean_and_interval(self.accuracies)[1]

    @property
    def error(self):
        """The mean error rate, from 0 to 1; its interval is that of `accuracy`."""
        return 1.0 - self.accuracy

    def row(self):
        """Returns the cells of a row of a table, as strings."""
        told = self.protocol
        return {
            "model": self.name,
            "data": str(told.get("dataset", "?")),
            "task": f"{_spelled(told.get('ways'))}-way "
            f"{_spelled(told.get('shots'))}-shot",
            "queries": _spelled(told.get("queries")),
            "episodes": str(len(self.accuracies)),
            "seed": _spelled(told.get("seed")),
            "accuracy": f"{100 * self.accuracy:.2f} ± {100 * self.ci95:.2f} %",
            "kind": f"{told.get('kind', '?')}, {told.get('batch_norm', '?')} BatchNorm"
            + (f", {told['prior']} class prior" if "prior" in told else ""),
            "overlap": _spelled(told.get("overlap", None)),
        }

    def __str__(self):
        return " | ".join(f"{key} {cell}" for key, cell in self.row().items())

    def save(self, path):
        """Writes the report as JSON, with the accuracy of every episode."""
        content = {
            "name": self.name,
            "accuracy": self.accuracy,
            "ci95": self.ci95,
            "protocol": self.protocol,
            "accuracies": [round(float(a), 9) for a in self.accuracies],
        }
        write_json(path, content, JSON)

    @classmethod
    def load(cls, path):
        """Reads a report that `save` wrote."""
        content = read_json(path)
        accuracies = np.asarray(content["accuracies"])
        return cls(content["name"], accuracies, content["protocol"])


def evaluate(model, episodes, name=None, training_classes=None):
    """Measures a learner on a finite stream of episodes.

    Args:
        model: an `EpisodicModel`; it needs not be compiled.
        episodes: what `ClassDataset.episodes(..., count=...)` gives, or any finite
            `tf.data.Dataset` of episode batches. How they were drawn is known of the
            first, also after `take`, `with_options`, `prefetch` and `cache`; of others
            the report has the sizes alone.
        name: optional string, what to call the model in the report.
        training_classes: optional list of the names of the classes the model was
            trained on; by default the model's own `training_classes`, which those
            of the zoo have. How many of the tested classes are among them goes into
            the report as `overlap`.

    Returns:
        An `EpisodeReport`.

    Raises:
        ValueError: if the stream has no end or no episodes, or the model is one of
            regression.
    """
    if getattr(model, "regression", False):
        raise ValueError(
            "Regression has no accuracy: compile the model and call `model.evaluate`, "
            "which gives the mean loss."
        )
    if int(episodes.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The stream of episodes has no end. Say how many with "
            "`episodes(..., count=600)`, or `.take(600)`."
        )
    protocol = dict(_protocol(episodes))
    if protocol.pop("alone", False) and getattr(model, "kind", "") == "transductive":
        raise ValueError(
            "These episodes ask for an answer to each query alone, and this learner "
            "answers by all queries: measure `model.deployable()`."
        )
    tested = protocol.pop("classes", [])
    answer = tf.function(
        lambda x: tf.argmax(model(x, training=False), -1), reduce_retracing=True
    )
    accuracies, sizes = [], _Sizes()
    for x, y, *weight in untuned(episodes):
        right = np.equal(answer(x).numpy(), y.numpy())
        weight = weight[0].numpy() != 0 if weight else np.ones(right.shape, bool)
        accuracies.extend((right & weight).sum(-1) / weight.sum(-1))
        sizes.add(x["support_labels"].numpy(), y.numpy(), weight)
    if not accuracies:
        raise ValueError("The stream holds no episodes.")
    protocol = {**sizes.protocol(), **protocol}
    protocol["episodes"] = len(accuracies)
    protocol["kind"] = getattr(model, "kind", "inductive")
    protocol["batch_norm"] = getattr(model, "batch_norm", "running")
    prior = getattr(getattr(model, "head", None), "prior", None)
    if prior is not None:
        protocol["prior"] = prior
    protocol["tested_classes"] = len(tested) or None
    if training_classes is None:
        training_classes = getattr(model, "training_classes", None)
    if training_classes is not None:
        protocol["training_classes"] = len(training_classes)
        protocol["overlap"] = len(set(training_classes) & set(tested))
    return EpisodeReport(name or model.name, np.asarray(accuracies), protocol)


def _protocol(episodes):
    """Returns how episodes were drawn, which `take` and `with_options` do not change.

    A `tf.data.Dataset` made from another one does not have its attributes.
    """
    kept = ("_TakeDataset", "_OptionsDataset", "_PrefetchDataset", "CacheDataset")
    while type(episodes).__name__ in kept and not hasattr(episodes, "protocol"):
        episodes = episodes._input_dataset
    return getattr(episodes, "protocol", {})


class _Sizes:
    """Ways, shots and queries of episodes as they are seen."""

    def __init__(self):
        self.seen = {"ways": set(), "shots": set(), "queries": set()}

    def add(self, support_labels, y, weight):
        """Adds a batch of the contract, as arrays; `weight` is False at padding."""
        for labels, own, is_real in zip(support_labels, y, weight, strict=True):
            shots = labels.sum(axis=0)
            queries = np.bincount(own[is_real], minlength=len(shots))
            present = shots > 0
            self.seen["ways"].add(int(present.sum()))
            self.seen["shots"].update(shots[present].astype(int).tolist())
            self.seen["queries"].update(queries[present].tolist())

    def protocol(self):
        """Returns an integer each, or a pair of the least and the greatest."""
        return {
            name: [min(seen), max(seen)] if len(seen) > 1 else seen.copy().pop()
            for name, seen in self.seen.items()
        }


@dataclasses.dataclass
class PairedDifference:
    """By how much one report is better than another on the same episodes.

    Attributes:
        name: string, the report that is compared.
        baseline: string, the report it is compared with.
        difference: float, the mean difference of accuracies.
        ci95: float, the half width of the 95% interval of the difference.
    """

    name: str
    baseline: str
    difference: float
    ci95: float

    def __str__(self):
        return (
            f"{self.name} minus {self.baseline}: {100 * self.difference:+.2f} ± "
            f"{100 * self.ci95:.2f} points"
        )


def compare(reports):
    """Compares reports on identical episodes, each with the first.

    The differences are taken episode by episode, which takes out what makes an
    episode easy or hard for all models.

    Args:
        reports: list of at least two `EpisodeReport`.

    Returns:
        A list of `PairedDifference`, one for each report after the first.

    Raises:
        ValueError: if the reports are not of the same episodes.

    Example:

    >>> told = {"dataset": "glyphs test", "seed": 1}
    >>> a = EpisodeReport("nearest", np.array([0.5, 0.7, 0.6]), told)
    >>> b = EpisodeReport("prototypes", np.array([0.7, 0.8, 0.8]), told)
    >>> print(compare([a, b])[0])
    prototypes minus nearest: +16.67 ± 6.53 points
    >>> a.row()["kind"]
    '?, ? BatchNorm'
    """
    if len(reports) < 2:
        raise ValueError(f"Comparing takes two reports or more, got {len(reports)}.")
    same = (
        "dataset",
        "ways",
        "shots",
        "queries",
        "episodes",
        "seed",
        "start",
        "shard",
    )
    first = reports[0]
    for other in reports[1:]:
        differing = {
            key: (first.protocol.get(key), other.protocol.get(key))
            for key in same
            if _jsoned(first.protocol.get(key)) != _jsoned(other.protocol.get(key))
        }
        if differing or len(first.accuracies) != len(other.accuracies):
            raise ValueError(
                f"{first.name} and {other.name} were not measured on the same "
                f"episodes: {differing or 'their numbers differ'}. Evaluate both on "
                f"one stream."
            )
    return [
        PairedDifference(
            other.name,
            first.name,
            *mean_and_interval(other.accuracies - first.accuracies),
        )
        for other in reports[1:]
    ]


def _spelled(value):
    if value is None:
        return "?"
    return "-".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _jsoned(value):
    """Returns a value as JSON gives it back: tuples become lists."""
    return list(value) if isinstance(value, tuple) else value
