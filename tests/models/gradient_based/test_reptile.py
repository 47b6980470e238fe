import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from fsl_keras.models import Reptile
from tests.checks import assert_config_round_trip
from tests.models.gradient_based.gradient import episodes, mlp


def line(start):
    """A network of one number, `w * x`."""
    dense = layers.Dense(1, use_bias=False, name="dense")
    network = keras.Sequential([keras.Input((1,)), dense])
    dense.kernel.assign([[start]])
    return network


def squared_error_tasks(targets):
    """Tasks with x = 1 and one target each."""
    ones = np.ones((len(targets), 1, 1), "float32")
    y = np.reshape(targets, (-1, 1, 1)).astype("float32")
    return {"support": ones, "support_labels": y, "query": ones}, y


class TestByHand:
    def test_a_first_step_of_adam_has_the_length_of_its_rate(self):
        # After one step g / sqrt(g^2) is the sign of the gradient.
        model = Reptile(line(0.5), inner_steps=1, inner_rate=0.1, regression=True)
        x, _ = squared_error_tasks([3.0, -2.0])
        state = model.adapt_state(x["support"], x["support_labels"])
        np.testing.assert_allclose(
            state["dense.kernel"].numpy().ravel(), [0.6, 0.4], rtol=1e-5
        )

    def test_a_training_step_goes_a_share_of_the_mean_way(self):
        # Two tasks lead 0.1 up, one 0.1 down: a third of 0.1, at the rate of 0.5.
        model = Reptile(line(0.5), inner_steps=1, inner_rate=0.1, regression=True)
        model.compile(keras.optimizers.SGD(0.5))
        model.train_on_batch(*squared_error_tasks([3.0, 2.0, -2.0]))
        kernel = model.network.get_layer("dense").kernel
        np.testing.assert_allclose(kernel, [[0.5 + 0.5 * 0.1 / 3]], rtol=1e-5)

    def test_the_moments_go_on(self):
        # g = 2 (w - 3) = -5 at the first step of training; then, at w = 0.6, -4.8.
        model = Reptile(line(0.5), inner_steps=1, inner_rate=0.1, regression=True)
        model.compile(keras.optimizers.SGD(1.0))
        x, y = squared_error_tasks([3.0])
        model.train_on_batch(x, y)
        assert float(model.moments.steps) == 1.0
        square = 0.999 * (0.001 * 25.0) + 0.001 * 4.8**2
        stepped = 0.6 + 0.1 * 4.8 / np.sqrt(square / (1 - 0.999**2))
        state = model.adapt_state(x["support"], x["support_labels"])
        np.testing.assert_allclose(state["dense.kernel"], [[[stepped]]], rtol=1e-5)
        # Learning a task assigns nothing.
        assert float(model.moments.steps) == 1.0

    def test_parts_of_the_support_set_are_spread_over_it(self):
        model = Reptile(line(0.5), inner_batch=2)
        rows = [model._loop._part(k, np.arange(6)).numpy().tolist() for k in range(4)]
        assert rows == [[0, 3], [1, 4], [2, 5], [3, 0]]


def test_fit_lowers_the_loss_after_learning():
    model = Reptile(mlp(), inner_steps=5, inner_rate=0.02)
    model.compile()
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    batch = tf.data.Dataset.from_tensors(episodes(shots=5, tasks=4)).repeat()
    losses = model.fit(batch, steps_per_epoch=5, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[1] < losses[0]


def test_saving_keeps_the_moments(tmp_path):
    model = Reptile(mlp(), inner_steps=3, inner_rate=0.02, inner_batch=3)
    model.compile()
    x, y = episodes()
    model.train_on_batch(x, y)
    assert_config_round_trip(model)
    model.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    assert float(loaded.moments.steps) == 3.0
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6
    )
    losses = [m.train_on_batch(x, y)[0] for m in (model, loaded)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_a_classifier(tmp_path):
    model = Reptile(mlp(), inner_steps=10, inner_rate=0.05)
    x, _ = episodes(tasks=1, shots=4)
    items, labels = x["support"][0], np.arange(3).repeat(4)
    classifier = model.adapt(items, labels)
    assert (np.argmax(classifier.predict(items, verbose=0), -1) == labels).mean() > 0.6
    classifier.export(tmp_path / "exported")
    exported = tf.saved_model.load(tmp_path / "exported")
    np.testing.assert_allclose(
        exported.serve(items)["probabilities"],
        classifier.predict(items, verbose=0),
        atol=1e-5,
    )


def test_scales_for_each_step_are_refused():
    with pytest.raises(ValueError, match=r"each step.*transductive"):
        Reptile(mlp(), batch_norm="per_step")


def test_arguments_of_maml_alone_are_refused():
    with pytest.raises(TypeError, match=r"no arguments \['shared_head'\]"):
        Reptile(mlp(), shared_head=True)
