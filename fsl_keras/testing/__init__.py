"""Checks that a head or a learner of your own keeps the contract of this package."""

from fsl_keras.testing.heads import check_head, head_checks
from fsl_keras.testing.learners import check_learner, learner_checks
from fsl_keras.testing.replicas import check_replicas

__all__ = [
    "check_head",
    "check_learner",
    "check_replicas",
    "head_checks",
    "learner_checks",
]
