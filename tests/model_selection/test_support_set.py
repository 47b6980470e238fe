"""The examples of a classifier, and near duplicates among them."""

import io

import numpy as np
from PIL import Image

from fsl_keras.model_selection.support_set import SupportSet, near_duplicates


def test_near_duplicates_of_an_image_are_found():
    # An image, brightened, resized and compressed; and another one of its kind.
    rng = np.random.default_rng(0)
    image = rng.integers(0, 200, (6, 6, 3)).astype("uint8").repeat(8, 0).repeat(8, 1)
    other = np.roll(image, 8, axis=1)
    copy = Image.fromarray(image).resize((90, 90)).resize((48, 48))
    file = io.BytesIO()
    copy.save(file, "JPEG", quality=60)
    stored = np.asarray(Image.open(file))
    images = np.stack([image, other, image + 40, stored]) / np.float32(255)
    support = SupportSet()
    support.add(np.eye(4), [0, 0, 0, 0], rows=[4, 5, 6, 7], images=images)
    assert support.duplicates == [(4, 6), (4, 7), (6, 7)]
    assert support.groups.tolist() == [0, 1, 0, 0]


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


def test_augmented_copies_belong_to_their_example():
    support = SupportSet()
    support.add(
        np.array([[1.0], [2]]), [0, 1], copies=np.array([[11.0], [12], [21], [22]])
    )
    support.add(np.array([[3.0]]), [1], copies=np.array([[13.0], [23]]))
    assert support.features.ravel().tolist() == [1, 2, 3]
    assert support.copies.ravel().tolist() == [11, 12, 21, 22, 13, 23]
    assert support.copied.tolist() == [0, 1, 0, 1, 2, 2]


def test_at_most_so_many_examples_of_a_class_are_kept():
    support = SupportSet(most=2)
    values = np.arange(5.0)[:, None]
    copies = np.concatenate([10 + values, 20 + values])
    support.add(values, [0, 0, 0, 1, 0], copies=copies)
    support.add(np.array([[7.0]]), [1], rows=[5])
    support.add(np.array([[8.0]]), [1], rows=[6])
    assert support.features.ravel().tolist() == [0, 1, 3, 7]
    assert support.copies.ravel().tolist() == [10, 11, 13, 20, 21, 23]
    assert support.copied.tolist() == [0, 1, 2, 0, 1, 2]
    assert support.rows.tolist() == [0, 1, 3, 5]


class TestTexts:
    """Near duplicates of texts."""

    def test_case_blanks_and_punctuation_at_the_ends(self):
        support = SupportSet()
        texts = [
            "Top up!",
            "  top   UP",
            "top-up",
            "?!",
            "...",
            "\N{FULLWIDTH LATIN SMALL LETTER A}",
            "A",
        ]
        support.add(np.eye(7), [0] * 7, texts=texts)
        assert support.duplicates == [(0, 1), (5, 6)]
        assert support.groups.tolist() == [0, 0, 2, 3, 4, 5, 5]

    def test_equal_features_and_equal_texts_are_joined(self):
        support = SupportSet()
        support.add(np.array([[1.0, 0], [2.0, 0]]), [0, 1], texts=["a b", "b a"])
        support.add(np.array([[0.0, 1]]), [1], rows=[5], texts=["B A."])
        assert support.duplicates == [(0, 1), (1, 5)]
        assert support.groups.tolist() == [0, 0, 0]

    def test_of_bounded_size(self):
        support = SupportSet(most=1)
        support.add(np.eye(3), [0, 0, 1], texts=["a", "b", "A"])
        assert support.duplicates == [(0, 2)]


def test_descriptions_are_no_examples():
    support = SupportSet()
    assert support.descriptions is None
    support.add(np.eye(2), [0, 1])
    support.describe(np.eye(2), 3 * np.eye(2))
    assert len(support) == 2
    assert support.duplicates == []
    features, labels = support.descriptions
    assert features.dtype == "float32"
    np.testing.assert_array_equal(labels, 3 * np.eye(2))
