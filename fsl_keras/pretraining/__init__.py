"""Training of backbones alone: with labels, without labels, or on the few examples."""

from fsl_keras.pretraining.barlow_twins import BarlowTwins
from fsl_keras.pretraining.clusters import pseudo_classes
from fsl_keras.pretraining.contrastive import SimCLR, SupervisedContrastive
from fsl_keras.pretraining.fine_tuning import fine_tune
from fsl_keras.pretraining.instances import instance_episodes
from fsl_keras.pretraining.joint import JointTraining
from fsl_keras.pretraining.rotation import RotationPrediction
from fsl_keras.pretraining.self_supervised import SelfSupervisedPretraining
from fsl_keras.pretraining.supervised import SupervisedPretraining

__all__ = [
    "BarlowTwins",
    "JointTraining",
    "RotationPrediction",
    "SelfSupervisedPretraining",
    "SimCLR",
    "SupervisedContrastive",
    "SupervisedPretraining",
    "fine_tune",
    "instance_episodes",
    "pseudo_classes",
]
