"""Heads: layers that turn the embeddings of a support set into class scores."""

from fsl_keras.heads.auto import AutoHead
from fsl_keras.heads.bd_cspn import BDCSPNHead
from fsl_keras.heads.dense import DenseHead
from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.feat import FEATHead
from fsl_keras.heads.head import Head
from fsl_keras.heads.laplacian_shot import LaplacianShotHead
from fsl_keras.heads.linear import LinearHead
from fsl_keras.heads.linear_discriminant import LinearDiscriminantHead
from fsl_keras.heads.logistic import LogisticHead
from fsl_keras.heads.matching import MatchingHead
from fsl_keras.heads.nearest_neighbor import NearestNeighborHead
from fsl_keras.heads.prototype import PrototypeHead
from fsl_keras.heads.pt_map import PTMAPHead
from fsl_keras.heads.reconstruction import ReconstructionHead
from fsl_keras.heads.relation import RelationHead
from fsl_keras.heads.ridge import RidgeHead
from fsl_keras.heads.siamese import SiameseHead
from fsl_keras.heads.simple_shot import SimpleShotHead
from fsl_keras.heads.soft_k_means import SoftKMeansHead
from fsl_keras.heads.streaming_ridge import StreamingRidgeHead
from fsl_keras.heads.tim import TIMHead
from fsl_keras.heads.transductive import TransductiveHead
from fsl_keras.heads.transductive_finetuning import TransductiveFinetuningHead
from fsl_keras.heads.whitened import WhitenedHead
from fsl_keras.heads.whitened_ridge import WhitenedRidgeHead

__all__ = [
    "AutoHead",
    "BDCSPNHead",
    "DenseHead",
    "ExampleHead",
    "FEATHead",
    "Head",
    "LaplacianShotHead",
    "LinearDiscriminantHead",
    "LinearHead",
    "LogisticHead",
    "MatchingHead",
    "NearestNeighborHead",
    "PTMAPHead",
    "PrototypeHead",
    "ReconstructionHead",
    "RelationHead",
    "RidgeHead",
    "SiameseHead",
    "SimpleShotHead",
    "SoftKMeansHead",
    "StreamingRidgeHead",
    "TIMHead",
    "TransductiveFinetuningHead",
    "TransductiveHead",
    "WhitenedHead",
    "WhitenedRidgeHead",
]
