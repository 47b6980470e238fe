import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.pretraining import SupervisedPretraining
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving

each_classifier = pytest.mark.parametrize("classifier", ["linear", "cosine"])


@pytest.fixture
def data():
    """Five classes of twelve vectors in four dimensions that overlap a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(5), 12)
    centers = rng.normal(size=(5, 4)) * 2
    items = (centers[labels] + rng.normal(size=(60, 4))).astype("float32")
    return fsl.ClassDataset.from_arrays(items, labels)


def backbone():
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu")])


def arrays(stream):
    return next(iter(stream.as_numpy_iterator()))


@each_classifier
def test_training_lowers_the_loss_and_changes_the_backbone(data, classifier):
    network = backbone()
    before = network.get_weights()[0]
    model = SupervisedPretraining(network, classes=5, classifier=classifier)
    model.compile(keras.optimizers.Adam(1e-2))
    fixed = data.batches(60, count=1, seed=1)
    first = model.evaluate(fixed, return_dict=True, verbose=0)
    model.fit(data.batches(20), steps_per_epoch=40, verbose=0)
    last = model.evaluate(fixed, return_dict=True, verbose=0)
    assert last["loss"] < 0.7 * first["loss"]
    assert last["accuracy"] > first["accuracy"]
    assert model.backbone is network
    assert np.abs(network.get_weights()[0] - before).max() > 1e-2


def test_logits_of_the_linear_classifier_by_hand(data):
    model = SupervisedPretraining(backbone(), classes=5)
    items, _ = arrays(data.batches(3))
    kernel, bias = model.classifier.get_weights()
    expected = np.asarray(model.backbone(items)) @ kernel + bias
    np.testing.assert_allclose(model(items), expected, rtol=1e-4, atol=1e-5)
    assert model.compute_output_shape((7, 4)) == (7, 5)


def test_logits_of_the_cosine_classifier_by_hand(data):
    model = SupervisedPretraining(backbone(), 5, classifier="cosine", scale=4.0)
    items, _ = arrays(data.batches(3))
    embedded = np.asarray(model.backbone(items))
    kernel = model.classifier.get_weights()[0]
    lengths = np.linalg.norm(embedded, axis=1)[:, None] * np.linalg.norm(kernel, axis=0)
    expected = 4 * (embedded @ kernel) / lengths
    np.testing.assert_allclose(model(items), expected, rtol=1e-4, atol=1e-5)


class TestCompile:
    def test_everything_has_a_default(self, data):
        model = SupervisedPretraining(backbone(), 5)
        model.compile()
        assert isinstance(model.optimizer, keras.optimizers.Adam)
        assert float(model.optimizer.learning_rate) == pytest.approx(1e-3)
        results = model.evaluate(data.batches(6, count=2), return_dict=True, verbose=0)
        assert set(results) == {"loss", "accuracy"}

    def test_the_default_loss_is_the_cross_entropy_of_the_logits(self, data):
        model = SupervisedPretraining(backbone(), 5)
        model.compile()
        items, labels = arrays(data.batches(6))
        probabilities = np.asarray(tf.nn.softmax(model(items)))
        expected = -np.log(probabilities[np.arange(6), labels]).mean()
        loss = model.test_on_batch(items, labels, return_dict=True)["loss"]
        assert loss == pytest.approx(expected, rel=1e-5)

    def test_label_smoothing_is_a_loss_of_ones_own(self, data):
        model = SupervisedPretraining(backbone(), 5)
        loss = keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=0.1
        )
        model.compile(loss=loss)
        batches = data.batches(6, count=2).map(lambda x, y: (x, tf.one_hot(y, 5)))
        results = model.evaluate(batches, return_dict=True, verbose=0)
        assert model.loss is loss
        assert set(results) == {"loss", "accuracy"}

    def test_xla_gives_the_same_losses(self, data):
        items, labels = arrays(data.batches(12))
        losses = []
        for jit_compile in (False, True):
            model = SupervisedPretraining(backbone(), 5)
            model.compile(jit_compile=jit_compile)
            steps = [model.train_on_batch(items, labels)[0] for _ in range(2)]
            losses.append(steps)
        assert losses[1] == pytest.approx(losses[0], rel=1e-4)


@pytest.mark.slow
@each_classifier
def test_saving(data, tmp_path, classifier):
    model = SupervisedPretraining(backbone(), 5, classifier, scale=3.0, name="base")
    model.compile()
    batches = data.batches(12)
    model.fit(batches, steps_per_epoch=3, verbose=0)
    assert_config_round_trip(model)
    items, labels = arrays(batches)
    loaded = assert_same_predictions_after_saving(model, items, tmp_path / "m.keras")
    assert loaded.name == "base"
    # It trains on with the state of its optimizer.
    assert int(loaded.optimizer.iterations) == 3
    after = [m.train_on_batch(items, labels)[0] for m in (model, loaded)]
    assert after[0] == pytest.approx(after[1], rel=1e-5)
    np.testing.assert_allclose(model(items), loaded(items), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@each_classifier
def test_logits_are_float32_under_mixed_precision(data, policy, classifier):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = SupervisedPretraining(backbone(), 5, classifier)
        model.compile()
    finally:
        keras.config.set_dtype_policy(before)
    items, labels = arrays(data.batches(12))
    assert keras.backend.standardize_dtype(model(items).dtype) == "float32"
    assert np.isfinite(model.train_on_batch(items, labels)).all()


class TestErrors:
    def test_an_unbuilt_backbone(self):
        network = keras.Sequential([keras.layers.Dense(3)])
        with pytest.raises(ValueError, match=r"built Keras model.*keras\.Input"):
            SupervisedPretraining(network, 5)

    def test_feature_maps(self):
        network = fsl.backbones.Conv4((16, 16, 1), filters=2, pooling=None)
        with pytest.raises(ValueError, match=r"vector.*pooling or `Flatten`"):
            SupervisedPretraining(network, 5)

    def test_an_unknown_classifier(self):
        with pytest.raises(ValueError, match=r"linear.*cosine.*'arcface'"):
            SupervisedPretraining(backbone(), 5, classifier="arcface")
