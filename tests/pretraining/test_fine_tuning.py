import keras
import numpy as np
import pytest
import scipy

import fsl_keras as fsl
from fsl_keras.layers.augmentation import WordDropout
from fsl_keras.losses import SupervisedContrastiveLoss, TripletLoss
from fsl_keras.models import PrototypicalNetwork, TransferLearner
from fsl_keras.pretraining import fine_tune
from fsl_keras.pretraining.examples import split
from tests.backbones.encoders import tiny_encoder
from tests.checks import rows

RATE = 1e-2
NAMES = np.array(["egret", "heron", "ibis"])


def examples(count=12, seed=0):
    """Three classes in two dimensions, hidden by large noise in four others."""
    rng = np.random.default_rng(seed)
    numbers = np.arange(count) % 3
    turns = 2 * np.pi * numbers / 3
    classes = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    own = classes + 0.2 * rng.normal(size=(count, 2))
    items = np.concatenate([own, 2 * rng.normal(size=(count, 4))], axis=1)
    return items.astype("float32"), NAMES[numbers]


def learner(dropout=0.0, head="cosine", unfreeze="all"):
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(8, use_bias=False, name="last"),
        ]
    )
    return TransferLearner(backbone, head, unfreeze=unfreeze)


def tune(model, *data, epochs=3, **arguments):
    arguments = {"learning_rate": RATE, "verbose": 0, **arguments}
    return fine_tune(model, *(data or examples()), epochs=epochs, **arguments).history


def accuracy(model):
    classifier = model.adapt(*examples())
    items, labels = examples(300, seed=1)
    found = classifier.predict_classes(items)
    return np.mean([one.class_name for one in found] == labels)


def assert_same_weights(model, other):
    for weight, same in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


