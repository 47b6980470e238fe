"""Image encoders of keras-hub as backbones."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.backbones import from_keras_hub
from tests.backbones.image_text_models import clip
from tests.checks import run_python

hub = pytest.importorskip("keras_hub", reason="needs keras-hub")
SIDE = 32
IMAGES = np.random.default_rng(0).integers(0, 256, (3, SIDE, SIDE, 3), dtype="uint8")
SCALES = {"scale": [0.02, 0.01, 0.015], "offset": [-1.0, 0.0, -0.5]}
SMALL = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16}
SHAPE = {"image_shape": (SIDE, SIDE, 3)}


def vit(**kwargs):
    sizes = {**SMALL, **SHAPE, "patch_size": 8, "mlp_dim": 32, **kwargs}
    return hub.models.ViTBackbone(**sizes)


def dinov2():
    sizes = {**SMALL, **SHAPE, "patch_size": 8, "intermediate_dim": 32}
    return hub.models.DINOV2Backbone(
        num_register_tokens=4, position_embedding_shape=(SIDE, SIDE, 3), **sizes
    )


def dinov3():
    sizes = {**SMALL, **SHAPE, "patch_size": 8, "intermediate_dim": 32}
    return hub.models.DINOV3Backbone(num_register_tokens=2, **sizes)


def deit():
    sizes = {**SMALL, **SHAPE, "patch_size": 8, "intermediate_dim": 32}
    return hub.models.DeiTBackbone(**sizes)


def clip_vision():
    sizes = {**SMALL, **SHAPE, "patch_size": 8, "intermediate_dim": 32}
    return hub.models.CLIPVisionEncoder(**sizes)


def siglip_vision():
    sizes = {**SMALL, **SHAPE, "patch_size": 8, "intermediate_dim": 32}
    return hub.models.SigLIPVisionEncoder(**sizes)


def resnet():
    return hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64, 16],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(None, None, 3),
    )


MODELS = [vit, dinov2, dinov3, deit, clip_vision, siglip_vision, resnet]


def unit(images=IMAGES):
    return images / np.float32(255)


def saved(backbone, folder):
    """A preset with an image converter."""
    backbone.save_to_preset(folder)
    converter = hub.layers.ImageConverter(
        image_size=(SIDE, SIDE), interpolation="bilinear", **SCALES
    )
    converter.save_to_preset(folder)
    return converter


def own(backbone, pixels):
    """What the model of keras-hub itself gives."""
    inputs = backbone.input
    given = dict.fromkeys(inputs, pixels) if isinstance(inputs, dict) else pixels
    return np.asarray(backbone(given))


@pytest.mark.parametrize("make", MODELS, ids=lambda make: make.__name__)
def test_features_are_those_of_keras_hub(make, tmp_path):
    keras.utils.set_random_seed(0)
    model = make()
    converter = saved(model, tmp_path / "preset")
    outputs = own(model, converter(IMAGES))
    if outputs.ndim == 4:
        expected = outputs.mean(axis=(1, 2))
    elif outputs.ndim == 3:
        expected = outputs[:, 0]
    else:
        expected = outputs
    # keras-hub finds no converter for a vision encoder alone.
    is_alone = make in (clip_vision, siglip_vision)
    backbone = from_keras_hub(tmp_path / "preset", **SCALES if is_alone else {})
    if make is resnet:
        assert backbone.input_shape == (None, 224, 224, 3)
        backbone = from_keras_hub(model, image_size=(SIDE, SIDE), **SCALES)
    np.testing.assert_allclose(backbone(unit()), expected, rtol=1e-4, atol=1e-5)
    assert np.ptp(expected, axis=0).max() > 1e-3  # the images differ
    assert backbone.trainable_weights == []


def test_the_mean_and_the_map_of_patches_leave_out_other_tokens():
    model = dinov2()
    tokens = own(model, np.float32(IMAGES) / 255)
    assert tokens.shape == (3, 1 + 4 + 16, 16)
    mean = from_keras_hub(model, "avg")(unit())
    np.testing.assert_allclose(mean, tokens[:, 5:].mean(axis=1), atol=1e-5)
    patches = from_keras_hub(model, None)(unit())
    assert patches.shape == (3, 4, 4, 16)
    np.testing.assert_allclose(patches[:, 1, 2], tokens[:, 5 + 6], atol=1e-5)


def test_without_a_class_token_patches_are_averaged():
    model = vit(use_class_token=False)
    tokens = own(model, np.float32(IMAGES) / 255)
    found = from_keras_hub(model)(unit())
    np.testing.assert_allclose(found, tokens.mean(axis=1), atol=1e-5)
    with pytest.raises(ValueError, match=r'ViTBackbone has no class token.*"avg"'):
        from_keras_hub(model, "cls")
    with pytest.raises(ValueError, match="ResNetBackbone has no class token"):
        from_keras_hub(resnet(), "cls", image_size=(SIDE, SIDE))


def test_the_image_encoder_of_images_and_texts():
    model, preprocessor = clip()
    small = IMAGES[:, :16, :16]
    converter = preprocessor.image_converter
    backbone = from_keras_hub(model, scale=converter.scale, offset=converter.offset)
    expected = fsl.backbones.ImageTextEncoder(model, preprocessor).image_encoder
    np.testing.assert_allclose(
        backbone(unit(small)), expected(unit(small)), rtol=1e-5, atol=1e-6
    )
    with pytest.raises(ValueError, match="has a pooling of its own"):
        from_keras_hub(model, "avg")


def test_models_that_take_several_sizes(tmp_path):
    saved(dinov2(), tmp_path / "preset")
    backbone = from_keras_hub(tmp_path / "preset", None, image_size=(48, 48))
    assert backbone.output_shape == (None, 6, 6, 16)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [vit, dinov2, resnet],
)
def test_a_classifier_is_saved_exported_and_loaded(make, tmp_path):
    backbone = from_keras_hub(make(), image_size=(SIDE, SIDE), **SCALES)
    learner = fsl.models.TransferLearner(backbone, "cosine")
    classifier = learner.adapt(IMAGES, ["a", "b", "c"])
    assert [p.class_name for p in classifier.predict_classes(IMAGES)] == ["a", "b", "c"]
    expected = classifier.predict(IMAGES, verbose=0)
    np.save(tmp_path / "images.npy", IMAGES)
    np.save(tmp_path / "expected.npy", expected)
    classifier.save(tmp_path / "classifier.keras")
    classifier.export(tmp_path / "exported")
    run_python(f"""
