"""The fitted classifier: a learner with the classes of one task."""

from fsl_keras.classifier.few_shot_classifier import FewShotClassifier
from fsl_keras.classifier.predictions import UNKNOWN, ClassPrediction
from fsl_keras.classifier.task_weights import fingerprint_of

__all__ = ["UNKNOWN", "ClassPrediction", "FewShotClassifier", "fingerprint_of"]
