"""Measuring the accuracy of learners on episodes."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf
from keras import ops

from fsl_keras.episodes.tuner import untuned
from fsl_keras.evaluation.episode_report import EpisodeReport
from fsl_keras.imports.backend import compiled, native
from fsl_keras.typing import Dataset, Model

# Methods of a `tf.data.Dataset` after which it still begins with the same episodes.
KEEPING = ("take", "options", "prefetch", "cache", "assertcardinality")


def evaluate(
    model: Model,
    episodes: Dataset,
    name: str | None = None,
    training_classes: Sequence[str] | None = None,
) -> EpisodeReport:
    """Measures the accuracy of a learner on a finite stream of episodes.

    Args:
        model: an `EpisodicModel`, compiled or not.
        episodes: a result of `ClassDataset.episodes(..., count=...)`, or any finite
            `tf.data.Dataset` of episode batches. The report states how the former were
            drawn, also after methods of the Dataset such as `take`; the name of the
            data set then names the methods that change episodes, such as `skip`. Of
            other Datasets the report states the sizes only.
        name: optional string, the name of the model in the report.
        training_classes: optional list of the names of the classes the model was
            trained on; by default `model.training_classes`, which presets have. The
            report states as `overlap` how many of the tested classes are among them.

    Returns:
        An `EpisodeReport`.

    Raises:
        ValueError: if the stream is infinite or empty, the model is one for regression,
            or it is transductive and the episodes need independent predictions.

    Example:

    >>> import fsl_keras as fsl
    >>> data = fsl.datasets.load("glyphs", "test")
    >>> model = fsl.from_preset("prototypical_conv4_glyphs")
    >>> report = evaluate(model, data.episodes(ways=5, shots=1, queries=15, count=10))
    >>> report.accuracy > 0.8, report.protocol["overlap"]
    (True, 0)
    """
    if getattr(model, "regression", False):
        raise ValueError(
            "A model for regression has no accuracy. Compile it and call "
            "`model.evaluate`, which returns the mean loss."
        )
    if int(episodes.cardinality()) == tf.data.INFINITE_CARDINALITY:
        raise ValueError(
            "The stream of episodes is infinite. Limit it with "
            "`episodes(..., count=600)` or `.take(600)`."
        )
    protocol = _protocol(episodes)
    if protocol.pop("alone", False) and getattr(model, "kind", "") == "transductive":
        raise ValueError(
            "These episodes need an independent prediction for each query, and those "
            "of a transductive learner depend on all queries. Evaluate "
            "`model.deployable()`."
        )
    tested = protocol.pop("classes", [])
    predict = compiled(lambda x: ops.argmax(model(x, training=False), -1))
    accuracies, sizes = [], _Sizes()
    for x, y, *weight in untuned(episodes):
        right = np.equal(ops.convert_to_numpy(predict(native(x))), y.numpy())
        weight = weight[0].numpy() != 0 if weight else np.ones(right.shape, bool)
        accuracies.extend((right & weight).sum(-1) / weight.sum(-1))
        sizes.add(x["support_labels"].numpy(), y.numpy(), weight)
    if not accuracies:
        raise ValueError("The stream of episodes is empty.")
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
    """Returns the protocol of a Dataset, or of the one that it was made from.

    A Dataset does not have the attributes of the one it was made from. Methods that may
    change episodes are named, and the sizes of these episodes are unknown.
    """
    changes = []
    while not hasattr(episodes, "protocol"):
        inputs = episodes._inputs() if isinstance(episodes, tf.data.Dataset) else ()
        if len(inputs) != 1:
            return {}
        method = type(episodes).__name__.strip("_").removesuffix("Dataset").lower()
        if method not in KEEPING:
            changes.append(method.removeprefix("parallel"))
        (episodes,) = inputs
    protocol = dict(episodes.protocol)
    if changes:
        after = ", ".join(reversed(changes))
        protocol["dataset"] = f"{protocol['dataset']}, after {after}"
        for size in ("ways", "shots", "queries"):
            protocol.pop(size, None)
    return protocol


class _Sizes:
    """The ways, shots and queries of the episodes of a stream."""

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
        """Returns an integer for each, or a pair of the least and the greatest."""
        return {
            name: [min(seen), max(seen)] if len(seen) > 1 else seen.copy().pop()
            for name, seen in self.seen.items()
        }
