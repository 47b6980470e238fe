"""A training loop of your own.

A learner is a Keras model, so nothing forces you to use `fit`. This example trains
the same learner twice on the same episodes: with a loop written by hand, and with
the `train_step` that `fit` runs. The losses are the same at every step.

    python examples/custom_training_loop.py
"""

import fsl_keras as fsl
import keras
import numpy as np
import tensorflow as tf

STEPS = 10


def make_data():
    """Returns twenty classes of pictures: a pattern each, with noise."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(20), 10)
    patterns = rng.random((20, 28, 28, 1))
    noise = rng.normal(scale=0.3, size=(200, 28, 28, 1))
    pictures = np.clip(patterns[labels] + noise, 0.0, 1.0)
    return fsl.ClassDataset.from_arrays(pictures.astype("float32"), labels)


def make_learner(item_shape):
    """Returns a learner whose first weights are the same every time."""
    keras.utils.set_random_seed(0)
    backbone = fsl.backbones.Conv4(item_shape, filters=32)
    return fsl.models.PrototypicalNetwork(backbone)


def train_by_hand(learner, episodes):
    """Trains a learner in a loop of its own; returns the loss of each step."""
    optimizer = keras.optimizers.Adam(1e-3)
    optimizer.build(learner.trainable_variables)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            logits = learner(x, training=True)
            loss = cross_entropy(y, logits)
        gradients = tape.gradient(loss, learner.trainable_variables)
        optimizer.apply_gradients(
            zip(gradients, learner.trainable_variables, strict=True)
        )
        return loss

    return [float(step(x, y)) for x, y in episodes]


def train_with_train_step(learner, episodes):
    """Trains a learner with its `train_step`; returns the loss of each step."""
    learner.compile(keras.optimizers.Adam(1e-3))
    losses = []
    for x, y in episodes:
        learner.reset_metrics()  # or the loss would be a mean over all steps
        losses.append(learner.train_on_batch(x, y, return_dict=True)["loss"])
    return losses


def main():
    # Without it, sums are taken in another order each time and losses drift apart.
    tf.config.experimental.enable_op_determinism()
    data = make_data()
    episodes = data.episodes(ways=5, shots=1, queries=5, seed=0, count=STEPS)
    by_hand = train_by_hand(make_learner(data.item_shape), episodes)
    with_step = train_with_train_step(make_learner(data.item_shape), episodes)
    print("step  by hand  train_step")
    for step, (ours, theirs) in enumerate(zip(by_hand, with_step, strict=True), 1):
        print(f"{step:4}  {ours:7.4f}  {theirs:10.4f}")
    return by_hand, with_step


if __name__ == "__main__":
    main()
