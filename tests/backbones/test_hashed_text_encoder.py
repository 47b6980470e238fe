import csv

import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.backbones import HashedTextEncoder
from fsl_keras.backbones.check import check_backbone
from tests.checks import (
    assert_config_round_trip,
    assert_same_predictions_after_saving,
    run_python,
)

TEXTS = ["Where is my card?", "where is my NEW card", "¿Dónde está?", "你好世界", " "]


@pytest.fixture(scope="module")
def encoder():
    return HashedTextEncoder(512)


def test_vectors_have_length_one_and_that_of_a_blank_text_is_zero(encoder):
    vectors = encoder(TEXTS).numpy()
    assert vectors.dtype == "float32"
    lengths = np.linalg.norm(vectors, axis=-1)
    np.testing.assert_allclose(lengths, [1, 1, 1, 1, 0], rtol=1e-6)


def test_similar_texts_have_similar_vectors(encoder):
    vectors = encoder(TEXTS).numpy()
    similar = vectors @ vectors.T
    assert similar[0, 1] > 0.6
    assert similar[0, 2:].max() < 0.4


def test_a_vector_is_roots_of_counts(encoder):
    counts = encoder.counting(tf.constant(TEXTS)).numpy()
    total = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    np.testing.assert_allclose(encoder(TEXTS), np.sqrt(counts / total), rtol=1e-5)


@pytest.mark.parametrize(
    "form", [list, tf.constant, "batches"], ids=["list", "tensor", "batches"]
)
def test_adapt_computes_the_rarity_of_ngrams_as_scikit_learn(form):
    text = pytest.importorskip("sklearn.feature_extraction.text")
    encoder = HashedTextEncoder(512)
    if form == "batches":
        data = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2)
        encoder.adapt(data)
    else:
        encoder.adapt(form(TEXTS), batch_size=3)
    counts = encoder.counting(tf.constant(TEXTS)).numpy()
    transform = text.TfidfTransformer(smooth_idf=True).fit(counts)
    np.testing.assert_allclose(encoder.weighting.idf, transform.idf_, rtol=1e-5)
    wanted = transform.transform(np.sqrt(counts)).toarray()
    np.testing.assert_allclose(encoder(TEXTS), wanted, rtol=1e-5)


def test_adapting_again_starts_anew():
    encoder, other = HashedTextEncoder(64), HashedTextEncoder(64)
    encoder.adapt(["some text"])
    encoder.adapt(TEXTS)
    other.adapt(TEXTS)
    np.testing.assert_array_equal(encoder.weighting.idf, other.weighting.idf)


def test_adapt_needs_texts(encoder):
    with pytest.raises(ValueError, match="at least one text"):
        encoder.adapt([])


def test_every_way_of_calling_gives_the_same(encoder):
    wanted = encoder(TEXTS).numpy()
    texts = np.array(TEXTS, object)
    np.testing.assert_array_equal(encoder.predict(texts, verbose=0), wanted)
    np.testing.assert_array_equal(encoder.predict_on_batch(texts), wanted)
    stream = tf.data.Dataset.from_tensor_slices(TEXTS).batch(2).map(encoder)
    found = np.concatenate(list(stream.as_numpy_iterator()))
    np.testing.assert_array_equal(found, wanted)


def test_it_is_a_backbone_without_trainable_weights(encoder):
    check_backbone(encoder)
    assert encoder.trainable_weights == []
    assert (encoder.input_shape, encoder.output_shape) == ((None,), (None, 512))


def test_saving(tmp_path):
    encoder = HashedTextEncoder(128, (2, 4), window=1, max_length=20, name="some")
    encoder.adapt(TEXTS)
    assert_config_round_trip(encoder)
    path = tmp_path / "encoder.keras"
    loaded = assert_same_predictions_after_saving(encoder, TEXTS, path)
    assert loaded.counting.get_config()["max_length"] == 20


def test_episodes_of_texts():
    # Words of a class of their own: every query has one of its class.
    words = np.array([["card", "card", "pin"], ["fee", "fee", "rate"]])
    support = np.array([["lost card", "card gone", "my fee", "fee is high"]], object)
    labels = np.repeat(np.eye(2, dtype="float32"), 2, axis=0)[None]
    query = np.array([[f"the {word}" for word in words[:, 0]]], object)
    x = {
        "support": tf.constant(support.tolist()),
        "support_labels": labels,
        "query": tf.constant(query.tolist()),
    }
    learner = fsl.models.PrototypicalNetwork(HashedTextEncoder())
    learner.compile()
    data = tf.data.Dataset.from_tensors((x, np.array([[0, 1]], "int32")))
    assert learner.evaluate(data, verbose=0, return_dict=True)["accuracy"] == 1


SERVE = """
import sys
import tensorflow as tf
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
(name,) = serve.structured_input_signature[1]
found = serve(**{name: tf.constant(sys.argv[2:])})
print([name.decode() for name in found["class_name"].numpy()])
assert "fsl_keras" not in sys.modules
"""


@pytest.mark.slow
def test_a_saved_model_classifies_raw_texts_with_tensorflow_alone(tmp_path):
    learner = fsl.models.TransferLearner(HashedTextEncoder(), "ridge")
    texts = ["I lost my card", "card gone", "what is the fee", "why this fee"]
    classifier = learner.adapt(texts, ["card", "card", "fee", "fee"])
    classifier.export(tmp_path / "intents")
    found = run_python(SERVE, tmp_path / "intents", "MY  CARD is lost", "Fee?!")
    assert found.strip() == "['card', 'fee']"


def test_intents_of_real_sentences(data_dir):
    path = data_dir / "text" / "banking77_train.csv"
    if not path.is_file():
        pytest.skip("needs text/banking77_train.csv in FSL_KERAS_DATA")
    with path.open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"]) for row in csv.DictReader(file)]
    classes = sorted({name for _, name in rows})[:10]
    support, query = [], []
    for place, name in enumerate(classes):
        texts = [text for text, of_text in rows if of_text == name]
        support += [(text, place) for text in texts[:10]]
        query += [(text, place) for text in texts[10:20]]
    learner = fsl.models.TransferLearner(HashedTextEncoder(), "ridge")
    texts, labels = zip(*support, strict=True)
    classifier = learner.adapt(list(texts), list(labels))
    texts, labels = zip(*query, strict=True)
    found = classifier.predict(np.array(texts, object), verbose=0).argmax(axis=-1)
    assert np.mean(found == labels) > 0.8
