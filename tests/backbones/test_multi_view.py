import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.backbones import Conv4, MultiView
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving

SMALL = {"rotation_factor": 5 / 360, "translation_factor": 1 / 16}


@pytest.fixture
def pictures():
    return np.random.default_rng(0).random((3, 16, 16, 1), "float32")


def test_an_embedding_is_the_mean_of_those_of_the_views(pictures):
    backbone = Conv4((16, 16, 1), filters=4)
    model = MultiView(backbone, **SMALL)
    views = model.views(pictures)
    wanted = np.asarray(backbone(views)).reshape(3, 9, 4).mean(axis=1)
    np.testing.assert_allclose(model(pictures), wanted, rtol=1e-5)


def test_views_that_do_not_move_are_the_backbone_itself(pictures):
    backbone = Conv4((16, 16, 1), filters=4)
    model = MultiView(backbone, 0.0, 0.0, 0.0, 0.0)
    np.testing.assert_allclose(model(pictures), backbone(pictures), rtol=1e-5)


def test_a_picture_is_embedded_alike_in_any_batch(pictures):
    model = MultiView(Conv4((16, 16, 1), filters=4))
    np.testing.assert_allclose(
        model(pictures)[1:2], model(pictures[1:2]), rtol=1e-4, atol=1e-6
    )


def test_it_embeds_feature_maps_too(pictures):
    model = MultiView(Conv4((16, 16, 1), 4, pooling=None, pooled_blocks=2), **SMALL)
    assert model(pictures).shape == (3, 4, 4, 4)


def test_saving(pictures, tmp_path):
    model = MultiView(Conv4((16, 16, 1), filters=4), flip=True, **SMALL)
    assert_config_round_trip(model)
    assert_same_predictions_after_saving(model, pictures, tmp_path / "model.keras")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model.tflite", "model.onnx"])
def test_a_classifier_on_it_is_exported(name, pictures, tmp_path):
    learner = fsl.models.PrototypicalNetwork(
        MultiView(Conv4((16, 16, 1), filters=4), **SMALL)
    )
    classifier = learner.adapt(pictures, ["heron", "egret", "ibis"])
    raw = (255 * pictures).astype("uint8")
    wanted = classifier.predict(raw, verbose=0)
    classifier.export(tmp_path / name, {"t": "litert", "o": "onnx"}[name[6]])
    if name.endswith("onnx"):
        onnxruntime = pytest.importorskip("onnxruntime")
        session = onnxruntime.InferenceSession(tmp_path / name)
        found = session.run(["probabilities"], {"images": raw})[0]
    else:
        interpreter = pytest.importorskip("ai_edge_litert.interpreter")
        interpreter = interpreter.Interpreter(str(tmp_path / name))
        run = interpreter.get_signature_runner()
        found = np.concatenate(
            [run(images=picture[None])["probabilities"] for picture in raw]
        )
    np.testing.assert_allclose(found, wanted, atol=1e-5)


def test_it_trains(pictures):
    backbone = Conv4((16, 16, 1), filters=4)
    before = backbone.get_weights()
    model = fsl.models.PrototypicalNetwork(MultiView(backbone, **SMALL))
    model.compile()
    x = fsl.episodes.make_episode(pictures, [0, 1, 2], pictures[::-1])
    model.fit(x, np.array([[2, 1, 0]]), verbose=0, shuffle=False)
    pairs = zip(before, backbone.get_weights(), strict=True)
    assert any((old != new).any() for old, new in pairs)
