"""The steps of Adam by hand, and training towards the adapted weights."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from fsl_keras.models import Reptile
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
    def test_a_first_step_of_adam_has_the_length_of_its_learning_rate(self):
        # After one step g / sqrt(g^2) is the sign of the gradient.
        model = Reptile(line(0.5), 1, 0.1, regression=True)
        x, _ = squared_error_tasks([3.0, -2.0])
        state = model.adapt_state(x["support"], x["support_labels"])
        np.testing.assert_allclose(
            state["dense.kernel"].numpy().ravel(), [0.6, 0.4], rtol=1e-5
        )

    def test_a_training_step_moves_by_the_mean_difference(self):
        # Two tasks lead 0.1 up, one 0.1 down: a third of 0.1, at the rate of 0.5.
        model = Reptile(line(0.5), 1, 0.1, regression=True)
        model.compile(keras.optimizers.SGD(0.5))
        model.train_on_batch(*squared_error_tasks([3.0, 2.0, -2.0]))
        kernel = model.network.get_layer("dense").kernel
        np.testing.assert_allclose(kernel, [[0.5 + 0.5 * 0.1 / 3]], rtol=1e-5)

    def test_the_moments_continue_from_batch_to_batch(self):
        # g = 2 (w - 3) = -5 at the first step of training; then, at w = 0.6, -4.8.
        model = Reptile(line(0.5), 1, 0.1, regression=True)
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

    def test_a_step_sees_its_batch_of_the_support_set(self):
        # The first batch of one is the first example, whose target is above w.
        model = Reptile(line(0.5), 1, 0.1, inner_batch_size=1, regression=True)
        labels = np.array([3.0, -9.0], "float32").reshape(1, 2, 1)
        state = model.adapt_state(np.ones((1, 2, 1), "float32"), labels)
        np.testing.assert_allclose(state["dense.kernel"], [[[0.6]]], rtol=1e-5)


def test_fit_lowers_the_loss_after_learning():
    model = Reptile(mlp(), inner_steps=5, inner_learning_rate=0.02)
    model.compile()
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    batch = tf.data.Dataset.from_tensors(episodes(shots=5, tasks=4)).repeat()
    losses = model.fit(batch, steps_per_epoch=5, epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[1] < losses[0]
