import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers.augmentation import ColorJitter, RandomAffine, SupportExpansion
from tests.checks import assert_config_round_trip

PICTURES = np.random.default_rng(0).random((3, 6, 6, 1), "float32")
ONE_HOT = np.array([[0, 1], [1, 0], [0, 0]], "float32")  # the last is padding


@pytest.fixture
def expansion():
    return SupportExpansion(RandomAffine(), copies=2, seed=1)


def test_the_examples_come_first_and_each_copy_is_another(expansion):
    pictures, labels = expansion.transform(PICTURES, ONE_HOT, (1, 2))
    assert pictures.shape == (9, 6, 6, 1)
    np.testing.assert_array_equal(pictures[:3], PICTURES)
    assert len(np.unique(pictures, axis=0)) == 9
    np.testing.assert_array_equal(labels, np.tile(ONE_HOT, (3, 1)))
    again, _ = expansion.transform(PICTURES, ONE_HOT, (1, 2))
    np.testing.assert_array_equal(again, pictures)


def test_a_copy_is_of_its_example():
    darker = SupportExpansion(ColorJitter(0.1, 0, 0, 0), copies=3)
    flat = np.ones_like(PICTURES) * np.array([0.2, 0.5, 0.8])[:, None, None, None]
    pictures, labels = darker.transform(flat, [7, 8, 9], (1, 2))
    np.testing.assert_array_equal(labels, [7, 8, 9] * 4)
    np.testing.assert_allclose(pictures, np.tile(flat, (4, 1, 1, 1)), atol=0.11)


def test_a_batch_of_episodes(expansion):
    support = np.stack([PICTURES, PICTURES[::-1]])
    labels = np.stack([ONE_HOT, ONE_HOT[::-1]])
    pictures, found = expansion.transform(support, labels, (1, 2))
    assert pictures.shape == (2, 9, 6, 6, 1)
    np.testing.assert_array_equal(pictures[:, :3], support)
    np.testing.assert_array_equal(found, np.tile(labels, (1, 3, 1)))
    assert len(np.unique(np.reshape(pictures, (18, -1)), axis=0)) == 15


def test_xla_gives_the_same_pictures(expansion):
    seed = tf.constant([1, 2], "int64")
    compiled = tf.function(expansion.transform, jit_compile=True)
    found, labels = compiled(PICTURES, ONE_HOT, seed)
    expected, _ = expansion.transform(PICTURES, ONE_HOT, seed)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_array_equal(labels, np.tile(ONE_HOT, (3, 1)))


def test_it_acts_in_training_only(expansion):
    pictures, labels = expansion(PICTURES, ONE_HOT)
    np.testing.assert_array_equal(pictures, PICTURES)
    np.testing.assert_array_equal(labels, ONE_HOT)
    pictures, labels = expansion(PICTURES, ONE_HOT, training=True)
    assert (pictures.shape, labels.shape) == ((9, 6, 6, 1), (9, 2))


def test_names_may_be_labels(expansion):
    _, labels = expansion.transform(PICTURES, ["ibis", "egret", "ibis"], (0, 0))
    assert [name.decode() for name in labels.numpy()[3:5]] == ["ibis", "egret"]


def test_configuration_and_shape(expansion):
    assert_config_round_trip(expansion)
    symbols = [keras.KerasTensor(x.shape, "float32") for x in (PICTURES, ONE_HOT)]
    shapes = [x.shape for x in expansion(*symbols)]
    assert shapes == [(None, 6, 6, 1), (None, 2)]


def test_errors(expansion):
    with pytest.raises(ValueError, match="Each support image needs a label"):
        expansion.transform(PICTURES, [0, 1], (0, 0))
    with pytest.raises(ValueError, match="`copies` must be a number of at least 1"):
        SupportExpansion(RandomAffine(), copies=0)
    with pytest.raises(ValueError, match="`copies` must be an integer"):
        SupportExpansion(RandomAffine(), copies=2.5)
    with pytest.raises(ValueError, match="`augmentation` must have `transform"):
        SupportExpansion(keras.layers.RandomFlip())
