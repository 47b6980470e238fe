import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.models import ReconstructionNetwork
from fsl_keras.models.reconstruction import one_shot_loss
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


@pytest.fixture
def make_network():
    def make(**kwargs):
        keras.utils.set_random_seed(0)
        backbone = fsl.backbones.Conv4(
            (16, 16, 1), filters=4, pooling=None, pooled_blocks=2
        )
        return ReconstructionNetwork(backbone, **kwargs)

    return make


@pytest.mark.slow
def test_training_tells_new_classes_apart_and_learns_the_regression(
    pictures, make_network
):
    model = make_network(bidirectional=True, all_pairs=True)
    model.compile(keras.optimizers.Adam(1e-2))
    seen, new = (pictures.subset(classes) for classes in (range(5), range(5, 8)))
    test = new.episodes(3, 1, 5, seed=1, count=40)
    before = model.evaluate(test, return_dict=True, verbose=0)
    train = seen.episodes(4, 1, 3, tasks=2)
    model.fit(train, steps_per_epoch=60, verbose=0)
    after = model.evaluate(test, return_dict=True, verbose=0)
    gained = after["accuracy"] - before["accuracy"]
    assert gained > after["accuracy_ci95"] + before["accuracy_ci95"]
    assert all(
        abs(w - s) > 1e-3
        for w, s in zip(
            map(float, model.head.weights), (0.0, np.log(10.0), 0.0, 0.0), strict=True
        )
    )


def test_each_example_is_in_its_turn_the_only_one_of_its_class():
    # Of examples a, a, b and padding: queries in rows, examples in columns.
    logits = np.array(
        [[[9.0, 2.0, 1.0, 7.0], [0.5, 9.0, 1.5, 7.0], [3.0, 4.0, 9.0, 7.0], [7.0] * 4]]
    )
    labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])
    loss = one_shot_loss(logits.astype("float32"), labels.astype("float32"))
    # b has no other example, so no task asks for it.
    expected = (np.log1p(np.exp(1.0 - 2.0)) + np.log1p(np.exp(1.5 - 0.5))) / 2
    np.testing.assert_allclose(loss, expected, rtol=1e-6)


def test_other_classes_are_as_likely_as_their_examples_are_in_the_mean():
    logits = np.array([[[0.0, 2.0, 1.0, 3.0]] + [[0.0] * 4] * 3], "float32")
    labels = np.eye(2, dtype="float32")[[[0, 0, 1, 1]]]
    likely = (np.exp(1.0) + np.exp(3.0)) / 2
    expected = [np.log(np.exp(2.0) + likely) - 2.0, *[np.log(2.0)] * 3]
    loss = one_shot_loss(logits, labels)
    np.testing.assert_allclose(loss, np.mean(expected), rtol=1e-6)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_logits_of_all_pairs_are_those_of_the_episode(
    pictures, make_network, bidirectional
):
    model = make_network(bidirectional=bidirectional, all_pairs=True)
    x, y = next(iter(pictures.episodes(3, 1, 2, tasks=2)))
    logits, _ = model.training_loss(x, y, None)
    np.testing.assert_allclose(logits, model(x, training=True), atol=1e-4)


def test_all_pairs_keep_what_layers_add_to_the_loss(pictures):
    def loss(**options):
        keras.utils.set_random_seed(0)
        item = keras.Input((16, 16, 1))
        maps = keras.layers.Conv2D(4, 3, strides=4, **options)(item)
        model = ReconstructionNetwork(keras.Model(item, maps), all_pairs=True)
        x, y = next(iter(pictures.episodes(3, 1, 2)))
        kernel = model.backbone.get_weights()[0]
        return float(model.training_loss(x, y, None)[1]), kernel

    decayed, kernel = loss(kernel_regularizer=keras.regularizers.L2(0.1))
    added = decayed - loss()[0]
    assert added == pytest.approx(0.1 * np.sum(kernel**2), rel=1e-4)


def test_saving(pictures, make_network, tmp_path):
    model = make_network(
        regularization=2.0,
        scale=3.0,
        learned=False,
        bidirectional=True,
        all_pairs=True,
    )
    assert_config_round_trip(model)
    x, _ = next(iter(pictures.episodes(3, 2, 4)))
    assert_same_predictions_after_saving(model, x, tmp_path / "network.keras")


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_classifier_that_learns_another_class(pictures, make_network, bidirectional):
    model = make_network(bidirectional=bidirectional)
    names = pictures.class_names[:3]
    items = [pictures.class_items(name)[:4] for name in names]
    classifier = model.adapt(np.concatenate(items[:2]), np.repeat(names[:2], 4))
    classifier.add_class(names[2], items[2][:1])
    classifier.update(names[2], items[2][1:])
    items = np.concatenate(items)
    expected = model.adapt(items, np.repeat(names, 4)).predict(items, verbose=0)
    np.testing.assert_allclose(
        classifier.predict(items, verbose=0), expected, atol=1e-5
    )


def test_a_classifier_of_pictures_turned_and_mirrored(pictures, make_network):
    model = make_network()
    turned = model.with_backbone(fsl.backbones.MultiOrientation(model.backbone))
    assert turned.embedding_shape == (8, 4, 4, 4)
    names = pictures.class_names[:3]
    items = np.concatenate([pictures.class_items(name)[:4] for name in names])
    classifier = turned.adapt(items, np.repeat(names, 4))
    found = classifier.predict(items, verbose=0).argmax(axis=1)
    np.testing.assert_array_equal(found, np.repeat(range(3), 4))


def test_a_backbone_of_vectors_is_refused():
    with pytest.raises(ValueError, match=r"feature maps \[h, w, D\].*pooling=None"):
        ReconstructionNetwork(fsl.backbones.Conv4((28, 28, 1)))
