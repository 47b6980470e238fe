"""Accuracy over episodes and of classifiers, with intervals and paired differences."""

from fsl_keras.classifier.classifier_report import (
    ClassifierReport,
    ClassScores,
    evaluate_classifier,
)
from fsl_keras.datasets import one_shot_runs
from fsl_keras.evaluation.reports import (
    EpisodeReport,
    PairedDifference,
    compare,
    evaluate,
    mean_and_interval,
)

__all__ = [
    "ClassScores",
    "ClassifierReport",
    "EpisodeReport",
    "PairedDifference",
    "compare",
    "evaluate",
    "evaluate_classifier",
    "mean_and_interval",
    "one_shot_runs",
]
