import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.active import STRATEGIES, propose
from tests.backbones.encoders import tiny_encoder
from tests.shapes import NAMES, THREE, make_learner, pictures, write

each_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


@pytest.fixture
def classifier():
    """Three classes on a triangle, classified by the distances to its corners."""
    vectors = keras.Input((2,))
    identity = keras.Model(vectors, keras.layers.Identity()(vectors))
    learner = fsl.models.PrototypicalNetwork(identity, scale=1.0)
    corners = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]], "float32")
    return learner.adapt(corners, ["a", "b", "c"])


def indices(proposals):
    return [proposal.index for proposal in proposals]


def test_margin_is_between_two_classes_and_entropy_between_all(classifier):
    # The second lies between two corners, the third between all three: its margin is
    # larger, its entropy too.
    items = np.array([[0.2, 0.1], [2.0, -9.0], [1.9, 2.0]], "float32")
    assert indices(propose(classifier, items, 3, "margin")) == [1, 2, 0]
    assert indices(propose(classifier, items, 3, "entropy")) == [2, 1, 0]


def test_diversity_is_far_from_examples_and_from_each_other(classifier):
    items = np.array([[0.0, 0.1], [9.0, 9.0], [9.0, 9.1], [-7.0, 0.0]], "float32")
    assert indices(propose(classifier, items, 3, "diversity")) == [2, 3, 1]


def test_coverage_represents_many_and_is_the_default(classifier):
    # Ten items in one direction, and an outlier.
    angles = np.deg2rad([300, *np.linspace(220, 240, 10)])
    items = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype("float32")
    (first,) = propose(classifier, items, 1)
    assert first.index in (5, 6)
    assert indices(propose(classifier, items, 1, "coverage")) == [first.index]
    # When the middle is an example, the outlier is what is not covered.
    classifier.add_examples(items[5:7], ["a", "a"])
    assert indices(propose(classifier, items, 1)) == [0]


def test_mixed_is_diverse_among_the_uncertain(classifier):
    uncertain = np.array([[2.0, y] for y in (-1.0, -1.1, -1.2, -20.0)], "float32")
    certain = np.array([[-50.0, -50.0], [0.1, 0.1]], "float32")
    items = np.concatenate([certain, uncertain])
    (first,) = propose(classifier, items, 1, "mixed")
    assert first.index == 5
    assert indices(propose(classifier, items, 1, "diversity")) == [0]


def test_a_proposal_says_what_is_predicted(classifier):
    (found,) = propose(classifier, np.array([[3.0, 0.0]], "float32"), 5, "margin")
    # Squared distances to the corners: 9, 1 and 25.
    probability = 1 / (1 + np.exp(-8) + np.exp(-24))
    assert (found.index, found.source, found.class_name) == (0, 0, "b")
    assert found.probability == pytest.approx(probability, rel=1e-5)


@each_strategy
def test_known_and_repeated_items_are_left_out(classifier, strategy):
    items = np.array([[4.0, 0.0], [1.0, 1.0], [1.0, 1.0], [2.0, 2.0]], "float32")
    assert sorted(indices(propose(classifier, items, 9, strategy))) == [1, 3]
    with pytest.raises(ValueError, match="nothing to propose"):
        propose(classifier, items[:1], 1, strategy)


# `pytest.warns` issues other warnings again, here one of Keras.
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_images_of_a_folder(tmp_path):
    classifier = make_learner().adapt(*pictures(THREE))
    write(tmp_path / "inner", *pictures(NAMES, count=2, seed=50))
    (tmp_path / "broken.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"Skipped 1 of 9 files: .*broken"):
        found = propose(classifier, tmp_path, 3)
    assert len({proposal.source for proposal in found}) == 3
    assert all(str(tmp_path) in str(proposal.source) for proposal in found)


def test_texts():
    learner = fsl.models.TransferLearner(tiny_encoder(), "nearest_neighbor")
    classifier = learner.adapt(["good", "bad"], ["yes", "no"])
    found = propose(classifier, ["good", "very good", "so so"], 2, "diversity")
    assert sorted(proposal.source for proposal in found) == ["so so", "very good"]


def test_one_class():
    classifier = make_learner().adapt(*pictures(["bar"]))
    images, _ = pictures(["bar", "disk"], seed=50)
    for strategy in STRATEGIES:
        assert len(propose(classifier, images, 2, strategy)) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strategy": "luck"}, r"one of .*strategy='luck'"),
        ({"budget": 0}, "budget=0"),
    ],
    ids=["strategy", "budget"],
)
def test_bad_arguments(classifier, arguments, message):
    with pytest.raises(ValueError, match=message):
        propose(classifier, np.zeros((2, 2), "float32"), **{"budget": 1, **arguments})
