"""Calibration on base classes, for classifiers of one example per class."""

import dataclasses

import numpy as np
from keras import ops

from fsl_keras.compat import renamed_parameters
from fsl_keras.datasets import ClassDataset
from fsl_keras.imports.backend import compiled, native
from fsl_keras.model_selection.calibration import (
    Calibration,
    auroc,
    check_rate,
    log_losses,
    temperature_of,
)
from fsl_keras.typing import Model

QUANTILES = 201


@dataclasses.dataclass
class BaseCalibration:
    """A calibration that was found on episodes of base classes.

    Used in the one-shot case, where leave-one-out calibration is impossible.

    Attributes:
        temperature: float, see `Calibration`.
        known: list of floats, the quantiles of the largest logit of queries of known
            classes, evenly spaced from 0 to 1.
        unknown: list of floats, the same for queries of unknown classes.
        examples: pair of integers, the number of queries of known and of unknown
            classes.
        auroc: float, see `Calibration`.
        log_losses: pair of floats, see `Calibration`.
        source: string, the data set and the episodes.
    """

    temperature: float
    known: list[float]
    unknown: list[float]
    examples: tuple[int, int]
    auroc: float
    log_losses: tuple[float, float]
    source: str

    def at(self, false_reject_rate: float) -> Calibration:
        """Returns the `Calibration` for a false-reject rate, a float in (0, 1)."""
        check_rate(false_reject_rate)
        levels = np.linspace(0, 1, len(self.known))
        least = float(np.interp(false_reject_rate, levels, self.known))
        accepted = 1 - float(np.interp(least, self.unknown, levels))
        known, unknown = self.examples
        before, after = self.log_losses
        return Calibration(
            self.temperature,
            least,
            false_reject_rate,
            self.source,
            false_rejects=(round(false_reject_rate * known), known),
            false_accepts=(round(accepted * unknown), unknown),
            auroc=self.auroc,
            log_losses=(before, after),
        )


@renamed_parameters(episodes="count")
def calibrate_on_base_classes(
    learner: Model,
    data: ClassDataset,
    ways: int = 5,
    shots: int = 1,
    queries: int = 15,
    count: int = 200,
    seed: int = 0,
) -> BaseCalibration:
    """Calibrates a learner on episodes of base classes.

    Each episode has `2 * ways` classes. The learner gets examples of `ways` classes;
    the queries of the others stand for unknown classes. Assign the result to
    `learner.base_calibration`, so that `adapt` uses it.

    Args:
        learner: a learner.
        data: `ClassDataset` of base classes, different from those to be learned later.
        ways: integer, the number of known classes per episode.
        shots: integer, the number of examples per class.
        queries: integer, the number of queries per class, known or unknown.
        count: integer, the number of episodes.
        seed: integer, the seed of the episodes.

    Returns:
        A `BaseCalibration`.

    Example:

    >>> import fsl_keras as fsl, keras
    >>> identity = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> learner = fsl.models.PrototypicalNetwork(identity)
    >>> angles = np.repeat(np.linspace(0, 3, 8), 6) + np.tile([0, 0.1], 24)
    >>> vectors = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    >>> data = fsl.ClassDataset.from_arrays(
    ...     vectors.astype("float32"), np.repeat(np.arange(8), 6))
    >>> found = calibrate_on_base_classes(learner, data, ways=3, queries=4, count=20)
    >>> learner.base_calibration = found
    >>> classifier = learner.adapt(
    ...     vectors[::6].astype("float32"), range(8), false_reject_rate=0.1)
    >>> classifier.calibration.source
    'arrays, 20 episodes of 3-way 1-shot, seed 0'
    """
    predict = compiled(lambda x: learner(x, training=False))
    batches = []
    for x, y in data.episodes(2 * ways, shots, queries, seed=seed, count=count):
        # An example without a label is padding, so its class is unknown.
        support_labels = x["support_labels"][..., :ways]
        logits = predict(native({**x, "support_labels": support_labels}))
        logits, y = ops.convert_to_numpy(logits[0]), y[0].numpy()
        batches.append((logits[y < ways], y[y < ways], logits[y >= ways]))
    known, labels, unknown = map(np.concatenate, zip(*batches, strict=True))
    temperature = temperature_of(known, labels)
    levels = np.linspace(0, 1, QUANTILES)
    before, after = (
        float(log_losses(known, labels, value).mean()) for value in (1.0, temperature)
    )
    return BaseCalibration(
        temperature,
        np.quantile(known.max(axis=-1), levels).tolist(),
        np.quantile(unknown.max(axis=-1), levels).tolist(),
        (len(known), len(unknown)),
        auroc(known.max(axis=-1), unknown.max(axis=-1)),
        (before, after),
        f"{data.name}, {count} episodes of {ways}-way {shots}-shot, seed {seed}",
    )
