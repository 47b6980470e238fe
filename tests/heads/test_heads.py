"""What holds for every head of the package: the public checks of `fsl_keras.testing`.

A head of `fsl_keras.heads` is found by itself. It needs an entry here only where its
constructor has required arguments, or its defaults take long.
"""

import keras
import pytest

from fsl_keras import heads
from fsl_keras.testing import head_checks

BASES = {"ExampleHead", "Head", "TransductiveHead"}

# Few steps, and few numbers: what is tested here is not how well they learn.
ARGUMENTS = {
    "AutoHead": {"n_splits": 2},
    "DenseHead": {"units": 8, "steps": 5},
    "FEATHead": {"key_dim": 4},
    "LaplacianShotHead": {"steps": 5},
    "LinearHead": {"steps": 5},
    "LogisticHead": {"steps": 5},
    # So blurred, plans are even after few iterations.
    "PTMAPHead": {"sharpness": 1.0, "steps": 2},
    "RelationHead": {"filters": 4},
    "SoftKMeansHead": {"steps": 2},
    "TIMHead": {"steps": 3, "learning_rate": 0.01},
    "TransductiveFinetuningHead": {"steps": 3, "learning_rate": 0.01},
}
# Arguments with which a head takes another way through its code.
VARIANTS = {
    "FEATHead": [{"key_dim": 4, "num_heads": 2}],
    "LinearHead": [{"similarity": "cosine", "steps": 5}],
    "MatchingHead": [{"full_context": True, "units": 5, "steps": 2}],
    "NearestNeighborHead": [{"neighbors": 3, "distance": "cosine"}],
    "PrototypeHead": [{"distance": "cosine"}],
    "ReconstructionHead": [{"bidirectional": True}],
    "RidgeHead": [{"regularization": 0.1, "relative": True}],
    "SiameseHead": [{"similarity": "euclidean", "aggregate": "max"}],
    "StreamingRidgeHead": [{"projection": 7}],
    "TIMHead": [{"alpha": 2.0, "steps": 3, "learning_rate": 0.01}],
}


def rows():
    for name in sorted(set(heads.__all__) - BASES):
        usual = ARGUMENTS.get(name, {})
        for arguments in (usual, *VARIANTS.get(name, [])):
            title = " ".join([name, *map(str, arguments.values())])
            marks = () if arguments is usual else pytest.mark.slow
            yield pytest.param(name, arguments, id=title, marks=marks)


HEADS = list(rows())


@pytest.fixture(scope="module")
def make_head():
    """Makes each head once, with random weights that are the same each time."""
    made = {}

    def make(name, arguments):
        key = (name, *arguments.items())
        if key not in made:
            keras.utils.set_random_seed(0)
            made[key] = getattr(heads, name)(**arguments)
        return made[key]

    return make


@pytest.mark.parametrize(("name", "arguments"), HEADS)
@pytest.mark.parametrize("check", head_checks(), ids=lambda check: check.__name__)
def test_head(check, name, arguments, make_head):
    if "full_context" in arguments and check.__name__ == "check_order_of_classes":
        pytest.skip("an LSTM reads the examples class by class, as in the paper")
    check(make_head(name, arguments))
