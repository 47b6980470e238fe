"""Learners and support sets of vectors."""

import keras
import numpy as np

import fsl_keras as fsl
from fsl_keras.model_selection import SupportSet


def make_learner(length, head="prototypes"):
    """A learner whose features are the vectors themselves."""
    identity = keras.Sequential([keras.Input((length,)), keras.layers.Identity()])
    return fsl.models.TransferLearner(identity, head)


def support_of(values, labels, **kwargs):
    support = SupportSet()
    support.add(np.asarray(values, "float32"), labels, **kwargs)
    return support
