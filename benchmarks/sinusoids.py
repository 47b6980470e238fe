"""MAML on sine waves, beside the same network trained on all waves at once.

    python benchmarks/sinusoids.py

The setting of Finn et al., 2017: a network of two layers of 40 learns a wave from 10 of
its points by 10 gradient steps, and is measured on 100 other points of it. The network
beside it is trained to fit the points of all waves jointly and then takes the same 10
steps, at the best of five rates. Rates are chosen on validation waves (seed 1), the
errors are of 500 test waves (seed 2).
"""

import argparse
import time

import fsl_keras as fsl
import keras
import numpy as np
from keras import layers

SHOTS, STEPS, QUERIES, WAVES = 10, 10, 100, 500
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)
TASKS = 25


def network():
    """The regression network of the paper, without statistics."""
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((1,)),
            layers.Dense(40, activation="relu", name="hidden1"),
            layers.Dense(40, activation="relu", name="hidden2"),
            layers.Dense(1, name="value"),
        ]
    )


def learner(net, rate, steps=STEPS):
    """A model that takes gradient steps from the weights of a network."""
    model = fsl.models.MAML(
        net, inner_steps=1, inner_learning_rate=rate, test_steps=steps, regression=True
    )
    model.compile()
    return model


def exam(seed):
    return fsl.datasets.SinusoidTasks().episodes(
        SHOTS, QUERIES, tasks=100, seed=seed, count=WAVES
    )


def schedule(updates):
    return keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, updates))


def meta_trained(updates):
    """Trains with MAML: one inner step of 0.01, 25 waves an update."""
    model = learner(network(), 0.01)
    model.compile(schedule(updates))
    episodes = fsl.datasets.SinusoidTasks().episodes(SHOTS, SHOTS, tasks=TASKS)
    model.fit(episodes, steps_per_epoch=updates, verbose=2)
    return model


def jointly_trained(updates):
    """Trains the same network to fit all points of as many waves at once."""
    net = network()
    net.compile(schedule(updates), loss="mse")
    episodes = fsl.datasets.SinusoidTasks().episodes(SHOTS, SHOTS, tasks=TASKS)

    def as_points(x, y):
        points = keras.ops.concatenate([x["support"], x["query"]], axis=1)
        values = keras.ops.concatenate([x["support_labels"], y], axis=1)
        return keras.ops.reshape(points, (-1, 1)), keras.ops.reshape(values, (-1, 1))

    net.fit(episodes.map(as_points), steps_per_epoch=updates, shuffle=False, verbose=2)
    return net


def error_with_interval(model):
    """The mean squared error over the test waves and its 95% interval."""
    errors = []
    for x, y in exam(seed=2):
        outputs = model.predict_on_batch(x)
        errors.extend(np.mean((outputs - y.numpy()) ** 2, axis=(1, 2)))
    return fsl.evaluation.mean_and_interval(errors)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--updates", type=int, default=16000)
    updates = parser.parse_args().updates
    start = time.perf_counter()
    model = meta_trained(updates)
    seconds = time.perf_counter() - start
    mean, interval = error_with_interval(model)
    print(
        f"MAML, {STEPS} steps: {mean:.3f} ± {interval:.3f}, trained in {seconds:.0f} s"
    )
    net = jointly_trained(updates)
    errors = {rate: learner(net, rate).evaluate(exam(1), verbose=0) for rate in RATES}
    print("joint training, validation error by rate:", errors)
    # A rate at which the steps diverge gives NaN.
    best = min(errors, key=lambda rate: np.nan_to_num(errors[rate], nan=np.inf))
    joint, interval = error_with_interval(learner(net, best))
    print(f"joint training, {STEPS} steps of {best}: {joint:.3f} ± {interval:.3f}")
    print(f"ratio {joint / mean:.1f}")


if __name__ == "__main__":
    main()