class Stop(keras.callbacks.Callback):
    """Interrupts training at the end of an epoch."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


LOSSES = {
    "joint": "joint",
    "supervised_contrastive": "supervised_contrastive",
    "cosine": "cosine",
    "temperature": SupervisedContrastiveLoss(temperature=0.5),
    "triplet": TripletLoss(),
}


@pytest.mark.parametrize("name", rows(LOSSES, ["joint", "cosine"]))
def test_every_loss_makes_classes_that_are_learned_more_accurately(name):
    model = learner()
    before = accuracy(model)
    history = tune(model, loss=LOSSES[name], epochs=60, interpolation=1.0)
    assert history["loss"][-1] < 0.75 * history["loss"][0]
    assert before < 0.7
    assert accuracy(model) > before + 0.15


def test_the_vectors_of_classes_are_their_means_at_first():
    items, labels = examples()
    model = learner()
    # All examples in one batch, and a rate of zero at the only step.
    history = tune(model, items, labels, loss="joint", epochs=1, batch_size=999)
    vectors = learner().backbone.predict(items, verbose=0)
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    means = np.stack([vectors[labels == name].mean(axis=0) for name in set(labels)])
    means /= np.linalg.norm(means, axis=-1, keepdims=True)
    logits = vectors @ means.T / 0.05
    right = [list(set(labels)).index(name) for name in labels]
    wanted = -scipy.special.log_softmax(logits, axis=-1)[range(len(right)), right]
    assert history["classes_loss"] == [pytest.approx(wanted.mean(), rel=1e-4)]


def test_a_copy_of_the_backbone_is_trained_and_classifiers_use_it():
    original = learner().backbone
    start = original.get_weights()[0].copy()
    model = TransferLearner(original, "ridge", unfreeze="all")
    tune(model)
    np.testing.assert_array_equal(original.get_weights()[0], start)
    trained = model.backbone.get_weights()[0]
    assert np.abs(trained - start).min() > 0
    classifier = model.adapt(*examples())
    np.testing.assert_array_equal(classifier.learner.backbone.get_weights()[0], trained)
    # It is not compiled, so that its file holds no state of an optimizer.
    assert not model.backbone.compiled


def test_the_weights_are_interpolated():
    before = learner().backbone.get_weights()[0]
    trained, mixed = learner(), learner()
    tune(trained, interpolation=1.0)
    tune(mixed, interpolation=0.25)
    wanted = 0.75 * before + 0.25 * trained.backbone.get_weights()[0]
    np.testing.assert_allclose(mixed.backbone.get_weights()[0], wanted, atol=1e-6)


class TestAugmentation:
    def test_it_is_applied_to_what_is_trained_on(self):
        seen = []

        def spy(items, seed):
            seen.append(seed)
            return 0.0 * items

        model = learner()
        before = model.backbone.get_weights()[0].copy()
        tune(model, epochs=1, augmentation=spy)
        assert seen
        # Items of zeros have no gradient.
        np.testing.assert_array_equal(model.backbone.get_weights()[0], before)

    @pytest.mark.slow
    @pytest.mark.parametrize("loss", ["joint", "cosine"])
    def test_words_of_texts_are_left_out_by_default(self, loss):
        texts = ["open my account", "close my account", "where is it", "what is it"]
        weights = []
        for arguments in ({}, {"augmentation": WordDropout()}, {"augmentation": None}):
            model = TransferLearner(tiny_encoder(), unfreeze="all")
            tune(model, texts, [0, 0, 1, 1], loss=loss, epochs=8, **arguments)
            weights.append(np.concatenate([w.ravel() for w in model.get_weights()]))
        np.testing.assert_array_equal(weights[0], weights[1])
        assert np.abs(weights[0] - weights[2]).max() > 0


def test_layers_before_the_unfrozen_one_stay():
    first, last = (keras.layers.Dense(6, name=name) for name in ("first", "last"))
    backbone = keras.Sequential([keras.Input((6,)), first, last])
    model = TransferLearner(backbone, unfreeze="last")
    tune(model)
    weights = zip(backbone.get_weights(), model.backbone.get_weights(), strict=True)
    changed = [(before != after).any() for before, after in weights]
    assert changed == [False, False, True, True]


def test_a_sentence_encoder(tmp_path):
    texts = ["good", "so good", "very good", "bad", "so bad", "very bad", "badly"]
    labels = ["+", "+", "+", "-", "-", "-", "-"]
    encoder = tiny_encoder(layers=2)
    model = TransferLearner(encoder, "ridge", unfreeze="transformer_layer_1")
    before = encoder.get_weights()
    # Batches of three sentences are of different lengths.
    tune(model, texts, labels, epochs=2, batch_size=3)
    for weight, same in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)
    changed = {
        weight.path
        for weight, old in zip(model.backbone.weights, before, strict=True)
        if (weight.numpy() != old).any()
    }
    assert changed == {weight.path for weight in model.backbone.trainable_weights}
    classifier = model.adapt(texts, labels)
    wanted = model.backbone(texts)
    np.testing.assert_allclose(classifier.learner.backbone(texts), wanted, atol=1e-5)
    assert np.abs(wanted - encoder(texts)).max() > 1e-3
    with pytest.raises(ValueError, match=r"\b1\b"):
        tune(model, ["good", None, "bad"], ["+", "+", "-"])
    model.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    np.testing.assert_allclose(loaded.backbone(texts), wanted, atol=1e-5)


def test_a_learner_of_images_that_trains_its_backbone():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (6, 16, 16, 1), dtype="uint8")
    model = PrototypicalNetwork(fsl.backbones.Conv4((16, 16, 1), filters=2))
    before = model.get_weights()[0]
    tune(model, images, [0, 0, 0, 1, 1, 1], epochs=1)
    assert (model.get_weights()[0] != before).any()


def test_training_depends_on_the_seed_alone():
    models = []
    for seed, other in ((5, 0), (5, 1), (6, 0)):
        model = learner(dropout=0.2)
        keras.utils.set_random_seed(other)
        tune(model, seed=seed, epochs=2)
        models.append(model)
    assert_same_weights(models[0], models[1])
    assert (models[0].get_weights()[0] != models[2].get_weights()[0]).any()


def test_forms_of_examples_and_repeated_ones():
    items, labels = examples()
    model = learner()
    tune(model)
    data = fsl.ClassDataset.from_arrays(items, labels)
    others = [
        (data,),
        (np.concatenate([items, items[:5]]), [*labels, *labels[:5]]),
    ]
    for given in others:
        other = learner()
        tune(other, *given)
        assert_same_weights(other, model)


def test_the_learning_rate_rises_and_falls_to_zero():
    rates = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            rates.append(float(self.model.optimizer.learning_rate))

    tune(learner(), epochs=10, batch_size=6, callbacks=[Rates()])
    falling = 0.5 * (1 + np.cos(np.pi * np.arange(18) / 18))
    np.testing.assert_allclose(rates, RATE * np.array([0, 0.5, *falling]), rtol=1e-4)


class TestValidation:
    # Rates at which the loss of the left-out examples rises again.
    ARGUMENTS = {
        "loss": "supervised_contrastive",
        "interpolation": 1.0,
        "validation_split": 0.4,
        "epochs": 12,
        "learning_rate": 0.3,
    }

    def test_the_best_weights_are_restored(self):
        weights = []

        class Record(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                weights.append(self.model.get_weights())

        model = learner()
        data = examples(24)
        losses = tune(model, *data, **self.ARGUMENTS, callbacks=[Record()])["val_loss"]
        best = int(np.argmin(losses))
        assert len(losses) == best + 4 < 12  # three without an improvement
        np.testing.assert_array_equal(model.backbone.get_weights()[0], weights[best][0])

    def test_a_fraction_of_each_class_is_left_out(self):
        items = np.arange(25.0)[:, None]
        data = fsl.ClassDataset.from_arrays(items, ["a"] * 10 + ["b"] * 12 + ["c"] * 3)
        kept, left = split(data, 0.25, seed=0)
        assert (kept.class_sizes.tolist(), left.class_sizes.tolist()) == (
            [8, 9, 3],
            [2, 3],
        )
        assert (kept.class_names, left.class_names) == (["a", "b", "c"], ["a", "b"])
        for name in "ab":
            both = [*kept.class_items(name)[:, 0], *left.class_items(name)[:, 0]]
            assert sorted(both) == sorted(data.class_items(name)[:, 0])
        other = split(data, 0.25, seed=1)[1]
        assert (other.class_items("b") != left.class_items("b")).any()

    def test_a_class_of_few_examples_keeps_them_all(self):
        items, labels = examples(24)
        few = [
            *np.flatnonzero(labels == NAMES[0])[:3],
            *np.flatnonzero(labels != NAMES[0]),
        ]
        history = tune(
            learner(), items[few], labels[few], validation_split=0.3, loss="cosine"
        )
        assert len(history["val_loss"]) == 3

    def test_too_few_examples(self):
        with pytest.raises(ValueError, match=r"class has 4.*validation_split=0\.2"):
            tune(learner(), validation_split=0.2)


class TestResuming:
    def test_an_interrupted_training_ends_as_one_that_was_not(self, tmp_path):
        whole, resumed = learner(dropout=0.2), learner(dropout=0.2)
        expected = tune(whole, epochs=4)
        with pytest.raises(KeyboardInterrupt):
            tune(
                learner(dropout=0.2),
                epochs=4,
                backup_dir=tmp_path,
                callbacks=[Stop(1)],
            )
        history = tune(resumed, epochs=4, backup_dir=tmp_path)
        assert_same_weights(resumed, whole)
        assert history["loss"] == pytest.approx(expected["loss"][2:])
        assert not list(tmp_path.iterdir())

    def test_the_best_epoch_may_be_before_the_interruption(self, tmp_path):
        arguments = {**TestValidation.ARGUMENTS, "backup_dir": tmp_path}
        data = examples(24)
        whole = learner()
        losses = tune(whole, *data, **arguments)["val_loss"]
        with pytest.raises(KeyboardInterrupt):
            tune(learner(), *data, **arguments, callbacks=[Stop(len(losses) - 2)])
        resumed = learner()
        history = tune(resumed, *data, **arguments)
        assert history["val_loss"] == pytest.approx(losses[-1:])
        assert_same_weights(resumed, whole)

    def test_the_backup_of_another_training_is_refused(self, tmp_path):
        with pytest.raises(KeyboardInterrupt):
            tune(learner(), backup_dir=tmp_path, callbacks=[Stop(0)])
        with pytest.raises(ValueError, match=r"fine_tuning\.npz is the backup of anot"):
            tune(learner(), backup_dir=tmp_path, epochs=4)
        items, labels = examples(seed=1)
        with pytest.raises(ValueError, match="is the backup of another training"):
            tune(learner(), items, labels, backup_dir=tmp_path)


class TestErrors:
    def test_a_frozen_backbone(self):
        with pytest.raises(ValueError, match=r"frozen.*`unfreeze`.*unfreeze=\"all\""):
            tune(learner(unfreeze=None))

    def test_no_learner(self):
        with pytest.raises(ValueError, match=r"`learner` must have a backbone.*object"):
            tune(object())

    def test_feature_maps(self):
        network = fsl.backbones.Conv4((16, 16, 1), filters=2, pooling=None)
        model = fsl.models.ReconstructionNetwork(network)
        with pytest.raises(ValueError, match=r"vectors.*output shape \(None, "):
            tune(model, np.zeros((4, 16, 16, 1)), [0, 0, 1, 1])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"loss": "hinge"}, r"supervised_contrastive.*loss='hinge'"),
            ({"epochs": 0}, "epochs=0"),
            ({"batch_size": 1}, "batch_size=1"),
            ({"validation_split": 1.0}, r"validation_split=1\.0"),
            ({"interpolation": 0.0}, r"interpolation=0\.0"),
        ],
    )
    def test_arguments(self, arguments, message):
        with pytest.raises(ValueError, match=message):
            tune(learner(), **arguments)

    def test_examples(self):
        items, labels = examples()
        with pytest.raises(ValueError, match=r"two classes.*1 classes of 12"):
            tune(learner(), items, ["ibis"] * 12)
        with pytest.raises(ValueError, match=r"two different.*3 classes of 1 items"):
            tune(learner(), items[[0, 1, 2, 0, 1, 2]], labels[:6])
        with pytest.raises(ValueError, match=r"with a single item: \['heron'\]"):
            tune(learner(), items[[0, 3, 1]], labels[[0, 3, 1]], loss="cosine")
        items[7] = np.nan
        with pytest.raises(ValueError, match=r"\[7\].*NaN"):
            tune(learner(), items, labels)
