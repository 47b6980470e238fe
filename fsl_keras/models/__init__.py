"""Learners: Keras models that learn from episodes how to learn from few examples."""

from fsl_keras.models.episodic import EpisodicModel
from fsl_keras.models.metric import MetricModel
from fsl_keras.models.prototypical import PrototypicalNetwork

__all__ = ["EpisodicModel", "MetricModel", "PrototypicalNetwork"]
