"""Training, testing, saving and exporting, as any Keras model: what is inherited."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.metrics import EpisodeAccuracy
from tests.checks import run_python


def arrays(stream):
    """The first element of a stream, as arrays."""
    return next(iter(stream.as_numpy_iterator()))


def fitted(model, episodes, steps=3, **kwargs):
    return model.fit(episodes, steps_per_epoch=steps, verbose=0, **kwargs).history


def cross_entropy(model, x, y):
    """The loss of every query, by the formula."""
    logits = np.asarray(model(x), "float64")
    log_sums = np.log(np.exp(logits - logits.max(-1, keepdims=True)).sum(-1))
    picked = np.take_along_axis(logits, y[..., None], -1)[..., 0]
    return log_sums + logits.max(-1) - picked


class TestCompile:
    def test_everything_has_a_default(self, vector_learner):
        vector_learner.compile()
        assert isinstance(vector_learner.optimizer, keras.optimizers.Adam)
        assert float(vector_learner.optimizer.learning_rate) == pytest.approx(1e-3)
        assert vector_learner.loss.get_config()["from_logits"]

    def test_what_is_given_is_taken(self, vector_learner, vectors):
        optimizer = keras.optimizers.SGD(0.5)
        vector_learner.compile(
            optimizer,
            loss=keras.losses.CategoricalHinge(reduction="sum"),
            metrics=None,
        )
        assert vector_learner.optimizer is optimizer
        assert isinstance(vector_learner.loss, keras.losses.CategoricalHinge)
        x, y = arrays(vectors.episodes(3, 1, 2))
        results = vector_learner.test_on_batch(x, np.eye(3)[y], return_dict=True)
        assert set(results) == {"loss"}

    def test_further_metrics_join_the_default_one(self, vector_learner, vectors):
        second = keras.metrics.SparseTopKCategoricalAccuracy(k=2, name="top2")
        vector_learner.compile(weighted_metrics=[second])
        results = vector_learner.evaluate(
            vectors.episodes(3, 1, 2, count=4), return_dict=True, verbose=0
        )
        assert set(results) == {"loss", "accuracy", "accuracy_ci95", "top2"}

    def test_metrics_of_ones_own(self, vector_learner, vectors):
        vector_learner.compile(metrics=["accuracy"])
        results = vector_learner.evaluate(
            vectors.episodes(3, 1, 2, count=4), return_dict=True, verbose=0
        )
        assert set(results) == {"loss", "accuracy"}


class TestFit:
    def test_history_has_accuracy_and_its_interval(self, vector_learner, vectors):
        vector_learner.compile()
        history = fitted(
            vector_learner,
            vectors.episodes(4, 1, 3),
            epochs=2,
            validation_data=vectors.episodes(5, 1, 3, count=6),
        )
        names = {"loss", "accuracy", "accuracy_ci95"}
        assert set(history) == names | {f"val_{name}" for name in names}
        assert {len(values) for values in history.values()} == {2}

    def test_evaluate_measures_every_episode_once(self, vector_learner, vectors):
        vector_learner.compile()
        episodes = vectors.episodes(5, 1, 3, tasks=2, count=8, seed=3)
        results = vector_learner.evaluate(episodes, return_dict=True, verbose=0)
        right = [vector_learner(x).numpy().argmax(-1) == y.numpy() for x, y in episodes]
        each = np.concatenate(right).mean(axis=-1)
        assert len(each) == 8
        assert results["accuracy"] == pytest.approx(each.mean(), abs=1e-6)
        expected = 1.959964 * each.std(ddof=1) / 8**0.5
        assert results["accuracy_ci95"] == pytest.approx(expected, abs=1e-6)

    @pytest.mark.slow
    def test_one_model_takes_episodes_of_any_size(self, vector_learner, vectors):
        # After a second shape the static one is lost: each must still be right.
        vector_learner.compile()
        fitted(vector_learner, vectors.episodes(5, 1, 3, tasks=2))
        for ways, shots, tasks in [(3, 4, 1), (6, 2, 4)]:
            episodes = vectors.episodes(ways, shots, 2, tasks=tasks, count=4)
            results = vector_learner.evaluate(episodes, return_dict=True, verbose=0)
            losses = [
                cross_entropy(vector_learner, x, y).mean()
                for x, y in episodes.as_numpy_iterator()
            ]
            assert results["loss"] == pytest.approx(np.mean(losses), rel=1e-4)
            predicted = vector_learner.predict(episodes, verbose=0)
            assert predicted.shape == (4, ways * 2, ways)
        fitted(vector_learner, vectors.episodes(4, 2, 1))

    @pytest.mark.slow
    def test_padded_episodes(self, vector_learner, vectors):
        vector_learner.compile()
        padded = vectors.episodes(ways=(2, 4), shots=(1, 3), queries=2, count=6)
        history = fitted(
            vector_learner, padded.repeat(), validation_data=padded, epochs=2
        )
        assert np.isfinite(history["loss"]).all()
        results = vector_learner.evaluate(padded, return_dict=True, verbose=0)
        losses, shares = [], []
        for x, y, weight in padded.as_numpy_iterator():
            real = weight == 1
            losses.append(cross_entropy(vector_learner, x, y)[real].mean())
            shares.append((vector_learner(x).numpy().argmax(-1) == y)[real].mean())
        assert results["loss"] == pytest.approx(np.mean(losses), rel=1e-4)
        assert results["accuracy"] == pytest.approx(np.mean(shares), abs=1e-6)

    def test_the_weighted_loss_by_hand(self, vector_learner, vectors):
        vector_learner.compile()
        x, y = arrays(vectors.episodes(2, 1, 2))
        weight = np.array([[1.0, 0.5, 0.0, 2.0]], "float32")
        loss = vector_learner.test_on_batch(x, y, weight, return_dict=True)["loss"]
        each = cross_entropy(vector_learner, x, y)
        assert loss == pytest.approx((each * weight).sum() / 3.5, rel=1e-5)

    def test_a_step_goes_down_the_gradient(self, vector_learner, vectors):
        vector_learner.compile(keras.optimizers.SGD(1e-4))
        x, y = arrays(vectors.episodes(4, 1, 3))
        kernel = vector_learner.backbone.get_layer("map").kernel
        before = keras.ops.convert_to_numpy(kernel)
        with tf.GradientTape() as tape:
            logits = vector_learner(x, training=True)
            loss = tf.reduce_mean(
                tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits)
            )
        gradient = tape.gradient(loss, kernel.value)
        assert np.abs(gradient).max() > 1e-3
        vector_learner.train_on_batch(x, y)
        after = keras.ops.convert_to_numpy(kernel)
        np.testing.assert_allclose(after, before - 1e-4 * gradient, rtol=1e-5)

    @pytest.mark.slow
    @pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
    def test_mixed_precision(self, pictures, policy):
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
            model = fsl.models.PrototypicalNetwork(backbone)
            model.compile(keras.optimizers.Adam(1e-2))
        finally:
            keras.config.set_dtype_policy(before)
        assert backbone.get_layer("conv2").compute_dtype == policy.removeprefix(
            "mixed_"
        )
        scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        assert scaled == (policy == "mixed_float16")
        kernel = backbone.get_layer("conv1").kernel
        start = keras.ops.convert_to_numpy(kernel)
        # The scale starts high: the first steps may be skipped.
        history = fitted(model, pictures.episodes(4, 1, 2), steps=8)
        assert np.isfinite(history["loss"]).all()
        assert np.abs(keras.ops.convert_to_numpy(kernel) - start).max() > 1e-3

    def test_a_scaled_loss_takes_the_same_step(self, vector_learner, vectors):
        x, y = arrays(vectors.episodes(4, 1, 3))
        plain, scaled = vector_learner, vector_learner.copy()
        sgd = keras.optimizers.SGD(1e-3)
        plain.compile(keras.optimizers.SGD(1e-3))
        scaled.compile(keras.optimizers.LossScaleOptimizer(sgd, initial_scale=256.0))
        losses = [
            model.train_on_batch(x, y, return_dict=True)["loss"]
            for model in (plain, scaled)
        ]
        assert losses[0] == pytest.approx(losses[1])  # what is told is not scaled
        kernels = [m.backbone.get_layer("map").kernel for m in (plain, scaled)]
        np.testing.assert_allclose(*kernels, rtol=1e-5)


class TestCallbacks:
    """The accuracy is made to rise and fall: 0 is chance, 1 tells classes apart."""

    COURSE = (0, 1, 0, 0, 0, 0)

    def fit(self, model, vectors, *callbacks):
        def set_weights(epoch, logs=None):
            kernel = np.eye(4) * self.COURSE[epoch]
            model.backbone.get_layer("map").set_weights([kernel, np.zeros(4)])

        course = keras.callbacks.LambdaCallback(on_epoch_begin=set_weights)
        model.compile(keras.optimizers.SGD(0.0))
        return fitted(
            model,
            vectors.episodes(4, 1, 3),
            steps=1,
            epochs=len(self.COURSE),
            validation_data=vectors.episodes(4, 1, 3, count=4),
            callbacks=[course, *callbacks],
        )["val_accuracy"]

    def test_early_stopping_on_val_accuracy(self, vector_learner, vectors):
        stop = keras.callbacks.EarlyStopping(
            "val_accuracy", patience=2, restore_best_weights=True
        )
        accuracies = self.fit(vector_learner, vectors, stop)
        assert len(accuracies) == 4
        assert accuracies[1] > max(accuracies[0], accuracies[2])
        kernel = vector_learner.backbone.get_layer("map").get_weights()[0]
        np.testing.assert_array_equal(kernel, np.eye(4))

    def test_checkpoint_of_the_best_val_accuracy(
        self, vector_learner, vectors, tmp_path
    ):
        path = tmp_path / "best.keras"
        keep = keras.callbacks.ModelCheckpoint(
            path, monitor="val_accuracy", save_best_only=True
        )
        self.fit(vector_learner, vectors, keep)
        best = keras.saving.load_model(path)
        kernel = best.backbone.get_layer("map").get_weights()[0]
        np.testing.assert_array_equal(kernel, np.eye(4))


class TestSaving:
    @pytest.mark.slow
    def test_a_reloaded_learner_trains_on_as_if_not_saved(
        self, conv_learner, pictures, tmp_path
    ):
        conv_learner.compile(keras.optimizers.Adam(1e-2))
        fitted(conv_learner, pictures.episodes(3, 1, 2, seed=1))
        conv_learner.save(tmp_path / "learner.keras")
        loaded = keras.saving.load_model(tmp_path / "learner.keras")
        assert int(loaded.optimizer.iterations) == 3
        assert float(loaded.optimizer.learning_rate) == pytest.approx(1e-2)

        def next_steps(model):
            # Adam's state decides on the first steps of all.
            episodes = pictures.episodes(3, 1, 2, seed=2)
            return fitted(model, episodes, steps=1, epochs=4)

        history, again = next_steps(conv_learner), next_steps(loaded)
        assert set(history) == set(again) == {"loss", "accuracy", "accuracy_ci95"}
        np.testing.assert_allclose(again["loss"], history["loss"], rtol=1e-4)

    def test_loss_and_metrics_of_ones_own(self, vector_learner, vectors, tmp_path):
        vector_learner.compile(
            "sgd",
            loss=keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, ignore_class=1
            ),
            metrics=["accuracy"],
            weighted_metrics=[EpisodeAccuracy(name="episodes")],
        )
        x, y = arrays(vectors.episodes(3, 1, 2))
        results = vector_learner.test_on_batch(x, y, return_dict=True)
        vector_learner.save(tmp_path / "learner.keras")
        loaded = keras.saving.load_model(tmp_path / "learner.keras")
        assert isinstance(loaded.optimizer, keras.optimizers.SGD)
        assert loaded.test_on_batch(x, y, return_dict=True) == results

    def test_an_uncompiled_learner(self, vector_learner, vectors, tmp_path):
        vector_learner.save(tmp_path / "learner.keras")
        loaded = keras.saving.load_model(tmp_path / "learner.keras")
        assert not loaded.compiled
        x, _ = arrays(vectors.episodes(3, 1, 2))
        np.testing.assert_array_equal(loaded(x), vector_learner(x))

    def test_a_copy_has_weights_of_its_own(self, vector_learner, vectors):
        vector_learner.compile()
        copy = vector_learner.copy()
        assert not copy.compiled
        x, _ = arrays(vectors.episodes(3, 1, 2))
        before = np.asarray(vector_learner(x))
        np.testing.assert_array_equal(copy(x), before)
        fitted(vector_learner, vectors.episodes(3, 1, 2))
        np.testing.assert_array_equal(copy(x), before)
        assert np.abs(vector_learner(x) - before).max() > 1e-3


def test_export_takes_any_ways_shots_and_queries(conv_learner, pictures, tmp_path):
    conv_learner.export(tmp_path / "learner", verbose=False)
    exported = tf.saved_model.load(tmp_path / "learner")
    for ways, shots, queries, tasks in [(3, 1, 2, 1), (5, 4, 1, 2)]:
        x, _ = arrays(pictures.episodes(ways, shots, queries, tasks=tasks))
        logits = exported.serve(x)["logits"]
        assert logits.shape == (tasks, ways * queries, ways)
        np.testing.assert_allclose(logits, conv_learner(x), atol=1e-5)


def test_predict_answers_the_episodes_one_after_the_other(vector_learner, vectors):
    episodes = vectors.episodes(3, 1, 2, tasks=2, count=6)
    predicted = vector_learner.predict(episodes, verbose=0)
    one_by_one = [vector_learner(x) for x, _ in episodes]
    np.testing.assert_allclose(predicted, np.concatenate(one_by_one), atol=1e-5)


TWO_DEVICES = """
import keras, numpy as np, tensorflow as tf, fsl_keras as fsl

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
rng = np.random.default_rng(0)
data = fsl.ClassDataset.from_arrays(
    rng.random((60, 16, 16, 1), "float32"), np.repeat(np.arange(6), 10))

