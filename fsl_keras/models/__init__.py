"""Learners: Keras models that learn new classes from few examples."""

from fsl_keras.models.baseline import Baseline
from fsl_keras.models.baseline_plus_plus import BaselinePlusPlus
from fsl_keras.models.episodic import EpisodicModel
from fsl_keras.models.feat import FEAT
from fsl_keras.models.frozen import FrozenFeatureModel
from fsl_keras.models.gradient_based.learner import GradientBasedLearner
from fsl_keras.models.gradient_based.maml import MAML
from fsl_keras.models.gradient_based.proto_maml import ProtoMAML
from fsl_keras.models.gradient_based.reptile import Reptile
from fsl_keras.models.matching import MatchingNetwork
from fsl_keras.models.meta_baseline import MetaBaseline
from fsl_keras.models.metric import MetricModel
from fsl_keras.models.nearest_neighbor import NearestNeighbor
from fsl_keras.models.prototypical import PrototypicalNetwork
from fsl_keras.models.reconstruction import ReconstructionNetwork
from fsl_keras.models.relation import RelationNetwork
from fsl_keras.models.ridge import RidgeRegressionNetwork
from fsl_keras.models.siamese import SiameseNetwork
from fsl_keras.models.simple_shot import SimpleShot
from fsl_keras.models.transfer import TransferLearner

__all__ = [
    "FEAT",
    "MAML",
    "Baseline",
    "BaselinePlusPlus",
    "EpisodicModel",
    "FrozenFeatureModel",
    "GradientBasedLearner",
    "MatchingNetwork",
    "MetaBaseline",
    "MetricModel",
    "NearestNeighbor",
    "ProtoMAML",
    "PrototypicalNetwork",
    "ReconstructionNetwork",
    "RelationNetwork",
    "Reptile",
    "RidgeRegressionNetwork",
    "SiameseNetwork",
    "SimpleShot",
    "TransferLearner",
]
