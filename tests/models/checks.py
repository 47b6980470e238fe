"""A small backbone, and what tests of single learners share."""

import keras

WAYS = 3


def backbone(units=8):
    """A small map of vectors in four dimensions, the same each time."""
    keras.utils.set_random_seed(0)
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(units)])


def arrays(stream):
    """The first element of a stream, as arrays."""
    return next(iter(stream.as_numpy_iterator()))


def fit(model, episodes, steps):
    """Trains a compiled model and returns its mean loss."""
    history = model.fit(episodes, steps_per_epoch=steps, verbose=0)
    return history.history["loss"][0]


def assert_training_lowers_the_loss(model, vectors, steps=30):
    """Training on a stream makes the loss of other episodes smaller."""
    fixed = vectors.episodes(WAYS, 2, 4, tasks=4, count=4, seed=1)
    model.compile(keras.optimizers.Adam(1e-2))
    before = model.evaluate(fixed, return_dict=True, verbose=0)["loss"]
    fit(model, vectors.episodes(WAYS, 2, 4, tasks=4), steps)
    after = model.evaluate(fixed, return_dict=True, verbose=0)["loss"]
    assert after < 0.9 * before
