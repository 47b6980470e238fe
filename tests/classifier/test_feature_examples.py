import numpy as np
import pytest

from tests.shapes import NAMES, THREE, names, pictures, prototypes


@pytest.fixture(scope="module")
def items(learner):
    """Preprocessed pictures of three shapes, and their names."""
    images, labels = pictures(THREE, size=(16, 16))
    return images[..., :1].astype("float32") / 255, labels


def test_features_are_learned_as_their_items_are(learner, items):
    images, labels = items
    expected = learner.adapt(images, labels)
    found = learner.adapt_features(learner.features(images), labels)
    np.testing.assert_allclose(prototypes(found), prototypes(expected), atol=1e-5)
    assert found.class_names == expected.class_names
    assert len(found.examples()) == 12
    assert found.examples()[3].source == 3
    assert names(found, images) == labels
    # It learns on from images.
    found.add_class("frame", pictures(["frame"])[0])
    assert found.class_names == NAMES


def test_integers_and_names(learner, items):
    features = learner.features(items[0])[:2]
    classifier = learner.adapt_features(features, [1, 0], ["heron", "egret"])
    assert classifier.class_names == ["heron", "egret"]
    np.testing.assert_allclose(prototypes(classifier), features[::-1], atol=1e-6)


def test_the_same_features_count_once(learner, items):
    features = learner.features(items[0])[:2]
    classifier = learner.adapt_features(features[[0, 0, 1]], ["a", "a", "b"])
    assert np.asarray(classifier.task.memory["counts"]).tolist() == [[1, 1]]


def test_preprocessing_is_that_of_the_images_to_come(learner, items):
    features = learner.features(items[0])
    classifier = learner.adapt_features(features, items[1], invert=True)
    assert classifier.preprocessing.invert


def test_features_of_another_backbone_are_refused(learner):
    with pytest.raises(ValueError, match=r"\[n, 8\].*Received.*\(3, 65\)"):
        learner.adapt_features(np.zeros((3, 65)), [0, 1, 2])
    with pytest.raises(ValueError, match=r"array \[n, 8\]"):
        learner.adapt_features(np.zeros((0, 8)), [])


def test_bad_features_and_labels(learner):
    features = np.ones((2, 8), "float32")
    features[1, 3] = np.nan
    with pytest.raises(ValueError, match=r"index \[1\] hold NaN"):
        learner.adapt_features(features, [0, 1])
    with pytest.raises(ValueError, match="2"):
        learner.adapt_features(np.ones((2, 8)), [0, 1, 2])
    with pytest.raises(ValueError, match=r"classes b have no example"):
        learner.adapt_features(np.ones((1, 8)), [0], ["a", "b"])
