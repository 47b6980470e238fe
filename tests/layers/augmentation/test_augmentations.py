"""What holds for every augmentation of pictures. A new one joins by one line."""

import functools

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers import augmentation
from fsl_keras.layers.augmentation import (
    Augmentation,
    ClassRotation,
    ColorJitter,
    EpisodeAugmentation,
    RandomAffine,
    RandomElastic,
    RandomErasing,
    RandomFlip,
    RandomResizedCrop,
    SequentialAugmentation,
    SupportExpansion,
    WordDropout,
)
from tests.checks import assert_config_round_trip, assert_symbolic_shape, random_classes

LAYERS = {
    "affine": RandomAffine,
    "color": ColorJitter,
    "elastic": RandomElastic,
    "erasing": functools.partial(RandomErasing, rate=1.0),
    "flip": functools.partial(RandomFlip, "horizontal_and_vertical"),
    "resized crop": RandomResizedCrop,
    "sequence": lambda **kwargs: SequentialAugmentation(
        [RandomAffine(), ColorJitter()], **kwargs
    ),
}

each_layer = pytest.mark.parametrize("make", LAYERS.values(), ids=LAYERS)


@pytest.fixture
def pictures():
    # What shows each change: smooth, coloured, of uneven sides, and not symmetric.
    rows, columns = np.mgrid[0:1:10j, 0:1:12j]
    picture = np.stack([rows, columns, rows * columns], axis=-1)
    return np.tile(picture.astype("float32"), (6, 1, 1, 1))


def test_all_augmentations_are_here():
    others = {Augmentation, EpisodeAugmentation, ClassRotation, SupportExpansion}
    others.add(WordDropout)  # of texts
    exported = {getattr(augmentation, name) for name in augmentation.__all__}
    assert {type(make()) for make in LAYERS.values()} == exported - others


@each_layer
def test_outside_of_training_nothing_changes(make, pictures):
    layer = make()
    np.testing.assert_array_equal(layer(pictures), pictures)
    np.testing.assert_array_equal(layer(pictures, training=False), pictures)


@each_layer
def test_in_training_each_call_is_another_and_the_seed_decides(make, pictures):
    layer = make(seed=1)
    first, second = (layer(pictures, training=True) for _ in range(2))
    assert np.abs(first - pictures).max() > 0.01
    assert np.abs(first - second).max() > 0.01
    np.testing.assert_array_equal(make(seed=1)(pictures, training=True), first)


@each_layer
def test_the_seed_decides(make, pictures):
    layer = make()
    first = layer.transform(pictures, (1, 2))
    np.testing.assert_array_equal(make().transform(pictures, (1, 2)), first)
    for other in ((1, 3), (2, 2)):
        assert np.abs(layer.transform(pictures, other) - first).max() > 0.01


@each_layer
def test_each_picture_of_a_batch_changes_in_a_way_of_its_own(make, pictures):
    changed = make().transform(pictures, (0, 0)).numpy()
    assert len(np.unique(changed.round(4), axis=0)) > 2


@pytest.mark.slow
@each_layer
def test_xla_gives_the_same_pictures(make, pictures):
    layer = make()
    seed = tf.constant([1, 2], "int64")
    compiled = tf.function(layer.transform, jit_compile=True)
    expected = layer.transform(pictures, seed)
    np.testing.assert_allclose(compiled(pictures, seed), expected, atol=1e-5)


@each_layer
def test_values_stay_in_range(make):
    extremes = np.random.default_rng(0).integers(0, 2, (40, 9, 9, 3)).astype("float32")
    changed = make().transform(extremes, (0, 0)).numpy()
    assert changed.min() >= 0.0
    assert changed.max() <= 1.0


@each_layer
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_is_computed_in_float32(make, pictures, dtype):
    half = tf.cast(pictures, dtype)
    changed = make().transform(half, (1, 2))
    assert changed.dtype == half.dtype
    expected = make().transform(tf.cast(half, "float32"), (1, 2))
    np.testing.assert_array_equal(changed, tf.cast(expected, dtype))


@each_layer
def test_episodes_of_a_batch_are_so_many_pictures(make, pictures):
    episodes = pictures.reshape(2, 3, *pictures.shape[1:])
    changed = make().transform(episodes, (1, 2))
    expected = make().transform(pictures, (1, 2))
    np.testing.assert_array_equal(changed, np.reshape(expected, episodes.shape))
    assert make()(episodes, training=True).shape == episodes.shape


@each_layer
def test_grey_pictures_and_batches_of_unknown_size(make, pictures):
    grey = pictures[..., :1]
    signature = [tf.TensorSpec((None, *grey.shape[1:]), "float32")]
    layer = make()
    transform = tf.function(lambda images: layer.transform(images, (1, 2)), signature)
    shape = transform.get_concrete_function().output_shapes
    assert shape.as_list() == [None, *grey.shape[1:]]
    np.testing.assert_allclose(
        transform(grey), layer.transform(grey, (1, 2)), atol=1e-5
    )


