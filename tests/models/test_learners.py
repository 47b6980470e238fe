"""What holds for every learner: the public checks of `fsl_keras.testing`."""

import keras
import pytest

from fsl_keras.testing import learner_checks
from tests.models.learners import LEARNERS, WAYS

# One learner of each way to remember and prepare: the others are tested on checks that
# take a while by `pytest -m slow`.
USUAL = ["maml++", "prototypical", "relation", "ridge, dual"]


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


USUAL_OF = {
    "check_export": [],
    "check_xla": ["relation"],
    **dict.fromkeys(["check_classifier", "check_saving", "check_sizes"], USUAL),
}
# They share their code with another one.
ALIKE = ["anil", "bd_cspn", "laplacian_shot", "meta_sgd", "nearest neighbor, three"]
ALIKE += ["pt_map", "ridge, primal", "siamese, distance", "transductive_finetuning"]


def pairs():
    for check in learner_checks():
        usual = USUAL_OF.get(check.__name__, LEARNERS.keys() - set(ALIKE))
        for name in LEARNERS:
            marks = () if name in usual else pytest.mark.slow
            yield pytest.param(check, name, id=f"{check.__name__}-{name}", marks=marks)


@pytest.mark.parametrize(("check", "name"), list(pairs()))
def test_learner(check, name, make_learner):
    check(make_learner(name), ways=WAYS)
