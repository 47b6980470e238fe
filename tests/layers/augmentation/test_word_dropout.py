import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.layers.augmentation import WordDropout
from tests.checks import assert_config_round_trip

TEXTS = [f"a{i} b{i} c{i} d{i} e{i}" for i in range(400)]


def changed(texts, rate=0.3, seed=(7, 0)):
    found = WordDropout(rate).transform(texts, seed)
    return [text.decode() for text in found.numpy().ravel()]


def test_words_that_stay_are_in_order():
    for before, after in zip(TEXTS, changed(TEXTS), strict=True):
        words = iter(before.split())
        assert all(word in words for word in after.split())


def test_the_rate_is_the_fraction_of_the_words_that_are_left_out():
    words = sum(len(text.split()) for text in changed(TEXTS))
    # 2,000 words: the standard error of the fraction is 0.01.
    assert words / 2000 == pytest.approx(0.7, abs=0.04)


def test_the_seed_decides():
    assert changed(TEXTS) == changed(TEXTS)
    assert changed(TEXTS) != changed(TEXTS, seed=(7, 1))


def test_no_text_becomes_empty():
    for texts in (TEXTS, ["alone", "", "  ", "你好世界"]):
        assert changed(texts, rate=1.0) == texts


def test_nothing_is_left_out_at_rate_zero():
    assert changed(["two  blanks\tand a tab", "one"], 0.0) == [
        "two blanks and a tab",
        "one",
    ]


def test_any_shape_in_a_graph():
    texts = tf.constant(TEXTS[:6], shape=(1, 3, 2))
    layer = WordDropout()
    graph = tf.function(lambda texts: layer.transform(texts, (7, 0)))
    np.testing.assert_array_equal(graph(texts), layer.transform(texts, (7, 0)).numpy())
    assert graph(texts).shape == (1, 3, 2)


def test_as_a_layer_it_acts_in_training_only():
    layer = WordDropout(0.5, seed=0)
    texts = tf.constant(TEXTS)
    np.testing.assert_array_equal(layer(texts), texts)
    assert np.any(layer(texts, training=True).numpy() != texts.numpy())


def test_in_a_pipeline():
    data = ClassDataset.from_arrays(np.asarray(TEXTS, object), np.arange(400) % 4)
    (first, _), (plain, _) = (
        next(iter(data.batches(64, seed=1, augmentation=layer)))
        for layer in (WordDropout(0.5), None)
    )
    assert 0.5 < np.mean(first.numpy() != plain.numpy()) <= 1


def test_configuration_and_bad_rates():
    assert_config_round_trip(WordDropout(0.25, seed=3))
    assert keras.saving.get_registered_name(WordDropout) == "fsl_keras>WordDropout"
    with pytest.raises(ValueError, match=r"rate=1\.5"):
        WordDropout(1.5)
