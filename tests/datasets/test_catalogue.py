import numpy as np
import pytest

from fsl_keras import ClassDataset
from fsl_keras.datasets import load, names
from fsl_keras.datasets.catalogue import DATASETS
from fsl_keras.names import did_you_mean
from fsl_keras.training.options import Options


def test_every_set_has_an_entry_without_gaps():
    assert names() == list(DATASETS)
    for entry in DATASETS.values():
        assert len(entry.description) > 20
        assert entry.licence
        assert entry.title
        assert entry.note


@pytest.mark.parametrize("name", names())
def test_suited_options_are_options_of_runs(name):
    assert Options.suited({"data": {"name": name}}).data.name == name


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("omniglott", "omniglot"),
        ("glyph", "glyphs"),
        ("omniglot/lak", "omniglot/lake"),
        ("miniimagenet", "mini_imagenet"),
    ],
)
def test_a_misspelled_name_is_corrected(name, meant):
    with pytest.raises(ValueError, match=f"'{name}'. Did you mean '{meant}'?"):
        load(name)


def test_no_set_of_tensorflow_datasets_is_taken_for_a_misspelling():
    import tensorflow_datasets as tfds

    for name in set(tfds.list_builders()) - set(names()):
        assert not did_you_mean(name, names(), cutoff=0.9)


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("glyphs", "trainval"),
        ("glyphs", "val"),
        ("omniglot", "dev"),
        ("mini_imagenet", None),
        ("cifar10", "trainval"),
    ],
)
def test_an_unknown_split_names_the_others(name, split):
    with pytest.raises(ValueError, match=f"'validation', 'test'.*split={split!r}"):
        load(name, split)


@pytest.mark.parametrize(
    "name", ["glyphs", "omniglot", "omniglot/lake", "clinc150", "banking77"]
)
def test_arguments_that_a_set_does_not_take_are_refused(name):
    with pytest.raises(TypeError, match="channels"):
        load(name, channels=3)


@pytest.mark.filterwarnings("ignore")  # the mock's own
def test_the_classes_of_other_sets_are_divided_without_overlap():
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=300):
        parts = [
            load("cifar10", split, image_size=(8, 8))
            for split in ("train", "validation", "test")
        ]
    assert [len(part) for part in parts] == [6, 2, 2]
    assert len({name for part in parts for name in part.class_names}) == 10
    assert parts[1].name == "cifar10 validation, images of TFDS's train"
    assert parts[0].item_shape == (8, 8, 3)
    # Each holds the images of its own classes only.
    sizes = [len(part.items) for part in parts]
    assert sizes == [part.class_sizes.sum() for part in parts]
    assert sum(sizes) == 300


@pytest.mark.filterwarnings("ignore")  # the mock's own
def test_a_part_of_another_set_has_the_images_of_the_whole_set():
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=100):
        part = load("cifar10", "validation")
        whole = ClassDataset.from_tfds("cifar10").split_classes()[1]
    assert part.class_names == whole.class_names
    for name in part.class_names:
        np.testing.assert_array_equal(part.class_items(name), whole.class_items(name))


def test_the_old_name_of_the_image_size_is_understood():
    with pytest.warns(UserWarning, match="`size` of `load` is deprecated"):
        assert load("glyphs", "test", size=(28, 28)).item_shape == (28, 28, 1)


def test_an_unknown_name_is_looked_for_among_tensorflow_datasets():
    with pytest.raises(ValueError, match=r"'cifar101'\. Did you mean 'cifar10"):
        load("cifar101")
