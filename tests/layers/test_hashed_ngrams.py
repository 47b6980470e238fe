import collections

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.layers import HashedNGrams
from tests.checks import assert_config_round_trip

FEATURES = 4096
CYCLE = 2**64
BASE = 0x9E3779B97F4A7C15


def substring_hash(string):
    return sum(ord(char) * BASE**place for place, char in enumerate(string)) % CYCLE


def place_of(number, factor, features=FEATURES):
    number = number * factor % CYCLE
    number = (number ^ number >> 32) * BASE % CYCLE
    return ((number >> 32) * features) >> 32


def expected_counts(words, ngrams=(1, 3), window=5):
    """The counts of a text of these words, computed by Python's integers."""
    counts = np.zeros(FEATURES, "float32")
    for place, word in enumerate(words):
        padded = f" {word} "
        for length in range(ngrams[0], ngrams[1] + 1):
            for first in range(len(padded) - length + 1):
                ngram = padded[first : first + length]
                if ngram.strip():
                    counts[place_of(substring_hash(ngram), 0xD6E8FEB86659FD93)] += 1
        word = substring_hash(word)
        counts[place_of(word, 0xA0761D6478BD642F)] += 1
        for later in words[place + 1 : place + 1 + window]:
            pair = (word * BASE + substring_hash(later)) % CYCLE
            counts[place_of(pair, 0xE7037ED1A0B428DB)] += 1
    return counts


def counts_of(*texts, **arguments):
    return HashedNGrams(FEATURES, **arguments)(tf.constant(texts)).numpy()


def assert_alike(*texts):
    counts = counts_of(*texts)
    assert counts[0].any()
    np.testing.assert_array_equal(counts, counts[:1].repeat(len(texts), axis=0))


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"ngrams": (2, 5), "window": 0},
        {"ngrams": (1, 1), "window": 1},
        {"ngrams": (4, 4), "window": 9},
    ],
    ids=str,
)
def test_counts_are_those_of_the_definition(arguments):
    words = ["the", "cat", "and", "the", "dog", ",", "the", "big", "dog", "!"]
    texts = [words, ["a"], [], ["你好世界"], ["😀", "😀"]]
    np.testing.assert_array_equal(
        counts_of(*(" ".join(text) for text in texts), **arguments),
        [expected_counts(text, **arguments) for text in texts],
    )


def test_character_ngrams_are_those_of_scikit_learn():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    analyze = text.CountVectorizer(
        analyzer="char_wb", ngram_range=(2, 3)
    ).build_analyzer()
    sentence = "where is my new card my card"
    counts = collections.Counter(analyze(sentence))
    found = counts_of(sentence, ngrams=(2, 3), window=0)[0]
    for word in sentence.split():
        found[place_of(substring_hash(word), 0xA0761D6478BD642F)] -= 1
    for ngram, count in counts.items():
        assert found[place_of(substring_hash(ngram), 0xD6E8FEB86659FD93)] >= count
    assert found.sum() == sum(counts.values())


def test_words_of_one_character_count_as_often_as_in_a_hand_count():
    # " a", "a ", " b", "b ", "a" and "b" as characters, " a ", " b ", the words "a" and
    # "b", and the pair of them.
    assert counts_of("a b").sum() == 11


def test_case_blanks_and_control_characters_do_not_count():
    assert_alike(
        "wo ist Ärger?",
        "WO IST ÄRGER ?",
        "  wo\t\tist\n\närger?\r\n",
        "\ufeffwo\u00a0ist\u3000ärger?",
        "wo\x00ist\x07ärger?",
        "wo\u2028ist är\u00adger?",
        b"wo\xffist \xc3\x84rger?",
        b"wo \xe2\x82 ist \xc3\x84rger?",
    )


def test_a_word_is_another_than_its_anagram_and_order_counts():
    anagrams = counts_of("ab", "ba", ngrams=(1, 1), window=0)
    assert (anagrams[0] != anagrams[1]).any()
    orders = counts_of("ab cd", "cd ab")
    assert (orders[0] != orders[1]).any()
    np.testing.assert_array_equal(*counts_of("ab cd", "cd ab", window=0))


def test_a_row_does_not_depend_on_the_others():
    texts = ["where is my card", "", "مرحبا بالعالم", "x", "สวัสดีชาวโลก", " "]
    together = counts_of(*texts)
    alone = np.concatenate([counts_of(text) for text in texts])
    np.testing.assert_array_equal(together, alone)
    np.testing.assert_array_equal(counts_of(*texts[::-1]), together[::-1])


@pytest.mark.parametrize("text", ["", " ", "\t\n", "\x00", "\ufeff", b"\xff"])
def test_a_blank_text_has_no_ngrams(text):
    assert not counts_of(text).any()


def test_no_texts():
    layer = HashedNGrams(8)
    assert layer(tf.constant([], "string")).shape == (0, 8)


@pytest.mark.parametrize(
    "text",
    [
        "你好世界",
        "สวัสดีชาวโลก",
        "नमस्ते दुनिया",
        "مرحبا بالعالم",
        "שלום",
        "👩‍💻😀🎉",
        "#%&!",
    ],
)
def test_similar_texts_of_any_script_share_ngrams(text):
    some, others, third = counts_of(text, text + text[:1], "ok")
    assert np.minimum(some, others).sum() > 0.7 * some.sum()
    assert np.minimum(some, third).sum() < 0.2 * some.sum()


def test_a_long_text_is_read_to_max_length():
    word = "abcdefghi "
    assert_alike(100 * word, 10_000 * word, 100 * word + "other")
    np.testing.assert_array_equal(*counts_of("äöü", "äöüß", max_length=3))


@pytest.mark.parametrize("step", [1, 64])
def test_hashes_are_spread_evenly(step):
    # Of as many places as words, 1/e stay empty if the places are random.
    words = [f"{step * number:x}" for number in range(3000)]
    layer = HashedNGrams(3000, ngrams=(9, 9), window=0)
    counts = layer(tf.constant([" ".join(words[i::30]) for i in range(30)]))
    counts = counts.numpy().sum(axis=0)
    assert counts.sum() == 3000
    assert np.mean(counts == 0) == pytest.approx(np.exp(-1), abs=0.03)


def test_it_is_a_step_of_an_input_pipeline():
    layer = HashedNGrams(16)
    texts = ["a b", "c", "d e f"]
    stream = tf.data.Dataset.from_tensor_slices(texts).batch(2).map(layer)
    found = np.concatenate(list(stream.as_numpy_iterator()))
    np.testing.assert_array_equal(found, layer(tf.constant(texts)))


def test_configuration_and_shape():
    layer = HashedNGrams(32, ngrams=(2, 4), window=1, max_length=50, name="some")
    assert_config_round_trip(layer)
    spec = layer.compute_output_spec(keras.KerasTensor((None,), "string"))
    assert (spec.shape, spec.dtype) == ((None, 32), "float32")


@pytest.mark.parametrize(
    "arguments",
    [
        {"features": 0},
        {"ngrams": (0, 2)},
        {"ngrams": (3, 2)},
        {"window": -1},
        {"max_length": 0},
    ],
    ids=str,
)
def test_arguments_out_of_range(arguments):
    (name,) = arguments
    with pytest.raises(ValueError, match=f"`{name}`.*Received: .*{name}="):
        HashedNGrams(**arguments)
