import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.backbones import SentenceEncoder
from fsl_keras.backbones.sentence_encoder import SentencePooling
from fsl_keras.models import TransferLearner
from tests.backbones.encoders import (
    bert_tokenizer,
    ids_of,
    minilm_folder,
    tiny_bert,
    tiny_encoder,
)
from tests.checks import assert_same_predictions_after_saving, run_python

TEXTS = ["good", "very good", "", "so very bad", "good", "not so badly very good"]


EMBEDDINGS = ("token_emb", "position_emb", "segment_emb", "embeddings_")


@pytest.fixture(scope="module")
def encoder():
    return tiny_encoder(layers=2)


def token_vectors(network, *words):
    """What the bare network gives for the words of one text, `[L, D]`."""
    ids = np.array([ids_of(*words)])
    inputs = {
        "token_ids": ids,
        "padding_mask": np.ones_like(ids),
        "segment_ids": np.zeros_like(ids),
    }
    return np.asarray(network(inputs, training=False))[0]


class TestEmbeddings:
    def test_the_mean_of_the_tokens_scaled_to_length_one(self, encoder):
        mean = token_vectors(encoder.backbone, "very", "good").mean(axis=0)
        found = encoder(["very good", "not so badly very good"])
        np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), rtol=1e-4)

    def test_the_first_token(self):
        model = tiny_encoder(pooling="cls", normalize=False)
        first = token_vectors(model.backbone, "very", "good")[0]
        found = model(["very good", "not so badly very good"])
        np.testing.assert_allclose(found[0], first, rtol=1e-4, atol=1e-5)

    def test_a_prefix_is_put_before_each_text(self, encoder):
        model = tiny_encoder(layers=2, prefix="query: ")
        model.set_weights(encoder.get_weights())
        np.testing.assert_allclose(
            model(["good"]), encoder(["query: good"]), rtol=1e-5, atol=1e-6
        )

    def test_a_text_has_one_embedding_in_any_batch(self, encoder):
        alone = np.concatenate([encoder([text]) for text in TEXTS])
        np.testing.assert_allclose(encoder(TEXTS), alone, rtol=1e-4, atol=1e-5)
        many = encoder(TEXTS[::-1] * 30)  # several batches inside
        np.testing.assert_allclose(
            many, np.tile(alone[::-1], (30, 1)), rtol=1e-4, atol=1e-5
        )

    def test_equal_texts_have_equal_embeddings(self, encoder):
        found = np.asarray(encoder(TEXTS))
        np.testing.assert_array_equal(found[0], found[4])
        distances = np.linalg.norm(found[:, None] - found, axis=-1)
        assert (distances < 1e-4).sum() == 6 + 2

    def test_forms_of_texts(self, encoder):
        wanted = encoder.predict(TEXTS, verbose=0)
        for form in (
            np.array(TEXTS),
            np.array(TEXTS, dtype=object),
            tf.constant(TEXTS),
            tf.data.Dataset.from_tensor_slices(TEXTS).batch(6),
        ):
            np.testing.assert_array_equal(encoder.predict(form, verbose=0), wanted)
        assert encoder.predict_on_batch(tuple(TEXTS)).tolist() == wanted.tolist()

    def test_odd_texts_have_finite_embeddings(self, encoder):
        long = "good " * 20_000
        texts = ["", " ", "\0", long, b"\xff\xfe", "🙂", "\x07\n\t", "x" * 999]
        found = np.asarray(encoder(texts))
        np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-4)
        # Without words they are all the same; a long text is cut.
        for row in (1, 2, 4, 6):
            np.testing.assert_allclose(found[row], found[0], atol=1e-5)
        cut = encoder(["good " * 14])[0]
        np.testing.assert_allclose(found[3], cut, rtol=1e-4, atol=1e-5)

    def test_a_null_does_not_end_a_text(self, encoder):
        found = encoder(["very\0good", "very good"])
        np.testing.assert_array_equal(found[0], found[1])

    def test_no_texts(self, encoder):
        assert encoder(tf.constant([], "string")).shape == (0, 8)

    def test_dropout_in_training_alone(self, encoder):
        one, other = (np.asarray(encoder(TEXTS, training=True)) for _ in range(2))
        assert np.abs(one - other).max() > 1e-3
        np.testing.assert_array_equal(encoder(TEXTS), encoder(TEXTS))
        without = tiny_encoder(layers=2, dropout=0.0)
        without.set_weights(encoder.get_weights())
        np.testing.assert_allclose(
            without(TEXTS, training=True), encoder(TEXTS), rtol=1e-4, atol=1e-5
        )


class TestPooling:
    def test_padding_is_left_out(self):
        sequence = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
        mask = np.array([[1, 1, 0], [1, 0, 0]])
        pool = SentencePooling("mean", normalize=False)
        wanted = [sequence[0, :2].mean(axis=0), sequence[1, 0]]
        np.testing.assert_allclose(pool(sequence, mask), wanted, rtol=1e-5)

    def test_symbolic_shape(self):
        shapes = ((None, None, 4), (None, None))
        assert SentencePooling().compute_output_shape(*shapes) == (None, 4)


