import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers.augmentation import RandomAffine
from tests.checks import assert_config_round_trip, assert_symbolic_shape, random_classes

STILL = {"rotation": 0.0, "zoom": 0.0, "shear": 0.0, "shift": 0.0}


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((3, 9, 9, 2), "float32")


def test_without_strength_nothing_moves(pictures):
    moved = RandomAffine(**STILL).transform(pictures, (1, 2))
    np.testing.assert_allclose(moved, pictures, atol=1e-6)


def test_a_shift_moves_no_farther_than_it_says(pictures):
    dot = np.zeros((64, 9, 9, 1), "float32")
    dot[:, 4, 4] = 1.0
    moved = RandomAffine(**{**STILL, "shift": 2.0}).transform(dot, (0, 0)).numpy()
    rows, columns = np.nonzero(moved.sum((0, 3)) > 1e-3)
    assert (rows.min(), rows.max()) == (2, 6)
    assert (columns.min(), columns.max()) == (2, 6)
    # Bilinear resampling shares the ink out, and loses none.
    np.testing.assert_allclose(moved.sum((1, 2, 3)), 1.0, atol=1e-4)


def test_a_turn_keeps_the_middle(pictures):
    layer = RandomAffine(**{**STILL, "rotation": 90.0})
    moved = layer.transform(pictures, (3, 4))
    np.testing.assert_allclose(moved[:, 4, 4], pictures[:, 4, 4], atol=1e-5)
    assert np.abs(moved - pictures).max() > 0.1


def test_each_picture_moves_in_a_way_of_its_own():
    same = np.tile(
        np.random.default_rng(0).random((1, 9, 9, 1), "float32"), (2, 1, 1, 1)
    )
    moved = RandomAffine().transform(same, (0, 0))
    assert np.abs(moved[0] - moved[1]).max() > 0.01


def test_values_stay_in_range(pictures):
    moved = RandomAffine().transform(pictures, (5, 6)).numpy()
    assert moved.min() >= 0.0
    assert moved.max() <= 1.0


def test_the_seed_decides_in_a_graph_as_outside(pictures):
    layer = RandomAffine()
    in_graph = tf.function(layer.transform)
    np.testing.assert_array_equal(
        in_graph(pictures, tf.constant([1, 2], "int64")),
        layer.transform(pictures, (1, 2)),
    )
    assert (
        np.abs(layer.transform(pictures, (1, 3)) - in_graph(pictures, (1, 2))).max() > 0
    )


def test_the_layer_acts_in_training_only(pictures):
    layer = RandomAffine(seed=1)
    np.testing.assert_array_equal(layer(pictures), pictures)
    first, second = layer(pictures, training=True), layer(pictures, training=True)
    assert np.abs(first - pictures).max() > 0.01
    assert np.abs(first - second).max() > 0.01
    again = RandomAffine(seed=1)(pictures, training=True)
    np.testing.assert_array_equal(again, first)


def test_episodes_are_augmented_by_their_seed():
    data = random_classes(classes=4, items=6)

    def supports(**kwargs):
        episodes = data.episodes(3, 1, 2, seed=5, augmentation=RandomAffine(), **kwargs)
        return [x["support"].numpy() for x, _ in episodes]

    whole = supports(count=6)
    np.testing.assert_array_equal(supports(start=4, count=2), whole[4:])
    plain = [x["support"] for x, _ in data.episodes(3, 1, 2, seed=5, count=1)]
    assert np.abs(whole[0] - plain[0]).max() > 0.01


def test_configuration_and_shape(pictures):
    assert_config_round_trip(RandomAffine(rotation=5, zoom=0.2, seed=3))
    assert_symbolic_shape(RandomAffine(), pictures)
