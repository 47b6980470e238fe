"""Accuracy over episodes and of classifiers, with intervals and paired differences."""

from fsl_keras.classifier.classifier_report import (
    ClassifierReport,
    ClassScores,
    evaluate_classifier,
)
from fsl_keras.datasets import one_shot_runs
from fsl_keras.evaluation.episode_accuracy import evaluate
from fsl_keras.evaluation.episode_report import EpisodeReport
from fsl_keras.evaluation.paired_difference import PairedDifference, paired_differences
from fsl_keras.metrics import mean_and_interval

compare = paired_differences  # its former name

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
    "paired_differences",
]
