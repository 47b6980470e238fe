import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.episodes.random import fold_in
from fsl_keras.heads import PrototypeHead
from fsl_keras.layers.augmentation import (
    ColorJitter,
    EpisodeAugmentation,
    RandomAffine,
    RandomErasing,
)
from fsl_keras.models import MetricModel
from tests.checks import (
    assert_config_round_trip,
    assert_same_batches,
    random_classes,
)

SHAPE = (9, 9, 3)


def stream(**kwargs):
    """Episodes of different size, with masks."""
    data = random_classes(5, 6, SHAPE)
    return data.episodes((2, 4), (1, 2), 2, tasks=2, seed=3, **kwargs)


@pytest.fixture(scope="module")
def episode():
    return next(iter(stream()))[0]


def test_only_the_pictures_of_the_parts_asked_for_change(episode):
    layer = EpisodeAugmentation(support=RandomAffine())
    changed = layer.transform(episode, (1, 2))
    assert changed.keys() == episode.keys()
    assert np.abs(changed["support"] - episode["support"]).max() > 0.01
    for name in ("support_labels", "query", "query_mask"):
        np.testing.assert_array_equal(changed[name], episode[name])
    assert "query" in episode  # what was given is not changed


def test_support_and_query_have_random_numbers_of_their_own(episode):
    same = {**episode, "query": episode["support"]}
    changed = EpisodeAugmentation(ColorJitter(), ColorJitter()).transform(same, (1, 2))
    assert np.abs(changed["support"] - changed["query"]).max() > 0.01
    # They are those of `episodes(augmentation=...)`.
    for part, name in enumerate(("support", "query")):
        expected = ColorJitter().transform(same[name], fold_in(np.array([1, 2]), part))
        np.testing.assert_array_equal(changed[name], expected)


@pytest.mark.slow
def test_a_stream_is_a_pure_function_of_seed_and_index():
    data = random_classes(5, 8, (8, 8, 1))

    def episodes(layer, **kwargs):
        return data.episodes(3, 1, 2, seed=5, augmentation=layer, **kwargs)

    one_way = EpisodeAugmentation(RandomAffine(), RandomErasing(rate=1.0))
    whole = list(episodes(one_way, count=6).as_numpy_iterator())
    assert_same_batches(
        episodes(one_way, start=4, count=2), episodes(one_way, count=6).skip(4)
    )
    # Each set by its own layer: that of an augmentation of both.
    for name, layer in (
        ("support", RandomAffine()),
        ("query", RandomErasing(rate=1.0)),
    ):
        for (x, _), (expected, _) in zip(
            whole, episodes(layer, count=6).as_numpy_iterator(), strict=True
        ):
            np.testing.assert_array_equal(x[name], expected[name])
    assert episodes(one_way).protocol["ways"] == 3


def test_it_acts_in_training_only(episode):
    layer = EpisodeAugmentation(RandomAffine(), RandomAffine(), seed=1)
    keras.tree.map_structure(np.testing.assert_array_equal, layer(episode), episode)
    first = layer(episode, training=True)
    assert np.abs(first["query"] - episode["query"]).max() > 0.01
    again = EpisodeAugmentation(RandomAffine(), RandomAffine(), seed=1)
    again = again(episode, training=True)
    keras.tree.map_structure(np.testing.assert_array_equal, again, first)


def test_it_stands_before_a_learner_in_a_model_under_xla():
    backbone = keras.Sequential(
        [keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(4)]
    )
    learner = MetricModel(backbone, PrototypeHead())
    data = random_classes(5, 6, SHAPE)
    episodes = data.episodes(3, 1, 2, tasks=2, count=4)
    inputs = {
        name: keras.Input(spec.shape[1:], dtype=spec.dtype, name=name)
        for name, spec in episodes.element_spec[0].items()
    }
    augmented = EpisodeAugmentation(RandomAffine(), ColorJitter(), seed=1)(inputs)
    model = keras.Model(inputs, learner(augmented))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss, jit_compile=True)
    history = model.fit(episodes, shuffle=False, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_labels_and_masks_keep_their_dtype_under_mixed_precision(episode):
    layer = EpisodeAugmentation(RandomAffine(), dtype="mixed_float16")
    specs = keras.tree.map_structure(
        lambda x: keras.KerasTensor(x.shape, x.dtype.name), episode
    )
    symbols, numbers = layer(specs), layer(episode, training=True)
    for name, value in episode.items():
        assert symbols[name].dtype == numbers[name].dtype.name == value.dtype.name
        assert symbols[name].shape == numbers[name].shape
    assert layer.compute_output_shape({"query": (2, 3)}) == {"query": (2, 3)}


def test_configuration():
    assert_config_round_trip(EpisodeAugmentation(RandomAffine(), None, seed=3))
    assert_config_round_trip(EpisodeAugmentation(query=ColorJitter()))


def test_errors(episode):
    with pytest.raises(ValueError, match="support=None, query=None"):
        EpisodeAugmentation()
    with pytest.raises(ValueError, match="`query` must have `transform"):
        EpisodeAugmentation(query=tf.image.flip_left_right)
    layer = EpisodeAugmentation(RandomAffine())
    with pytest.raises(ValueError, match=r"Give it to `episodes\(augmentation"):
        layer.transform(episode["support"], (0, 0))
    with pytest.raises(ValueError, match=r"Received: \['support'\]"):
        layer.transform({"support": episode["support"]}, (0, 0))