import keras, numpy as np
import fsl_keras
images = np.load({str(tmp_path / "images.npy")!r})
expected = np.load({str(tmp_path / "expected.npy")!r})
loaded = keras.saving.load_model({str(tmp_path / "classifier.keras")!r})
np.testing.assert_allclose(loaded.predict(images, verbose=0), expected, atol=1e-5)
import tensorflow as tf
exported = tf.saved_model.load({str(tmp_path / "exported")!r})
found = exported.serve(tf.constant(images))
values = found["probabilities"] if isinstance(found, dict) else found
np.testing.assert_allclose(values, expected, atol=1e-4)
""")


@pytest.mark.parametrize(
    ("make", "name", "trained"),
    [(vit, "transformer_block_2", 18), (dinov2, "layers_1", 20), (vit, "all", 38)],
)
def test_the_last_blocks_are_trained(make, name, trained):
    backbone = from_keras_hub(make(), **SCALES)
    learner = fsl.models.TransferLearner(backbone, "cosine", unfreeze=name)
    paths = [weight.path for weight in learner.backbone.trainable_weights]
    assert len(paths) == trained
    if name != "all":
        assert not any("block_1/" in path or "layers_0" in path for path in paths)
    data = fsl.ClassDataset.from_arrays(np.concatenate([IMAGES] * 4), [0, 1, 2] * 4)
    learner.compile()
    before = [w.numpy() for w in learner.backbone.trainable_weights]
    learner.fit(data.episodes(3, 1, 1), steps_per_epoch=1, verbose=0)
    after = [w.numpy() for w in learner.backbone.trainable_weights]
    assert any((a != b).any() for a, b in zip(before, after, strict=True))


def test_bad_input(tmp_path):
    dinov2().save_to_preset(tmp_path / "dinov2")
    with pytest.raises(ValueError, match=r"multiples of the patches.*8 x 8"):
        from_keras_hub(tmp_path / "dinov2", image_size=(36, 36), **SCALES)
    with pytest.raises(ValueError, match=r"takes images of \(32, 32\) pixels"):
        from_keras_hub(vit(), image_size=(64, 64))
    with pytest.raises(ValueError, match="`pooling` must be one of"):
        from_keras_hub(vit(), "max")
    with pytest.raises(ValueError, match="are arguments of presets"):
        from_keras_hub(vit(), dtype="float16")
    with pytest.raises(FileNotFoundError, match="There is no folder"):
        from_keras_hub(tmp_path / "nothing")
    bert = hub.models.BertBackbone(
        vocabulary_size=10, num_layers=1, num_heads=2, hidden_dim=4, intermediate_dim=8
    )
    with pytest.raises(ValueError, match=r"BertBackbone takes no images.*Sentence"):
        from_keras_hub(bert)
    bert.save_to_preset(tmp_path / "bert")
    with pytest.raises(ValueError, match="BertBackbone takes no images"):
        from_keras_hub(tmp_path / "bert")
    vit().save_to_preset(tmp_path / "vit")
    with pytest.raises(ValueError, match=r"no image converter.*`scale` and `offset`"):
        from_keras_hub(tmp_path / "vit")
