import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.backbones import ImageTextEncoder
from fsl_keras.backbones.image_text_encoder import ImageTower
from tests.backbones.encoders import bert_tokenizer, tiny_bert
from tests.backbones.image_text_models import LENGTH, MODELS, clip
from tests.checks import run_python

# keras-hub does not close the file of a vocabulary that it reads.
pytestmark = pytest.mark.filterwarnings(
    "ignore:unclosed file .*vocabulary.spm:ResourceWarning"
)

TEXTS = ["a small cat", "A Photo of a DOG", "cat", "", "dog " * 40]


def images(count=3):
    """Images of 16 x 16 pixels, which need no resizing."""
    rng = np.random.default_rng(0)
    return rng.integers(0, 256, (count, 16, 16, 3), dtype="uint8")


@pytest.fixture(scope="module", params=MODELS)
def model(request):
    """A model of keras-hub, its preprocessor and its encoders."""
    backbone, preprocessor = MODELS[request.param]()
    return backbone, preprocessor, ImageTextEncoder(backbone, preprocessor)


@pytest.fixture(scope="module")
def encoder():
    return ImageTextEncoder(*clip())


def logits_of_keras_hub(backbone, preprocessor, pictures, texts):
    """The logits `[images, texts]` of keras-hub's own model."""

    @tf.function  # as it computes tokens in a stream of data
    def prepare():
        return preprocessor(
            {"prompts": tf.constant(texts), "images": tf.constant(pictures)}
        )

    found = prepare()
    return np.asarray(
        backbone({name: found[name] for name in ("images", "token_ids")})[
            "vision_logits"
        ]
    )


class TestSpace:
    def test_scaled_cosines_are_the_logits_of_keras_hub(self, model):
        backbone, preprocessor, encoder = model
        ours = np.asarray(encoder.image_encoder(images() / np.float32(255)))
        theirs = np.asarray(encoder.text_encoder(TEXTS))
        bias = 0.0
        for layer in backbone.layers:
            bias += float(getattr(layer, "logit_bias", 0.0))
        found = encoder.logit_scale * ours @ theirs.T + bias
        wanted = logits_of_keras_hub(backbone, preprocessor, images(), TEXTS)
        np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)
        # The texts differ, so the comparison says something.
        assert np.ptp(wanted[:, :3], axis=1).min() > 1e-3

    def test_embeddings_have_length_one(self, model):
        _, _, encoder = model
        for found in (
            encoder.image_encoder(images() / np.float32(255)),
            encoder.text_encoder(TEXTS),
        ):
            np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)

    def test_a_text_has_one_embedding_in_any_batch(self, model):
        _, _, encoder = model
        many = encoder.text_encoder(TEXTS * 30)
        alone = np.concatenate([encoder.text_encoder([text]) for text in TEXTS])
        np.testing.assert_allclose(many, np.tile(alone, (30, 1)), atol=1e-5)

    def test_tokens_are_padded_to_one_length(self, model):
        _, _, encoder = model
        tokens = encoder.text_encoder.get_layer("tokens")(tf.constant(TEXTS))
        assert tokens.shape == (len(TEXTS), LENGTH)
        assert tokens.dtype == "int32"

    def test_the_scale_is_that_of_the_head(self, encoder):
        assert encoder.logit_scale == pytest.approx(np.exp(2.5))

    def test_pixels_are_scaled_as_by_the_converter(self):
        pixels = keras.Input((1, 1, 3))
        flat = keras.Model(pixels, keras.layers.Flatten()(pixels))
        tower = ImageTower(flat, scale=[0.01, 0.02, 0.04], offset=[0.0, 1.0, -1.2])
        found = tower(np.full((1, 1, 1, 3), 100 / 255, "float32"))
        # 100 becomes 1, 2 + 1 and 4 - 1.2.
        wanted = np.array([1.0, 3.0, 2.8])
        np.testing.assert_allclose(found[0], wanted / np.linalg.norm(wanted), rtol=1e-5)

    def test_without_a_converter_pixels_stay_in_the_unit_range(self):
        backbone, preprocessor = clip()
        preprocessor.image_converter = None
        tower = ImageTextEncoder(backbone, preprocessor).image_encoder
        vectors = np.asarray(backbone.get_vision_embeddings(images() / np.float32(255)))
        np.testing.assert_allclose(
            tower(images() / np.float32(255)),
            vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
            rtol=1e-4,
            atol=1e-5,
        )

    def test_how_images_are_resized(self, model):
        backbone, _, encoder = model
        stretches = type(backbone).__name__ == "SigLIPBackbone"
        assert encoder.resize == ("stretch" if stretches else "crop")