@pytest.mark.slow
@each_layer
def test_a_parallel_map_gives_the_same_pictures(make, pictures):
    transform = make().transform

    def change(index):
        return transform(pictures, tf.stack([tf.constant(3, "int64"), index]))

    def stream(calls):
        numbers = tf.data.Dataset.range(8).map(change, num_parallel_calls=calls)
        return np.stack(list(numbers.as_numpy_iterator()))

    parallel = stream(4)
    np.testing.assert_array_equal(stream(1), parallel)
    np.testing.assert_allclose(parallel[5], transform(pictures, (3, 5)), atol=1e-5)


@pytest.mark.slow
def test_episodes_are_augmented_by_seed_and_index():
    data = random_classes(classes=4, items=6, shape=(9, 9, 3))

    def stream(**kwargs):
        layer = LAYERS["sequence"]()
        episodes = data.episodes(3, 1, 2, seed=5, augmentation=layer, **kwargs)
        return list(episodes.as_numpy_iterator())

    whole = stream(count=6)
    keras.tree.map_structure(
        np.testing.assert_array_equal, stream(start=4, count=2), whole[4:]
    )
    x, _ = whole[0]
    assert x["support"].shape == (1, 3, 9, 9, 3)
    # Labels are still one-hot, and pictures no longer those of the data.
    np.testing.assert_array_equal(x["support_labels"].sum(axis=-1), np.ones((1, 3)))
    raw = np.concatenate([data.class_items(name) for name in data.class_names])
    distances = np.abs(x["support"][0, 0] - raw / np.float32(255)).max(axis=(1, 2, 3))
    assert distances.min() > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("jit_compile", [False, True])
def test_a_model_trains_with_all_of_them(pictures, jit_compile):
    model = keras.Sequential(
        [
            keras.Input(pictures.shape[1:]),
            *(make(seed=1) for make in LAYERS.values()),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse", jit_compile=jit_compile)
    history = model.fit(pictures, np.ones((6, 1)), batch_size=3, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


@each_layer
def test_configuration_and_shape(make, pictures):
    assert_config_round_trip(make(seed=3))
    assert_symbolic_shape(make(), pictures, training=True)


@each_layer
def test_what_is_no_batch_of_float_pictures_is_refused(make, pictures):
    layer = make()
    with pytest.raises(ValueError, match=r"batch of one"):
        layer.transform(pictures[0], (0, 0))
    with pytest.raises(ValueError, match="ImagePreprocessing"):
        layer.transform(pictures.astype("uint8"), (0, 0))
    for seed in (7, (1, 2, 3), (0.5, 1.0)):
        with pytest.raises(ValueError, match="two integers"):
            layer.transform(pictures, seed)


def test_the_base_changes_nothing_by_itself(pictures):
    with pytest.raises(NotImplementedError):
        Augmentation().transform(pictures, (0, 0))


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (RandomAffine, {"rotation_factor": 15}, "`rotation_factor` must be .* to 1. R"),
        (RandomAffine, {"shear_factor": -0.1}, "`shear_factor` must be a number"),
        (RandomAffine, {"zoom_factor": (-1.0, 0.0)}, "numbers from -0.99. Received"),
        (RandomAffine, {"translation_factor": (0.1, -0.1)}, "the lower one first"),
        (RandomAffine, {"fill_value": 255}, "`fill_value` must be .* from 0 to 1"),
        (RandomElastic, {"displacement_factor": 3}, "`displacement_factor` must be"),
        (RandomElastic, {"cells": 0}, "`cells` must be a number of at least 1"),
        (RandomElastic, {"cells": 1.5}, "`cells` must be an integer"),
        (ColorJitter, {"contrast": 1.5}, "`contrast` must be a number from 0 to 1"),
        (ColorJitter, {"hue": 0.6}, "`hue` must be a number from 0 to 0.5"),
        (RandomErasing, {"rate": 2}, "`rate` must be a number from 0 to 1"),
        (RandomErasing, {"scale": (0.3, 0.1)}, "`scale` must be a pair"),
        (RandomErasing, {"ratio": 0.3}, "`ratio` must be a pair"),
        (RandomResizedCrop, {"scale": (0.0, 1.0)}, "`scale` must be a pair"),
        (RandomResizedCrop, {"scale": (0.5, 1.1)}, "at most 1"),
        (RandomFlip, {"mode": "sideways"}, "`mode` must be one of horizontal"),
        (SequentialAugmentation, {"layers": []}, "must not be empty"),
        (
            SequentialAugmentation,
            {"layers": [keras.layers.RandomFlip()]},
            r"must have `transform\(images, seed\)`",
        ),
    ],
)
def test_wrong_arguments_are_refused(make, arguments, message):
    with pytest.raises(ValueError, match=message):
        make(**arguments)
