"""Networks and tasks on which a gradient-based learner takes milliseconds."""

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from fsl_keras.layers import FusedBatchNormalization


def mlp(ways=3, seed=0):
    """A network of vectors with a bend, without statistics."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(5, activation="tanh", name="body"),
            layers.Dense(ways, name="head"),
        ]
    )


def normalized(ways=3, seed=0):
    """A network of pictures with batch normalization."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            FusedBatchNormalization(momentum=0.5, name="norm"),
            layers.ReLU(),
            layers.GlobalAveragePooling2D(),
            layers.Dense(ways, name="head"),
        ]
    )


def embedding(seed=0):
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(6, activation="tanh", name="body")]
    )


def episodes(item_shape=(4,), ways=3, shots=2, queries=4, tasks=2, seed=0):
    """Classes around a centre each: `x`, `y` of one batch."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(tasks, ways, 1, *item_shape))

    def items(count):
        noise = rng.normal(size=(tasks, ways, count, *item_shape))
        return (centres + 0.3 * noise).reshape(tasks, -1, *item_shape).astype("float32")

    labels = np.tile(np.eye(ways, dtype="float32").repeat(shots, 0), (tasks, 1, 1))
    x = {"support": items(shots), "support_labels": labels, "query": items(queries)}
    y = np.tile(np.arange(ways, dtype="int32").repeat(queries), (tasks, 1))
    return x, y


def meta_loss(model, x, y):
    return model.training_loss(x, y, None)[1]


def meta_gradients(model, x, y):
    with tf.GradientTape() as tape:
        loss = meta_loss(model, x, y)
    weights = [weight.value for weight in model.trainable_weights]
    return tape.gradient(loss, weights)