class TestLoading:
    def test_from_a_folder_of_keras_hub(self, model, tmp_path):
        backbone, preprocessor, encoder = model
        backbone.save_to_preset(tmp_path)
        preprocessor.save_to_preset(tmp_path)
        loaded = ImageTextEncoder.from_preset(tmp_path)
        assert loaded.logit_scale == encoder.logit_scale
        assert loaded.resize == encoder.resize
        np.testing.assert_allclose(
            loaded.text_encoder(TEXTS), encoder.text_encoder(TEXTS), atol=1e-6
        )
        np.testing.assert_allclose(
            loaded.image_encoder(images() / np.float32(255)),
            encoder.image_encoder(images() / np.float32(255)),
            atol=1e-6,
        )

    def test_a_missing_folder_is_named(self):
        with pytest.raises(FileNotFoundError, match="There is no folder nowhere"):
            ImageTextEncoder.from_preset("nowhere/")

    def test_a_model_of_texts_is_refused(self, tmp_path):
        tiny_bert().save_to_preset(tmp_path)
        bert_tokenizer().save_to_preset(tmp_path)
        with pytest.raises(ValueError, match=r"BertBackbone, .* `SentenceEncoder`"):
            ImageTextEncoder.from_preset(tmp_path)

    def test_invalid_parts(self):
        backbone, preprocessor = clip()
        with pytest.raises(ValueError, match="must be a model of keras-hub that"):
            ImageTextEncoder(tiny_bert(), preprocessor)
        with pytest.raises(ValueError, match=r"`preprocessor` must be .*tokenizer"):
            ImageTextEncoder(backbone, None)


class TestSaving:
    def test_both_encoders(self, model, tmp_path):
        _, _, encoder = model
        pictures = images() / np.float32(255)
        for tower, items in (
            (encoder.image_encoder, pictures),
            (encoder.text_encoder, TEXTS),
        ):
            tower.save(tmp_path / "tower.keras")
            loaded = keras.saving.load_model(tmp_path / "tower.keras")
            np.testing.assert_array_equal(loaded(items), tower(items))

    @pytest.mark.slow
    def test_both_encoders_in_a_new_process(self, encoder, tmp_path):
        encoder.image_encoder.save(tmp_path / "images.keras")
        encoder.text_encoder.save(tmp_path / "texts.keras")
        np.savez(
            tmp_path / "wanted.npz",
            pictures=images() / np.float32(255),
            images=encoder.image_encoder(images() / np.float32(255)),
            texts=encoder.text_encoder(TEXTS),
        )
        run_python(
            "import sys, keras, numpy as np, fsl_keras\n"
            "folder, *texts = sys.argv[1:]\n"
            "wanted = np.load(folder + '/wanted.npz')\n"
            "load = keras.saving.load_model\n"
            "found = load(folder + '/images.keras')(wanted['pictures'])\n"
            "np.testing.assert_allclose(found, wanted['images'], atol=1e-5)\n"
            "found = load(folder + '/texts.keras')(texts)\n"
            "np.testing.assert_allclose(found, wanted['texts'], atol=1e-5)\n",
            tmp_path,
            *TEXTS,
        )


class TestZeroShot:
    """Classes of images by descriptions alone, and by both."""

    DESCRIPTIONS = {"cat": "a photo of a cat", "dog": "a dog"}

    def learner(self, encoder):
        return fsl.models.TransferLearner(
            encoder.image_encoder,
            fsl.heads.PrototypeHead("cosine", scale=encoder.logit_scale),
        )

    def test_probabilities_are_those_of_the_model(self):
        backbone, preprocessor = clip()
        encoder = ImageTextEncoder(backbone, preprocessor)
        classifier = self.learner(encoder).adapt(
            descriptions=self.DESCRIPTIONS, text_encoder=encoder.text_encoder
        )
        logits = logits_of_keras_hub(
            backbone, preprocessor, images(), list(self.DESCRIPTIONS.values())
        )
        wanted = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert classifier.class_names == ["cat", "dog"]
        np.testing.assert_allclose(
            classifier.predict(images(), verbose=0), wanted, rtol=1e-3, atol=1e-5
        )

    def test_a_classifier_is_saved_and_adds_a_class_by_description(
        self, encoder, tmp_path
    ):
        classifier = self.learner(encoder).adapt(
            descriptions=self.DESCRIPTIONS, text_encoder=encoder.text_encoder
        )
        classifier.save(tmp_path / "animals.keras")
        loaded = keras.saving.load_model(tmp_path / "animals.keras")
        np.testing.assert_array_equal(
            loaded.predict(images(), verbose=0), classifier.predict(images(), verbose=0)
        )
        loaded.add_class(
            "b", description="a very small b", text_encoder=encoder.text_encoder
        )
        assert loaded.class_names == ["cat", "dog", "b"]
        assert loaded.descriptions["b"] == "a very small b"
        whole = self.learner(encoder).adapt(
            descriptions={**self.DESCRIPTIONS, "b": "a very small b"},
            class_names=["cat", "dog", "b"],
            text_encoder=encoder.text_encoder,
        )
        np.testing.assert_allclose(
            loaded.predict(images(), verbose=0),
            whole.predict(images(), verbose=0),
            rtol=1e-5,
        )

    def test_an_image_and_a_description_are_averaged_by_weight(self, encoder):
        pictures = images(2)
        classifier = self.learner(encoder).adapt(
            pictures,
            ["cat", "dog"],
            descriptions=self.DESCRIPTIONS,
            description_weight=3.0,
            text_encoder=encoder.text_encoder,
        )
        seen = np.asarray(encoder.image_encoder(pictures / np.float32(255)))
        told = np.asarray(encoder.text_encoder(list(self.DESCRIPTIONS.values())))
        np.testing.assert_allclose(
            classifier.task.state["prototypes"][0],
            (seen + 3 * told) / 4,
            rtol=1e-4,
            atol=1e-5,
        )