class TestSaving:
    def test_a_file_and_a_configuration(self, encoder, tmp_path):
        loaded = assert_same_predictions_after_saving(
            encoder, np.array(TEXTS, dtype=object), tmp_path / "encoder.keras"
        )
        assert type(loaded) is SentenceEncoder
        copy = SentenceEncoder.from_config(encoder.get_config())
        copy.set_weights(encoder.get_weights())
        np.testing.assert_array_equal(copy(TEXTS), encoder(TEXTS))
        first, second = (model.get_config() for model in (encoder, copy))
        assert {n: first[n] for n in first if n != "backbone"} == {
            n: second[n] for n in second if n != "backbone"
        }

    @pytest.mark.slow
    def test_a_classifier_in_a_fresh_process(self, encoder, tmp_path):
        classifier = TransferLearner(encoder, "ridge").adapt(
            ["good", "very good", "bad", "so bad"], ["+", "+", "-", "-"]
        )
        classifier.save(tmp_path / "classifier.keras")
        wanted = classifier.predict(TEXTS, verbose=0)
        code = """
import sys, keras, fsl_keras
print(keras.saving.load_model(sys.argv[1]).predict(sys.argv[2:], verbose=0).tolist())
"""
        printed = run_python(code, tmp_path / "classifier.keras", *TEXTS)
        np.testing.assert_allclose(eval(printed), wanted, rtol=1e-4)


class TestUnfreezing:
    def test_frozen_by_default(self, encoder):
        assert encoder.trainable_weights == []
        learner = TransferLearner(encoder)
        assert learner.backbone is encoder
        assert {w.path for w in learner.trainable_weights} == {
            w.path for w in learner.head.trainable_weights
        }

    @pytest.mark.parametrize(
        ("unfreeze", "frozen"),
        [
            ("all", ()),
            ("token_embedding", ()),
            ("transformer_layer_1", (*EMBEDDINGS, "transformer_layer_0")),
        ],
    )
    def test_weights_from_a_layer_on(self, encoder, unfreeze, frozen):
        learner = TransferLearner(encoder, unfreeze=unfreeze)
        assert type(learner.backbone) is SentenceEncoder
        assert learner.backbone is not encoder
        np.testing.assert_array_equal(learner.backbone(TEXTS), encoder(TEXTS))
        wanted = {
            w.path for w in encoder.weights if not w.path.startswith(frozen or "-")
        }
        assert {w.path for w in learner.backbone.trainable_weights} == wanted
        assert encoder.trainable_weights == []
        # A copy of the copy, whose configuration names the frozen layers.
        assert {w.path for w in learner.copy().backbone.trainable_weights} == wanted

    def test_training_on_episodes_changes_the_copy_alone(self, encoder, tmp_path):
        learner = TransferLearner(encoder, unfreeze="transformer_layer_1")
        texts = ["good", "so good", "very good", "bad", "so bad", "very bad"]
        data = fsl.ClassDataset.from_arrays(np.array(texts), [0, 0, 0, 1, 1, 1])
        before = encoder.get_weights()
        learner.compile(keras.optimizers.Adam(1e-2))
        learner.fit(data.episodes(2, 1, 2, count=2), verbose=0)
        changed = {
            w.path
            for w, old in zip(learner.backbone.weights, before, strict=True)
            if (w.numpy() != old).any()
        }
        assert changed == {w.path for w in learner.backbone.trainable_weights}
        for weight, same in zip(encoder.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, same)
        learner.save(tmp_path / "learner.keras")
        loaded = keras.saving.load_model(tmp_path / "learner.keras")
        np.testing.assert_array_equal(loaded.backbone(TEXTS), learner.backbone(TEXTS))
        assert {w.path for w in loaded.backbone.trainable_weights} == {
            w.path for w in learner.backbone.trainable_weights
        }

    def test_a_layer_that_is_not_there(self, encoder):
        with pytest.raises(ValueError, match=r"transformer_layer_0.*'layer_9'"):
            TransferLearner(encoder, unfreeze="layer_9")


class TestErrors:
    def test_arguments(self):
        with pytest.raises(ValueError, match=r"mean.*cls.*pooling='max'"):
            tiny_encoder(pooling="max")
        for length in (2, 33):
            with pytest.raises(ValueError, match=f"from 3 to 32.*max_length={length}"):
                tiny_encoder(max_length=length)
        with pytest.raises(ValueError, match="`tokenizer` is missing"):
            SentenceEncoder(tiny_bert())
        dense = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
        with pytest.raises(ValueError, match=r"`backbone` must be a `keras_hub"):
            SentenceEncoder(dense, tokenizer=bert_tokenizer())

    def test_a_folder_that_is_not_there_or_lacks_a_file(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"There is no folder nowhere\."):
            SentenceEncoder("nowhere/")
        with pytest.raises(FileNotFoundError, match=r"There is no folder .*nowhere"):
            SentenceEncoder(tmp_path / "nowhere")
        with pytest.raises(FileNotFoundError, match=r"lacks config\.json, model\.safe"):
            SentenceEncoder(tmp_path)
        (tmp_path / "config.json").write_text("{}")
        (tmp_path / "vocab.txt").write_text("")
        with pytest.raises(FileNotFoundError, match=r"it lacks model\.safetensors\.$"):
            SentenceEncoder(tmp_path)


def test_a_real_model():
    encoder = SentenceEncoder(minilm_folder())
    assert encoder.output_shape == (None, 384)
    texts = ["How do I reset my PIN?", "I forgot my pin code", "What a lovely day…"]
    found = np.asarray(encoder(texts))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert found[0] @ found[1] > 0.5 > 0.2 > found[0] @ found[2]
    # The mean of the tokens of the network alone.
    tokens = {name: x[:1] for name, x in encoder.tokens(tf.constant(texts)).items()}
    vectors = np.asarray(encoder.backbone(tokens))[0]
    mean = vectors[tokens["padding_mask"][0].numpy() == 1].mean(axis=0)
    np.testing.assert_allclose(found[0], mean / np.linalg.norm(mean), atol=1e-5)
