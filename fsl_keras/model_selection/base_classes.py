"""Calibration on the classes that a learner was made with."""

import dataclasses

import numpy as np
import tensorflow as tf

from fsl_keras.model_selection.calibration import (
    Calibration,
    auroc,
    check_rate,
    log_losses,
    temperature_of,
)

QUANTILES = 201


@dataclasses.dataclass
class BaseCalibration:
    """A calibration found on classes that a learner was made with.

    It serves where there is one example a class, and leaving it out leaves nothing.

    Attributes:
        temperature: float, see `Calibration`.
        known: list of floats, the quantiles of the largest logit of examples of known
            classes, evenly spaced from 0 to 1.
        unknown: list of floats, the same of examples of unknown classes.
        examples: pair of integers, the number of examples of either.
        auroc: float, see `Calibration`.
        log_losses: pair of floats, see `Calibration`.
        source: string, what it was found on.
    """

    temperature: float
    known: list
    unknown: list
    examples: tuple
    auroc: float
    log_losses: tuple
    source: str

    def at(self, false_reject_rate):
        """Returns the `Calibration` for a false-reject rate, a float in (0, 1)."""
        check_rate(false_reject_rate)
        shares = np.linspace(0, 1, len(self.known))
        least = float(np.interp(false_reject_rate, shares, self.known))
        accepted = 1 - float(np.interp(least, self.unknown, shares))
        known, unknown = self.examples
        return Calibration(
            self.temperature,
            least,
            false_reject_rate,
            self.source,
            false_rejects=(round(false_reject_rate * known), known),
            false_accepts=(round(accepted * unknown), unknown),
            auroc=self.auroc,
            log_losses=tuple(self.log_losses),
        )


def calibrate_on_base_classes(
    learner, data, ways=5, shots=1, queries=15, episodes=200, seed=0
):
    """Calibrates a learner on episodes, for when there is one example a class.

    Each episode has twice as many classes as the learner gets to know; the others are
    the unknown ones. Put the result at `learner.base_calibration`, where `adapt`
    finds it.

    Args:
        learner: a learner.
        data: `ClassDataset` of classes that are not those to be learned later.
        ways: integer, the classes that are known in an episode.
        shots: integer, the examples of each.
        queries: integer, the queries of each class, known or unknown.
        episodes: integer, how many there are.
        seed: integer, of the episodes.

    Returns:
        A `BaseCalibration`.

    Example:

    >>> import fsl_keras as fsl, keras
    >>> nothing = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> learner = fsl.models.PrototypicalNetwork(nothing)
    >>> angles = np.repeat(np.linspace(0, 3, 8), 6) + np.tile([0, 0.1], 24)
    >>> vectors = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    >>> data = fsl.ClassDataset.from_arrays(
    ...     vectors.astype("float32"), np.repeat(np.arange(8), 6))
    >>> found = calibrate_on_base_classes(learner, data, ways=3, queries=4, episodes=20)
    >>> learner.base_calibration = found
    >>> classifier = learner.adapt(
    ...     vectors[::6].astype("float32"), range(8), false_reject_rate=0.1)
    >>> classifier.calibration.source
    'arrays, 20 episodes of 3-way 1-shot, seed 0'
    """
    answer = tf.function(lambda x: learner(x, training=False), reduce_retracing=True)
    known, unknown, labels = [], [], []
    stream = data.episodes(2 * ways, shots, queries, seed=seed, count=episodes)
    for x, y in stream:
        # Without a label an example is padding, and its class one not known.
        support_labels = x["support_labels"][..., :ways]
        logits = answer({**x, "support_labels": support_labels})
        logits, y = np.asarray(logits[0]), y[0].numpy()
        known.append(logits[y < ways])
        labels.append(y[y < ways])
        unknown.append(logits[y >= ways])
    known, unknown, labels = map(np.concatenate, (known, unknown, labels))
    temperature = temperature_of(known, labels)
    shares = np.linspace(0, 1, QUANTILES)
    return BaseCalibration(
        temperature,
        np.quantile(known.max(axis=-1), shares).tolist(),
        np.quantile(unknown.max(axis=-1), shares).tolist(),
        (len(known), len(unknown)),
        auroc(known.max(axis=-1), unknown.max(axis=-1)),
        tuple(
            float(log_losses(known, labels, value).mean()) for value in (1, temperature)
        ),
        f"{data.name}, {episodes} episodes of {ways}-way {shots}-shot, seed {seed}",
    )
