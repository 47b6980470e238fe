"""A row of labels times a weight is as many examples."""

import numpy as np
import pytest

from fsl_keras import heads

# Not `AutoHead`, where it depends on the heads: it leaves examples out to choose among
# them, and of three examples that are equal two would stay.
NAMES = [
    name
    for name in heads.__all__
    if getattr(getattr(heads, name), "weighs_examples", False) is True
]


def make_head(name):
    """A head for embeddings of length 6."""
    head = getattr(heads, name)(*[6] if name == "FEATHead" else [])
    head.build((None, None, 6))
    return head


@pytest.fixture(scope="module")
def task():
    """Support [1, 5, 6], one-hot labels [1, 5, 3] and queries [1, 4, 6]."""
    generator = np.random.default_rng(0)
    support = generator.normal(size=(1, 5, 6)).astype("float32")
    labels = np.eye(3, dtype="float32")[[[0, 0, 1, 1, 2]]]
    return support, labels, generator.normal(size=(1, 4, 6)).astype("float32")


def test_the_heads_that_weigh_examples():
    assert {"PrototypeHead", "RidgeHead", "LogisticHead", "MatchingHead"} <= {*NAMES}
    assert not {"NearestNeighborHead", "DenseHead", "SiameseHead"} & {*NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_a_weight_of_three_is_three_examples(name, task):
    support, labels, query = task
    head = make_head(name)
    weighted = labels * np.array([1, 3, 1, 1, 1], "float32")[:, None]
    rows = [0, 1, 1, 1, 2, 3, 4]
    expected = head(support[:, rows], labels[:, rows], query)
    np.testing.assert_allclose(head(support, weighted, query), expected, atol=1e-4)
    assert np.abs(head(support, labels, query) - expected).max() > 1e-3


@pytest.mark.parametrize("name", ["PrototypeHead", "SimpleShotHead"])
def test_the_mean_of_one_example_is_itself_at_any_weight(name, task):
    support, labels, query = task
    head = make_head(name)
    np.testing.assert_allclose(
        head(support[:, ::2], 0.25 * labels[:, ::2], query),
        head(support[:, ::2], labels[:, ::2], query),
        atol=1e-5,
    )
