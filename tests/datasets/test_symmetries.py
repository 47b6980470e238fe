import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.datasets import ClassDataset, with_reflections, with_rotations


@pytest.fixture
def data():
    pictures = np.random.default_rng(0).integers(0, 256, (6, 8, 8, 1), dtype="uint8")
    return ClassDataset.from_arrays(pictures, [0, 0, 0, 1, 1, 1], ["a", "b"])


def test_mirror_images_are_further_classes(data):
    both = with_reflections(data)
    assert both.class_names == ["a", "b", "a/mirrored", "b/mirrored"]
    for name in data.class_names:
        own = data.class_items(name)
        np.testing.assert_array_equal(both.class_items(name), own)
        mirrored = both.class_items(f"{name}/mirrored")
        np.testing.assert_array_equal(mirrored, own[:, :, ::-1])


def test_rotated_classes_are_further_classes(data):
    turned = with_rotations(data)
    assert len(turned) == 8
    for quarters in (1, 2, 3):
        items = turned.class_items(f"b/rot{90 * quarters:03d}")
        wanted = np.rot90(data.class_items("b"), quarters, axes=(1, 2))
        np.testing.assert_array_equal(items, wanted)


def test_omniglot_names_its_rotations_alike(data):
    omniglot_names = [f"a/rot{degrees:03d}" for degrees in (90, 180, 270)]
    assert set(omniglot_names) <= set(with_rotations(data).class_names)


def test_one_after_the_other_gives_all_eight(data):
    both = with_reflections(with_rotations(data))
    assert len(both) == 16
    items = both.class_items("a/rot090/mirrored")
    turned = np.rot90(data.class_items("a"), 1, axes=(1, 2))
    np.testing.assert_array_equal(items, turned[:, :, ::-1])


def test_episodes_are_drawn_of_all_of_them(data):
    x, _ = next(iter(with_reflections(data).episodes(4, 1, 2, seed=0)))
    assert x["support"].shape == (1, 4, 8, 8, 1)


def test_a_subset_can_be_mirrored(data):
    both = with_reflections(data.subset(["b"]))
    assert both.class_names == ["b", "b/mirrored"]
    mirrored = both.class_items("b/mirrored")
    np.testing.assert_array_equal(mirrored, data.class_items("b")[:, :, ::-1])


def test_vectors_cannot_be_rotated():
    vectors = ClassDataset.from_arrays(np.eye(4, dtype="float32"), [0, 0, 1, 1])
    with pytest.raises(ValueError, match="need images in memory"):
        with_reflections(vectors)


def test_oblong_images_cannot_be_rotated():
    oblong = fsl.ClassDataset.from_arrays(np.zeros((2, 8, 9, 1), "uint8"), [0, 1])
    with pytest.raises(ValueError, match="8 x 9 pixels"):
        with_rotations(oblong)
