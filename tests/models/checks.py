"""What every learner of vectors goes through, each check with the model at hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving

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


def assert_saves(model, vectors, path):
    """A trained model, saved and loaded, predicts the same and trains on."""
    episodes = vectors.episodes(WAYS, 2, 4)
    # Tracing would take longer than the steps; the loaded model is compiled alike.
    model.compile(run_eagerly=True)
    fit(model, episodes, 1)
    assert_config_round_trip(model)
    x, y = arrays(episodes)
    loaded = assert_same_predictions_after_saving(model, x, path)
    assert loaded.run_eagerly
    assert np.isfinite(loaded.train_on_batch(x, y)).all()


def assert_takes_episodes_of_any_size(model, vectors):
    """After a second shape the static one is lost: each answer must still be right."""
    model.compile()
    fit(model, vectors.episodes(WAYS, 1, 2, tasks=2), 1)
    for ways, shots, tasks in [(2, 3, 1), (5, 4, 2)]:
        episodes = vectors.episodes(ways, shots, 2, tasks=tasks, count=2)
        predicted = model.predict(episodes, verbose=0)
        one_by_one = np.concatenate([model(x) for x, _ in episodes])
        np.testing.assert_allclose(predicted, one_by_one, rtol=1e-4, atol=1e-4)
    padded = vectors.episodes(ways=(2, 4), shots=(1, 3), queries=2)
    assert np.isfinite(fit(model, padded, 2))


def assert_adapts(model, vectors, path):
    """A classifier learns, grows as the method can, and answers the same anywhere."""
    x, _ = arrays(vectors.episodes(4, 5, 5))
    items, classes = x["support"][0], x["support_labels"][0].argmax(-1)
    names = np.array(["finch", "heron", "tern", "wren"])[classes]
    first = classes != 3
    classifier = model.adapt(items[first], names[first].tolist())
    labels = np.eye(3, dtype="float32")[classes[first]]
    episode = {
        "support": items[first],
        "support_labels": labels,
        "query": x["query"][0],
    }
    logits = model({name: value[None] for name, value in episode.items()})[0]
    probabilities = classifier.predict(episode["query"], verbose=0)
    np.testing.assert_allclose(probabilities, tf.nn.softmax(logits), atol=1e-5)

    classifier.add_class("wren", items[~first])
    at_once = model.adapt(items, names.tolist())
    probabilities = classifier.predict(episode["query"], verbose=0)
    expected = at_once.predict(episode["query"], verbose=0)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)

    loaded = assert_same_predictions_after_saving(
        classifier, episode["query"], path / "classifier.keras"
    )
    loaded.remove_class("heron")
    assert loaded.predict(episode["query"], verbose=0).shape == (20, 3)
    classifier.export(path / "exported")
    exported = tf.saved_model.load(path / "exported")
    served = exported.serve(episode["query"])["probabilities"]
    np.testing.assert_allclose(served, probabilities, atol=1e-5)


def assert_trains_in_mixed_precision(make_model, vectors, policy="mixed_bfloat16"):
    """Under a mixed policy the backbone is in half precision and the loss finite."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        model = make_model()
        model.compile(keras.optimizers.Adam(1e-2))
    finally:
        keras.config.set_dtype_policy(before)
    assert model.backbone.layers[-1].compute_dtype == policy.removeprefix("mixed_")
    assert {w.dtype for w in model.weights} == {"float32"}
    assert np.isfinite(fit(model, vectors.episodes(WAYS, 2, 4), 3))
    x, _ = arrays(vectors.episodes(WAYS, 2, 4))
    assert model(x).dtype == "float32"
    assert np.isfinite(model(x)).all()


def assert_trains_under_xla(make_model, vectors):
    """Compiled by XLA, training and testing give the same losses."""
    x, y = arrays(vectors.episodes(WAYS, 2, 4, tasks=2))
    losses = []
    for jit_compile in (False, True):
        model = make_model()
        model.compile(keras.optimizers.SGD(1e-2), jit_compile=jit_compile)
        steps = [model.train_on_batch(x, y, return_dict=True)["loss"] for _ in range(2)]
        tested = model.test_on_batch(x, y, return_dict=True)["loss"]
        losses.append([*steps, tested])
    assert losses[1] == pytest.approx(losses[0], rel=1e-3)
