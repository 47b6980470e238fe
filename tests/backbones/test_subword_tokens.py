import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.backbones.subword_tokens import SubwordTokens
from tests.backbones.encoders import WORDS, bert_tokenizer, ids_of, minilm_folder

NAMES = ["padding_mask", "segment_ids", "token_ids"]


@pytest.fixture(scope="module")
def tokens():
    tokenizer = bert_tokenizer(lowercase=True, strip_accents=True)
    return SubwordTokens(tokenizer, NAMES, max_length=6)


def words_of(layer, text):
    """The words of a text between the first and the last token."""
    ids = layer(tf.constant([text]))["token_ids"][0].numpy().tolist()
    return [WORDS[id] for id in ids[1:-1]]


def test_by_hand(tokens):
    found = tokens(tf.constant(["Very good", "badly", ""]))
    assert {name: str(x.dtype.name) for name, x in found.items()} == dict.fromkeys(
        NAMES, "int32"
    )
    np.testing.assert_array_equal(
        found["token_ids"],
        [ids_of("very", "good"), ids_of("bad", "##ly"), ids_of(length=4)],
    )
    np.testing.assert_array_equal(
        found["padding_mask"], [[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 0, 0]]
    )
    np.testing.assert_array_equal(found["segment_ids"], np.zeros((3, 4)))


def test_long_texts_are_cut_and_still_end(tokens):
    found = tokens(tf.constant(["so so so good good good good"]))
    assert found["token_ids"].numpy().tolist() == [ids_of("so", "so", "so", "good")]


def test_a_prefix_comes_first():
    layer = SubwordTokens(bert_tokenizer(), ["token_ids"], prefix="query: ")
    assert words_of(layer, "good") == ["query", ":", "good"]
    assert words_of(layer, "") == ["query", ":"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("so\u00a0good\u2003so\u3000bad\u2028", ["so", "good", "so", "bad"]),
        ("a\tb\r\nb", ["a", "b", "b"]),
        ("go\u200bod \ufeffb\u00adad", ["good", "bad"]),
        ("a\0b\x07", ["a", "b"]),
        (b"so\xff\xfegood \xf0\x9f", ["so", "good"]),
        ("Caf\u00e9 cafe\u0301 CAF\u00c9", ["cafe"] * 3),
        ("STRAßE … ς", ["straße", "…", "ς"]),
        ("你好", ["你", "好"]),
        ("🙂🙂", ["[UNK]"]),
        ("[CLS]", ["[UNK]", "[UNK]", "[UNK]"]),
    ],
    ids=str,
)
def test_words(tokens, text, words):
    assert words_of(tokens, text) == words


def test_case_and_accents_of_a_tokenizer_that_keeps_them():
    layer = SubwordTokens(bert_tokenizer(lowercase=False), NAMES)
    assert words_of(layer, "good Good cafe café") == ["good", "[UNK]", "cafe", "[UNK]"]


def test_nothing_comes_of_no_texts(tokens):
    found = tokens(tf.constant([], "string"))
    assert {tuple(x.shape) for x in found.values()} == {(0, 0)}


@pytest.mark.slow
def test_a_tokenizer_of_byte_pairs():
    keras_hub = pytest.importorskip("keras_hub", reason="needs fsl-keras[text]")
    vocabulary = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "a", "Ġ", "b", "Ġb"]
    tokenizer = keras_hub.models.RobertaTokenizer(
        vocabulary={word: place for place, word in enumerate(vocabulary)},
        merges=["Ġ b"],
    )
    layer = SubwordTokens(tokenizer, ["padding_mask", "token_ids"])
    found = layer(tf.constant(["a b", "b"]))
    np.testing.assert_array_equal(found["token_ids"], [[0, 5, 8, 2], [0, 7, 2, 1]])
    np.testing.assert_array_equal(found["padding_mask"], [[1, 1, 1, 1], [1, 1, 1, 0]])
    copy = SubwordTokens.from_config(layer.get_config())
    np.testing.assert_array_equal(
        copy(tf.constant(["a b"]))["token_ids"], [[0, 5, 8, 2]]
    )


def test_configuration(tokens):
    config = keras.saving.serialize_keras_object(tokens)
    copy = keras.saving.deserialize_keras_object(config)
    assert keras.saving.serialize_keras_object(copy)["config"] == config["config"]
    assert words_of(copy, "Very BADLY") == ["very", "bad", "##ly"]


def test_symbolic_shape(tokens):
    spec = tokens(keras.Input((), dtype="string"))
    assert {name: x.shape for name, x in spec.items()} == dict.fromkeys(
        NAMES, (None, None)
    )


def test_tokens_of_a_real_model_are_those_of_its_own_tokenizer():
    tokenizers = pytest.importorskip("tokenizers", reason="needs tokenizers")
    folder = minilm_folder()
    reference = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
    reference.no_padding()
    reference.no_truncation()
    texts = [
        "Hello, world! Don't stop... (really?) #1 @me $5.00 50% a_b-c/d",
        "café naïve Ünïcödé Straße cafe\u0301 e\u0301\u0302x İstanbul ıI",
        "你好世界 hello 東京タワー 한국어 텍스트 ไทย ภาษา हिन्दी नमस्ते مرحبا ΑΒΓ Ωmega ς",
        "🙂 emoji 👩‍👩‍👧‍👦 ok🙂 it’s “quoted” — dash… «x» № ™ © ﬁne ① ½ ２３４ 𝒳",
        "\u00a0a\u2003b\u200bc\ufeffd\u2028e\u00adf\u3000g \u200frtl \U000e0001tag",
        "",
        " \n",
        "antidisestablishmentarianism " * 9 + "a" * 300,
    ]
    hub = pytest.importorskip("keras_hub", reason="needs fsl-keras[text]")
    tokenizer = hub.models.Tokenizer.from_preset(str(folder))
    tokenizer.strip_accents = True
    found = SubwordTokens(tokenizer, NAMES)(tf.constant(texts))
    for text, ids, mask in zip(
        texts, found["token_ids"].numpy(), found["padding_mask"].numpy(), strict=True
    ):
        assert ids[mask == 1].tolist() == reference.encode(text).ids
