"""Backbones and heads, compared by cross-validation."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.datasets.items import MemoryItems
from fsl_keras.model_selection import (
    Candidate,
    cross_validate,
    leave_one_out,
    recommended,
)
from tests.model_selection.supports import support_of
from tests.texts import counts_of_words


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 6)
    values = 2 * np.eye(3)[labels] + rng.normal(size=(18, 3))
    return fsl.ClassDataset.from_arrays(values.astype("float32"), labels)


def learners(*heads):
    identity = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    return {head: fsl.models.TransferLearner(identity, head) for head in heads}


def test_few_images_are_left_out_one_by_one(data):
    model = learners("cosine")
    (candidate,) = cross_validate(model, data, cache=False)
    values = np.concatenate([data.class_items(name) for name in data.class_names])
    support = support_of(values, np.repeat(np.arange(3), 6))
    report = leave_one_out(model["cosine"], support, data.class_names)
    np.testing.assert_array_equal(candidate.right, report.answers == report.labels)
    assert candidate.parameters == 0


def test_all_learners_are_evaluated_on_the_same_folds(data):
    two = cross_validate(learners("cosine", "ridge"), data, cache=False, n_splits=5)
    again = cross_validate(learners("ridge"), data, cache=False, n_splits=5)
    assert [c.name for c in two] == ["cosine", "ridge"]
    np.testing.assert_array_equal(two[1].right, again[0].right)


def test_near_duplicates_count_as_one():
    values = np.array([[1, 0, 0], [1, 0.2, 0], [0, 1, 0], [0.3, 1, 0]], "float32")
    copied = values[[0, 0, 0, 1, 2, 3]]
    data = fsl.ClassDataset.from_arrays(copied, [0, 0, 0, 0, 1, 1])
    (candidate,) = cross_validate(learners("cosine"), data, cache=False)
    assert candidate.right.tolist() == [1, 1, 1, 1]


def test_classes_of_one_picture_leave_identity():
    data = fsl.ClassDataset.from_arrays(np.eye(3, dtype="float32"), [0, 1, 2])
    with pytest.raises(ValueError, match="Provide more images"):
        cross_validate(learners("cosine"), data, cache=False)


def test_differences_are_paired():
    one = Candidate("a", np.array([1.0, 1, 0, 1]))
    other = Candidate("b", np.array([1.0, 0, 0, 1]))
    # Differences 0, 1, 0, 0: mean 1/4, standard deviation 1/2.
    assert one.minus(other) == pytest.approx((0.25, 1.96 * 0.25), abs=1e-3)
    assert one.accuracy == 0.75


def test_a_candidate_is_worse_if_the_interval_of_the_difference_is_below_zero():
    best = Candidate("a", np.array([1.0] * 8))
    close = Candidate("b", np.array([0.0] + [1.0] * 7))
    far = Candidate("c", np.array([0.0] * 6 + [1.0] * 2))
    assert not best.is_worse_than(best)
    assert not close.is_worse_than(best)
    assert far.is_worse_than(best)
    assert not best.is_worse_than(far)


def test_of_equals_the_smaller_network_is_recommended_and_then_the_first():
    half, all_ = np.array([1.0, 0.0]), np.array([1.0, 1.0])
    candidates = [
        Candidate("large", half, 9),
        Candidate("first", half, 3),
        Candidate("second", half, 3),
    ]
    assert recommended(candidates).name == "first"
    assert recommended([*candidates, Candidate("best", all_, 99)]).name == "best"


class Watched(MemoryItems):
    """Items that note how many are taken at a time."""

    def __init__(self, values):
        super().__init__(values)
        self.taken = []

    def take(self, rows):
        self.taken.append(len(rows))
        return super().take(rows)


def test_images_of_a_large_class_are_in_memory_a_few_at_a_time():
    rng = np.random.default_rng(0)
    items = Watched(rng.integers(0, 256, (180, 8, 8, 3), dtype="uint8"))
    rows = np.split(np.arange(180), [150])
    data = fsl.ClassDataset(items, rows, ["many", "few"])
    mean = keras.Sequential(
        [keras.Input((8, 8, 3)), keras.layers.GlobalAveragePooling2D()]
    )
    learners = {"cosine": fsl.models.TransferLearner(mean, "cosine")}
    (candidate,) = cross_validate(learners, data, cache=False)
    assert len(candidate.right) == 180
    assert max(items.taken) <= 64


def test_near_duplicates_of_texts_are_one_observation():
    learners = {"cosine": fsl.models.TransferLearner(counts_of_words(64))}
    texts = ["my card", "My card!", "lost card", "send money", "money abroad"]
    data = fsl.ClassDataset.from_arrays(texts, ["a", "a", "a", "b", "b"])
    (found,) = cross_validate(learners, data, cache=False)
    assert len(found.right) == 4
    data = fsl.ClassDataset.from_arrays(texts[:2], ["a", "a"])
    with pytest.raises(ValueError, match="two sentences that are not near duplicates"):
        cross_validate(learners, data, cache=False)
