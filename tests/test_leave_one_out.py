import io

import keras
import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl
from fsl_keras.leave_one_out import (
    NEAR,
    LeaveOneOutReport,
    leave_one_out,
    near_duplicates,
    thumbnails,
)
from fsl_keras.models.transfer import HEADS


@pytest.fixture(scope="module")
def vectors():
    """Three classes in eight dimensions that overlap a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), [4, 7, 5])
    values = 2 * rng.random((3, 8))[labels] + 0.5 * rng.normal(size=(16, 8))
    return fsl.ClassDataset.from_arrays(values.astype("float32"), labels)


def learner(head, length=8):
    nothing = keras.Sequential([keras.Input((length,)), keras.layers.Identity()])
    return fsl.models.TransferLearner(nothing, head)


@pytest.mark.parametrize("head", HEADS)
def test_each_answer_is_that_of_a_classifier_of_the_others(vectors, head):
    model = learner(head)
    report = leave_one_out(model, vectors)
    values = np.concatenate([vectors.class_items(n) for n in vectors.class_names])
    for i in (0, 5, 15):
        kept = np.arange(16) != i
        classifier = model.adapt(values[kept], report.labels[kept])
        probabilities = classifier.predict(values[i : i + 1], verbose=0)[0]
        assert report.answers[i] == probabilities.argmax()
        assert report.probabilities[i] == pytest.approx(probabilities.max(), abs=1e-4)


def test_copies_are_left_out_together():
    # Each example is a copy of one of the other class: with the copy in the support
    # set its class would win, without it nothing is left of the class.
    values = np.eye(4, dtype="float32")[[0, 0, 1, 2, 2, 3]]
    data = fsl.ClassDataset.from_arrays(values, [0, 0, 0, 1, 1, 1])
    report = leave_one_out(learner("nearest_neighbor", 4), data)
    assert report.duplicates == [(0, 1), (3, 4)]
    assert report.tested.all()
    apart = leave_one_out(
        learner("nearest_neighbor", 4),
        fsl.ClassDataset.from_arrays(values[[0, 1, 3]], [0, 0, 1]),
    )
    assert not apart.tested.any()
    assert np.isnan(apart.accuracy)


def test_copies_of_pictures_are_found_among_others_of_their_class():
    # A picture, brightened, made larger, stored with losses; others of its kind.
    rng = np.random.default_rng(0)
    image = rng.integers(0, 200, (6, 6, 3)).astype("uint8").repeat(8, 0).repeat(8, 1)
    other = np.roll(image, 8, axis=1)
    copy = Image.fromarray(image).resize((90, 90)).resize((48, 48))
    file = io.BytesIO()
    copy.save(file, "JPEG", quality=60)
    stored = np.asarray(Image.open(file))
    images = np.stack([image, other, image + 40, stored])
    photographs = fsl.ClassDataset.from_arrays(images, [0, 0, 0, 0])
    pairs, _ = near_duplicates(thumbnails(photographs), NEAR)
    assert pairs == [(0, 2), (0, 3), (2, 3)]


def test_a_class_of_one_example_cannot_be_tested():
    data = fsl.ClassDataset.from_arrays(
        np.eye(3, dtype="float32")[[0, 1, 2]] + 0.1, ["heron", "heron", "ibis"]
    )
    report = leave_one_out(learner("cosine", 3), data)
    assert report.alone == ["ibis"]
    assert report.tested.tolist() == [True, True, False]


def test_what_a_report_tells():
    report = LeaveOneOutReport(
        class_names=["egret", "heron", "ibis"],
        labels=np.array([0, 0, 1, 1, 1, 2, 2]),
        answers=np.array([0, 1, 0, 0, 1, -1, 0]),
        probabilities=np.array([0.9, 0.6, 0.4, 0.8, 0.9, 0.0, 0.7]),
        duplicates=[(0, 1), (1, 3), (5, 6)],
    )
    assert report.conflicts == [(1, 3)]
    assert report.accuracy == pytest.approx(2 / 6)
    assert report.confusions == [
        ("heron", "egret", 2),
        ("egret", "heron", 1),
        ("ibis", "egret", 1),
    ]
    assert report.suspects == [3, 6, 1]
    assert report.alone == []
    # Wilson's interval of 2 of 6, by hand: 0.0968 to 0.7000.
    assert report.interval == pytest.approx((0.0968, 0.7000), abs=1e-4)


def test_all_right_is_not_certain():
    labels = np.repeat([0, 1], 5)
    report = LeaveOneOutReport(["a", "b"], labels, labels, np.ones(10), [])
    low, high = report.interval
    assert (low, high) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_near_duplicates_are_connected_by_chains():
    angles = np.array([0.0, 0.08, 0.16, 1.5])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    pairs, groups = near_duplicates(vectors, 0.995)
    assert pairs == [(0, 1), (1, 2)]
    assert groups.tolist() == [0, 0, 0, 3]
    # The third joins two groups, of itself with the first and of the others.
    pairs, groups = near_duplicates(vectors[[0, 2, 1, 3]], 0.995)
    assert pairs == [(0, 2), (1, 2)]
    assert groups.tolist() == [0, 0, 0, 3]
