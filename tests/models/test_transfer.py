"""A frozen network of Keras under a head; tiny, with random weights."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.backbones import pretrained
from fsl_keras.heads import SimpleShotHead, WhitenedHead
from fsl_keras.models import TransferLearner
from fsl_keras.models.transfer import HEADS
from tests.checks import (
    assert_config_round_trip,
    assert_same_predictions_after_saving,
    rows,
)

ITEM = (32, 32, 3)


def backbone():
    keras.utils.set_random_seed(0)
    return pretrained("mobilenet_v2", weights=None, input_shape=ITEM, alpha=0.35)


@pytest.fixture(scope="module")
def learner():
    return TransferLearner(backbone())


@pytest.fixture(scope="module")
def photos():
    """Five classes of eight pictures: a pattern in color each, with noise."""
    rng = np.random.default_rng(0)
    patterns = rng.integers(0, 200, (5, 4, 4, 3)).repeat(8, 1).repeat(8, 2)
    labels = np.repeat(np.arange(5), 8)
    noise = rng.integers(0, 56, (40, *ITEM))
    return fsl.ClassDataset.from_arrays(
        (patterns[labels] + noise).astype("uint8"), labels
    )


def one(stream):
    return next(iter(stream))


@pytest.fixture(scope="module")
def seeing():
    """Random weights of MobileNet see no difference between pictures; these do."""
    keras.utils.set_random_seed(0)
    return fsl.backbones.Conv4(ITEM, filters=8)


@pytest.mark.parametrize("head", rows(HEADS, ["cosine", "ridge"]))
def test_every_head_adapts_grows_and_saves(photos, seeing, head, tmp_path):
    model = TransferLearner(seeing, head)
    images = np.concatenate([photos.class_items(n)[:4] for n in photos.class_names[:3]])
    labels = ["ibis"] * 4 + ["heron"] * 4 + ["egret"] * 4
    classifier = model.adapt(images, labels)
    names = [p.class_name for p in classifier.predict_classes(images)]
    assert names == labels
    classifier.add_class("tern", photos.class_items(photos.class_names[3])[:4])
    path = tmp_path / "classifier.keras"
    assert_same_predictions_after_saving(classifier, images, path)


@pytest.mark.slow
def test_batch_normalization_keeps_its_statistics_in_training(learner, photos):
    x, _ = one(photos.episodes(3, 1, 2))
    before = learner.backbone.get_weights()
    np.testing.assert_allclose(learner(x, training=True), learner(x), atol=1e-5)
    for weight, same in zip(learner.backbone.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)


@pytest.mark.slow
def test_training_trains_the_head_alone(photos):
    model = TransferLearner(backbone())
    assert [w.name for w in model.trainable_weights] == ["scale"]
    before = model.backbone.get_weights()
    model.compile()
    model.fit(photos.episodes(3, 1, 2), steps_per_epoch=2, verbose=0)
    for weight, same in zip(model.backbone.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)


@pytest.fixture(scope="module")
def model():
    """Its last blocks are unfrozen."""
    keras.utils.set_random_seed(0)
    conv4 = fsl.backbones.Conv4(ITEM, filters=8)
    model = TransferLearner(conv4, unfreeze="conv4", backbone_learning_rate=1e-4)
    model.compile()
    return model


class TestUnfrozenBlocks:
    def test_are_the_last_ones_without_their_statistics(self):
        model = TransferLearner(backbone(), unfreeze="block_16")
        names = [w.path.split("/")[-2:] for w in model.backbone.trainable_weights]
        assert names == [
            ["block_16_expand", "kernel"],
            ["block_16_depthwise", "kernel"],
            ["block_16_project", "kernel"],
            ["Conv_1", "kernel"],
        ]

    def test_have_a_learning_rate_of_their_own(self, model, photos):
        before = [weight.numpy() for weight in model.trainable_weights]
        names = [weight.path for weight in model.trainable_weights]
        model.fit(photos.episodes(3, 1, 2), steps_per_epoch=1, verbose=0)
        # Adam's first step is as long as its rate, in every weight.
        for weight, start, name in zip(
            model.trainable_weights, before, names, strict=True
        ):
            moved = np.abs(weight.numpy() - start).max()
            rate = 1e-3 if name.endswith("scale") else 1e-4
            assert moved == pytest.approx(rate, rel=0.05)

    def test_are_unfrozen_after_loading_and_train_on(self, model, photos, tmp_path):
        model.fit(photos.episodes(3, 1, 2), steps_per_epoch=1, verbose=0)
        assert_config_round_trip(model)
        x, y = one(photos.episodes(3, 1, 2))
        episode = {name: value.numpy() for name, value in x.items()}
        path = tmp_path / "learner.keras"
        loaded = assert_same_predictions_after_saving(model, episode, path)
        assert len(loaded.trainable_weights) == len(model.trainable_weights)
        states = [[v.numpy() for v in m.optimizer.variables] for m in (loaded, model)]
        for one_state, same in zip(*states, strict=True):
            np.testing.assert_array_equal(one_state, same)
        assert np.isfinite(loaded.train_on_batch(x, y)).all()

    def test_a_layer_that_is_not_there(self, learner):
        with pytest.raises(ValueError, match=r"'Conv1'.*unfreeze='conv5'"):
            TransferLearner(learner.backbone, unfreeze="conv5")


def test_classifiers_share_the_frozen_backbone(photos):
    learner = TransferLearner(fsl.backbones.Conv4(ITEM, filters=2))
    images = photos.class_items(photos.class_names[0])
    classifier = learner.adapt(images, [0] * len(images))
    assert classifier.learner.backbone is learner.backbone
    assert classifier.learner.head is not learner.head


def test_unfreezing_trains_a_copy(photos):
    given = fsl.backbones.Conv4(ITEM, filters=2)
    before = given.get_weights()
    frozen = TransferLearner(given)
    learner = TransferLearner(given, unfreeze=given.layers[-2].name)
    learner.compile()
    learner.fit(photos.episodes(3, 2, 2), steps_per_epoch=2, verbose=0)
    for was, now in zip(before, given.get_weights(), strict=True):
        np.testing.assert_array_equal(was, now)
    assert [weight.name for weight in frozen.trainable_weights] == ["scale"]


def test_a_frozen_backbone_runs_in_inference_mode_in_training(photos):
    learner = TransferLearner(fsl.backbones.Conv4(ITEM, filters=2))
    x, _ = one(photos.episodes(3, 1, 2))
    before = learner.backbone.get_weights()
    np.testing.assert_array_equal(learner(x, training=True), learner(x))
    for weight, same in zip(learner.backbone.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)
    total = len(learner.trainable_weights) + len(learner.non_trainable_weights)
    assert total == len(learner.weights)


@pytest.mark.parametrize("head", ["simple_shot", "whitened"])
def test_statistics_of_base_classes(photos, head):
    head = {"simple_shot": SimpleShotHead, "whitened": WhitenedHead}[head]()
    learner = TransferLearner(fsl.backbones.Conv4(ITEM, filters=2), head)
    base = photos.subset(photos.class_names[:3])
    learner.fit_base(base, cache=False)
    vectors = fsl.features.embed(base, learner.backbone, cache=False)
    vectors = np.concatenate([vectors.class_items(n) for n in vectors.class_names])
    if isinstance(head, WhitenedHead):
        vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    # Three classes of eight: the mean of all is the mean of their means.
    np.testing.assert_allclose(
        learner.head.center, vectors.mean(axis=0), rtol=1e-4, atol=1e-6
    )
    classifier = learner.adapt(photos.class_items(photos.class_names[4]), [0] * 8)
    np.testing.assert_array_equal(classifier.learner.head.center, learner.head.center)


def test_statistics_of_base_classes_from_batches(photos):
    base = photos.subset(photos.class_names[:3])
    learners = [
        TransferLearner(fsl.backbones.Conv4(ITEM, filters=2), WhitenedHead())
        for _ in range(2)
    ]
    learners[1].backbone.set_weights(learners[0].backbone.get_weights())
    learners[0].fit_base(base, cache=False)
    learners[1].fit_base(base.batches(8, count=3))
    found = [learner.head.get_weights() for learner in learners]
    for own, other in zip(*found, strict=True):
        np.testing.assert_allclose(own, other, atol=1e-4)


def test_a_head_without_statistics_says_so(learner, photos):
    assert not learner.has_base_statistics
    with pytest.raises(ValueError, match="no statistics of base classes"):
        learner.fit_base(photos)


def test_where_nothing_can_be_trained_fit_says_so(learner, photos):
    model = TransferLearner(learner.backbone, "prototypes")
    model.compile()
    with pytest.raises(ValueError, match=r"nothing to train.*`unfreeze`"):
        model.fit(photos.episodes(3, 1, 2), steps_per_epoch=1)
    measured = model.evaluate(
        photos.episodes(3, 1, 2, count=2), return_dict=True, verbose=0
    )
    assert 0 <= measured["accuracy"] <= 1


def test_an_unknown_head(learner):
    with pytest.raises(
        ValueError, match=r"one of \['auto', 'prototypes', .*head='svm'"
    ):
        TransferLearner(learner.backbone, "svm")


def test_an_unknown_head_is_refused_before_weights_are_downloaded():
    with pytest.raises(ValueError, match="head='svm'"):
        TransferLearner("no network", "svm")