def learn():
    keras.utils.set_random_seed(0)
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
    # Replicas have statistics of their own, so the running ones are used.
    for name in ("conv1", "norm2", "norm3", "norm4"):
        backbone.get_layer(name).trainable = False
    model = fsl.models.PrototypicalNetwork(backbone)
    model.compile(keras.optimizers.SGD(0.01))
    history = model.fit(
        data.episodes(3, 1, 2, tasks=4), steps_per_epoch=1, epochs=3, verbose=0).history
    results = model.evaluate(
        data.episodes(3, 1, 2, tasks=4, count=12, seed=1), return_dict=True, verbose=0)
    metric = [m for m in model._compile_metrics.metrics][0]
    assert float(tf.convert_to_tensor(metric.episodes.value)) == 12
    return history, results

history, results = learn()
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
assert strategy.num_replicas_in_sync == 2
with strategy.scope():
    shared_history, shared_results = learn()
for name, values in history.items():
    np.testing.assert_allclose(shared_history[name], values, atol=1e-5)
for name, value in results.items():
    np.testing.assert_allclose(shared_results[name], value, atol=1e-5)
print("equal")
"""


@pytest.mark.slow
def test_two_devices_give_the_losses_and_metrics_of_one():
    assert run_python(TWO_DEVICES).strip() == "equal"
