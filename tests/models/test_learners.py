"""What holds for every learner: the public checks of `fsl_keras.testing`."""

import keras
import pytest

from fsl_keras.testing import learner_checks
from tests.models.learners import LEARNERS, WAYS

# Exporting takes a while: one learner of each way to remember and prepare. What all
# heads need for it, `check_graph` checks.
EXPORTED = [
    "baseline",
    "feat",
    "maml++",
    "matching, full context",
    "proto_maml",
    "prototypical",
    "relation",
    "reptile",
    "ridge, dual",
    "siamese, distance",
]


@pytest.fixture(scope="module")
def make_learner():
    """Makes each learner once, with random weights that are the same each time."""
    made = {}

    def make(name):
        if name not in made:
            keras.utils.set_random_seed(0)
            made[name] = LEARNERS[name]()
        return made[name]

    return make


PAIRS = [
    pytest.param(check, name, id=f"{check.__name__}-{name}")
    for check in learner_checks()
    for name in (EXPORTED if check.__name__ == "check_export" else LEARNERS)
]


@pytest.mark.parametrize(("check", "name"), PAIRS)
def test_learner(check, name, make_learner):
    check(make_learner(name), ways=WAYS)
