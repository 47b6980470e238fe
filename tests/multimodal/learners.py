"""Learners of vectors and of texts that take no time."""

import keras
import numpy as np

import fsl_keras as fsl
from tests.texts import counts_of_words

COLORS = ["red", "green", "blue"]


def vectors(size=2):
    """A learner of vectors, by their distance to class means."""
    items = keras.Input((size,))
    identity = keras.Model(items, keras.layers.Identity()(items))
    return fsl.models.PrototypicalNetwork(identity)


def texts():
    """A learner of texts, by the words they share."""
    return fsl.models.TransferLearner(counts_of_words(64), "prototypes")


def fusion(**kwargs):
    return fsl.multimodal.LateFusion([vectors(), texts()], **kwargs)


def items(count, seed=0):
    """Points around three corners with the name of a color, and the class of each."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    points = np.array([[0, 0], [4, 0], [0, 4]])[labels] + rng.normal(0, 1, (count, 2))
    names = [f"{COLORS[label]} {number}" for number, label in enumerate(labels)]
    return (points.astype("float32"), names), [COLORS[label] for label in labels]
