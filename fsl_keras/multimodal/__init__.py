"""Items of two kinds at once, such as a picture and its name."""

from fsl_keras.multimodal.episodes import paired_episodes
from fsl_keras.multimodal.fused_classifier import FusedClassifier
from fsl_keras.multimodal.fusion import Fusion
from fsl_keras.multimodal.late_fusion import LateFusion

__all__ = ["FusedClassifier", "Fusion", "LateFusion", "paired_episodes"]
