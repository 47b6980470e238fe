"""Backbones and heads compared on pictures that they did not learn from."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.datasets.items import MemoryItems
from fsl_keras.model_selection.comparison import Candidate, cross_validate
from fsl_keras.model_selection.leave_one_out_report import leave_one_out
from fsl_keras.model_selection.support_set import SupportSet


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), 6)
    values = 2 * np.eye(3)[labels] + rng.normal(size=(18, 3))
    return fsl.ClassDataset.from_arrays(values.astype("float32"), labels)


def learners(*heads):
    nothing = keras.Sequential([keras.Input((3,)), keras.layers.Identity()])
    return {head: fsl.models.TransferLearner(nothing, head) for head in heads}


def test_few_pictures_are_left_out_alone(data):
    model = learners("cosine")
    (candidate,) = cross_validate(model, data, cache=False)
    support = SupportSet()
    for number, name in enumerate(data.class_names):
        support.add(data.class_items(name), [number] * 6)
    report = leave_one_out(model["cosine"], support, data.class_names)
    np.testing.assert_array_equal(candidate.right, report.answers == report.labels)


def test_all_are_asked_about_the_same_pictures(data, monkeypatch):
    monkeypatch.setattr("fsl_keras.model_selection.comparison.PARTS", 5)
    two = cross_validate(learners("cosine", "ridge"), data, cache=False)
    again = cross_validate(learners("ridge"), data, cache=False)
    assert [c.name for c in two] == ["cosine", "ridge"]
    np.testing.assert_array_equal(two[1].right, again[0].right)


def test_near_copies_count_as_one():
    values = np.array([[1, 0, 0], [1, 0.2, 0], [0, 1, 0], [0.3, 1, 0]], "float32")
    copied = values[[0, 0, 0, 1, 2, 3]]
    data = fsl.ClassDataset.from_arrays(copied, [0, 0, 0, 0, 1, 1])
    (candidate,) = cross_validate(learners("cosine"), data, cache=False)
    assert candidate.right.tolist() == [1, 1, 1, 1]


def test_classes_of_one_picture_leave_nothing():
    data = fsl.ClassDataset.from_arrays(np.eye(3, dtype="float32"), [0, 1, 2])
    with pytest.raises(ValueError, match="Give more pictures"):
        cross_validate(learners("cosine"), data, cache=False)


def test_differences_are_paired():
    one = Candidate("a", np.array([1.0, 1, 0, 1]))
    other = Candidate("b", np.array([1.0, 0, 0, 1]))
    # Differences 0, 1, 0, 0: mean 1/4, standard deviation 1/2.
    assert one.minus(other) == pytest.approx((0.25, 1.96 * 0.25), abs=1e-3)
    assert one.accuracy == 0.75


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
