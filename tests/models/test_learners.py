"""What holds for every learner: the public checks of `fsl_keras.testing`.

A method of `fsl_keras.training.methods` is found by itself.
"""

import keras
import pytest

import fsl_keras as fsl
from fsl_keras.testing import learner_checks
from fsl_keras.training.methods import METHODS

ITEM, WAYS = (16, 16, 1), 3

# Few steps of learning a task: what is tested here is not how well they learn.
FEW = {"inner_steps": 1}
ARGUMENTS = {
    **dict.fromkeys(["maml", "anil", "meta_sgd", "maml++", "proto_maml"], FEW),
    "reptile": {"inner_steps": 1, "test_steps": 3},
    "feat": {"dropout": 0.0},
    "baseline": {"steps": 5},
    "baseline++": {"steps": 5},
    "laplacian_shot": {"steps": 5},
    "tim": {"steps": 5},
    "pt_map": {"steps": 2, "sharpness": 1.0},
    "transductive_finetuning": {"steps": 5},
}


def of_method(name):
    arguments = ARGUMENTS.get(name, {})
    return METHODS[name].make(ITEM, filters=4, ways=WAYS, **arguments)


def vectors(units=6):
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])


LEARNERS = {
    **{name: lambda name=name: of_method(name) for name in METHODS},
    "frozen features": lambda: fsl.models.FrozenFeatureModel(
        vectors(), fsl.heads.PrototypeHead()
    ),
    "transfer": lambda: fsl.models.TransferLearner(vectors()),
    "transfer, nothing to train": lambda: fsl.models.TransferLearner(
        vectors(), "prototypes"
    ),
}
# Variants that differ in training alone are not exported: it takes a while.
NOT_EXPORTED = ["anil", "meta_sgd", "maml"]


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


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("check", learner_checks(), ids=lambda check: check.__name__)
def test_learner(check, name, make_learner):
    if check.__name__ == "check_export" and name in NOT_EXPORTED:
        pytest.skip("differs from maml++ in training alone")
    check(make_learner(name), ways=WAYS)
