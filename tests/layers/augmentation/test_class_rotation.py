import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.episodes.random import uniform
from fsl_keras.layers.augmentation import ClassRotation
from tests.checks import assert_config_round_trip, random_classes

rotation = ClassRotation()


@pytest.fixture(scope="module")
def batch():
    data = random_classes(6, 6, (5, 5, 2))
    return next(iter(data.episodes(5, 2, 3, tasks=4)))


def turns_of(changed, pictures):
    """How many quarters to the left each picture was turned, `[T, S]`."""
    quarters = np.stack([np.rot90(pictures, k, axes=(-3, -2)) for k in range(4)])
    same = (quarters == changed.numpy()).all(axis=(-3, -2, -1))
    assert (same.sum(axis=0) == 1).all()
    return same.argmax(axis=0)


def test_support_and_queries_of_a_class_turn_alike(batch):
    x, y = batch
    changed = rotation.transform(x, y, (1, 2))
    support = turns_of(changed["support"], x["support"])
    query = turns_of(changed["query"], x["query"])
    ways = np.argmax(x["support_labels"], axis=-1)
    turns = np.zeros((4, 5), int)
    for task in range(4):
        turns[task, ways[task]] = support[task]
        np.testing.assert_array_equal(turns[task, ways[task]], support[task])
        np.testing.assert_array_equal(turns[task, y[task]], query[task])
    draws = uniform(np.array([1, 2]), (4, 5))
    np.testing.assert_array_equal(turns, np.floor(4 * np.asarray(draws)))
    # All four occur, and tasks differ.
    assert set(turns.flat) == {0, 1, 2, 3}
    assert len(np.unique(turns, axis=0)) > 1
    np.testing.assert_array_equal(changed["support_labels"], x["support_labels"])


def test_all_turns_are_equally_likely():
    pictures = np.arange(4, dtype="float32").reshape(1, 2, 2, 1)
    pictures = np.tile(pictures, (800, 1, 1, 1))
    x = {
        "support": pictures,
        "support_labels": np.eye(800, dtype="float32"),
        "query": pictures[:1],
    }
    changed = rotation.transform(x, np.array([0]), (0, 0))
    counts = np.bincount(turns_of(changed["support"], pictures))
    np.testing.assert_allclose(counts / 800, 0.25, atol=0.05)


def test_one_episode_is_turned_as_a_batch_is(batch):
    one = keras.tree.map_structure(lambda value: value[0], batch)
    changed = rotation.transform(*one, (1, 2))
    of_batch = rotation.transform(
        *keras.tree.map_structure(lambda value: value[None], one), (1, 2)
    )
    np.testing.assert_array_equal(changed["support"], of_batch["support"][0])
    np.testing.assert_array_equal(changed["query"], of_batch["query"][0])


def test_a_graph_and_xla_give_the_same_pictures(batch):
    seed = tf.constant([1, 2], "int64")
    expected = rotation.transform(*batch, seed)
    for options in ({}, {"jit_compile": True}):
        found = tf.function(rotation.transform, **options)(*batch, seed)
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_array_equal(found[name], value)


def test_padding_among_the_queries_turns_as_its_label_says(batch):
    x, y = batch
    x = {**x, "query_mask": np.arange(15) < 13}
    y = np.where(x["query_mask"], y, 0)
    changed = rotation.transform(x, y, (1, 2))
    turns = turns_of(changed["query"], x["query"])
    for task in range(4):
        assert len(set(turns[task, y[task] == 0])) == 1
    np.testing.assert_array_equal(changed["query_mask"], x["query_mask"])


def test_it_acts_in_training_only(batch):
    layer = ClassRotation(seed=1)
    keras.tree.map_structure(np.testing.assert_array_equal, layer(*batch), batch[0])
    first = layer(*batch, training=True)
    assert np.abs(first["support"] - batch[0]["support"]).max() > 0
    again = ClassRotation(seed=1)(*batch, training=True)
    keras.tree.map_structure(np.testing.assert_array_equal, again, first)


def test_configuration_and_shape(batch):
    assert_config_round_trip(ClassRotation(seed=3))
    specs = keras.tree.map_structure(
        lambda value: keras.KerasTensor(value.shape, value.dtype.name), batch
    )
    found = rotation.compute_output_spec(*specs)
    assert {k: v.shape for k, v in found.items()} == {
        name: value.shape for name, value in batch[0].items()
    }
    assert rotation.compute_output_shape({"query": (1, 2)}, (1,)) == {"query": (1, 2)}


def test_errors(batch):
    x, y = batch
    with pytest.raises(ValueError, match=r"5 x 4 pixels\. Crop or resize"):
        rotation.transform({**x, "query": x["query"][..., :4, :]}, y, (0, 0))
    with pytest.raises(ValueError, match="`labels` must be integers"):
        rotation.transform(x, tf.cast(y, "float32"), (0, 0))
    with pytest.raises(ValueError, match="takes episodes"):
        rotation.transform(x["support"], y, (0, 0))


def test_in_a_stream_support_and_queries_of_a_class_turn_alike():
    # Every picture of a class is the same: so they are after it is turned.
    images = np.random.default_rng(0).random((5, 1, 8, 8, 1), "float32").repeat(6, 1)
    data = fsl.ClassDataset.from_arrays(
        images.reshape(-1, 8, 8, 1), np.repeat(np.arange(5), 6)
    )
    stream = data.episodes(3, 2, 2, augmentation=ClassRotation(), count=8)
    plain = data.episodes(3, 2, 2, count=8)
    turned = 0
    for (x, y), (before, _) in zip(
        stream.as_numpy_iterator(), plain.as_numpy_iterator(), strict=True
    ):
        first = x["support"][0, ::2]  # two examples a class, in the order of ways
        np.testing.assert_array_equal(x["support"][0, 1::2], first)
        np.testing.assert_array_equal(x["query"][0], first[y[0]])
        turned += np.sum((first != before["support"][0, ::2]).any(axis=(1, 2, 3)))
    assert 10 <= turned <= 24  # of 24 classes three quarters, more or less
