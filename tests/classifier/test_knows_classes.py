"""Classes are stored once, and those that do not change stay bit-identical."""

import numpy as np
import pytest

from fsl_keras import FewShotClassifier
from fsl_keras.classifier.task_weights import TaskWeights
from tests.shapes import NAMES, THREE, names, pictures, prototypes


@pytest.fixture
def odd(learner):
    """Three classes of seven examples: a division by seven rounds."""
    return learner.adapt(*pictures(THREE, count=7))


def test_sums_are_not_stored(odd):
    assert set(odd.task.memory) == {"counts"}
    memory = odd.memory()
    assert set(memory) == {"sums", "counts"}
    np.testing.assert_allclose(memory["sums"][0], 7 * prototypes(odd), rtol=1e-6)
    some = odd.memory_of(np.array([2, 0]))
    np.testing.assert_array_equal(some["sums"], memory["sums"].numpy()[:, [2, 0]])


CHANGES = {
    "update": lambda c: c.update("beam", pictures(["beam"], seed=50)[0]),
    "add_examples": lambda c: c.add_examples(*pictures(["beam", "frame"], seed=50)),
    "remove_class": lambda c: c.remove_class("beam"),
    "add_class": lambda c: c.add_class("frame", pictures(["frame"])[0]),
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_other_classes_stay_bit_identical(odd, change):
    before = prototypes(odd)
    CHANGES[change](odd)
    last = 1 if change == "remove_class" else 2
    found = prototypes(odd)
    np.testing.assert_array_equal(found[[0, last]], before[[0, 2]])


def test_joined_classes_stay_bit_identical(learner, odd):
    other = learner.adapt(*pictures(["frame"], count=7))
    expected = np.concatenate([prototypes(odd), prototypes(other)])
    odd.add_classes_from(other)
    np.testing.assert_array_equal(prototypes(odd), expected)
    images, labels = pictures(NAMES, seed=100)
    assert names(odd, images) == labels


def test_nothing_new_changes_nothing(odd):
    before = odd.get_weights()
    odd.update("bar", pictures(["bar"])[0])
    for weight, same in zip(odd.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)


def test_files_of_earlier_versions_have_sums_and_no_lengths(odd):
    state = dict(odd.task.state)
    del state["squares"]
    old = TaskWeights()
    old.replace(odd.memory(), state, odd.task.learned)
    loaded = FewShotClassifier.from_config({**odd.get_config(), "spec": old.spec})
    count = len(odd.weights)
    loaded.set_weights([*odd.get_weights()[:count], *old.get_weights()])
    assert set(loaded.task.memory) == {"counts"}
    images, labels = pictures(NAMES, seed=100)
    np.testing.assert_allclose(
        loaded.predict(images, verbose=0), odd.predict(images, verbose=0), atol=1e-5
    )
    loaded.add_class("frame", pictures(["frame"])[0])
    assert names(loaded, images) == labels
