"""Small models of images and texts with random weights."""

import io

import keras
import pytest

WORDS = ["a", "b", "cat", "dog", "of", "photo", "very", "small"]
SIZES = {"num_layers": 1, "num_heads": 2, "hidden_dim": 8, "intermediate_dim": 16}
IMAGES = {"patch_size": 8, "image_shape": (16, 16, 3), **SIZES}
LENGTH = 12


def hub():
    return pytest.importorskip("keras_hub", reason="needs fsl-keras[text]")


def clip(projection_dim=4):
    """A CLIP model and its preprocessor, with words as tokens."""
    keras_hub = hub()
    keras.utils.set_random_seed(0)
    letters = sorted(set("".join(WORDS)))
    vocabulary = ["!", *letters, *(f"{letter}</w>" for letter in letters), "at</w>"]
    # The pooler looks for the largest id, the end.
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    model = keras_hub.models.CLIPBackbone(
        keras_hub.models.CLIPVisionEncoder(**IMAGES),
        keras_hub.models.CLIPTextEncoder(
            vocabulary_size=len(vocabulary),
            embedding_dim=8,
            max_sequence_length=LENGTH,
            **SIZES,
        ),
        projection_dim=projection_dim,
    )
    model.get_layer("clip_head").logit_scale.assign(2.5)
    tokenizer = keras_hub.models.CLIPTokenizer(
        {token: number for number, token in enumerate(vocabulary)}, ["a t</w>"]
    )
    converter = keras_hub.layers.CLIPImageConverter(
        image_size=(16, 16),
        scale=[0.01, 0.02, 0.03],
        offset=[-1.0, -2.0, -3.0],
        antialias=True,
    )
    return model, keras_hub.models.CLIPPreprocessor(
        tokenizer, converter, sequence_length=LENGTH
    )


def siglip():
    """A SigLIP model and its preprocessor."""
    keras_hub = hub()
    keras.utils.set_random_seed(1)
    model = keras_hub.models.SigLIPBackbone(
        keras_hub.models.SigLIPVisionEncoder(**IMAGES),
        keras_hub.models.SigLIPTextEncoder(
            vocabulary_size=32,
            embedding_dim=8,
            max_sequence_length=LENGTH,
            projection_dim=8,
            **SIZES,
        ),
    )
    model.get_layer("siglip_head").logit_scale.assign(1.5)
    model.get_layer("siglip_head").logit_bias.assign(-3.0)
    tokenizer = keras_hub.models.SigLIPTokenizer(
        sentences(pad_id=0, bos_id=-1, eos_id=1, unk_id=2)
    )
    converter = keras_hub.layers.SigLIPImageConverter(
        image_size=(16, 16), scale=1 / 127.5, offset=-1.0, crop_to_aspect_ratio=False
    )
    return model, keras_hub.models.SigLIPPreprocessor(
        tokenizer, converter, sequence_length=LENGTH
    )


def metaclip_2():
    """A MetaCLIP 2 model and its preprocessor."""
    keras_hub = hub()
    keras.utils.set_random_seed(2)
    model = keras_hub.models.MetaCLIP2Backbone(
        keras_hub.models.MetaCLIP2VisionEncoder(**IMAGES),
        keras_hub.models.MetaCLIP2TextEncoder(
            vocabulary_size=40, embedding_dim=8, max_sequence_length=LENGTH, **SIZES
        ),
        projection_dim=4,
    )
    tokenizer = keras_hub.models.MetaCLIP2Tokenizer(
        sentences(unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    )
    converter = keras_hub.layers.MetaCLIP2ImageConverter(
        image_size=(16, 16), scale=1 / 255
    )
    return model, keras_hub.models.MetaCLIP2CausalLMPreprocessor(
        tokenizer, converter, sequence_length=LENGTH
    )


MODELS = {"clip": clip, "siglip": siglip, "metaclip_2": metaclip_2}


def sentences(**ids):
    """A trained SentencePiece model, as bytes."""
    sentencepiece = pytest.importorskip("sentencepiece")
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["a photo of a very small cat", "b dog"] * 4),
        model_writer=model,
        vocab_size=len(WORDS) + 16,
        hard_vocab_limit=False,
        minloglevel=2,
        **ids,
    )
    return model.getvalue()
