import keras
import numpy as np
import pytest

from fsl_keras.heads import SimpleShotHead, WhitenedHead
from tests.heads.checks import (
    assert_logits,
    class_means,
    each_shots,
    padded_episodes,
    squared_distances,
    unit,
)


def base(seed=0, classes=5, examples=20, size=6):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), examples)
    means = 3 + rng.normal(size=(classes, size))
    noise = rng.normal(size=(len(labels), size)) * np.linspace(0.1, 1, size)
    return means[labels] + noise, labels


def fitted(shrinkage=0.6, size=6):
    head = WhitenedHead(shrinkage)
    head.build((None, None, size))
    head.fit_base(*base(size=size))
    return head


def within(embeddings, labels):
    """The covariance of embeddings within their classes."""
    rest = embeddings - class_means(embeddings, np.eye(5)[labels])[labels]
    return rest.T @ rest / len(rest)


def test_embeddings_vary_alike_in_all_directions_without_shrinkage():
    embeddings, labels = base()
    head = fitted(shrinkage=1e-6)
    whitened = (unit(embeddings) - head.center) @ np.asarray(head.whitening)
    covariance = within(whitened, labels)
    mean = np.trace(within(unit(embeddings), labels)) / 6
    np.testing.assert_allclose(covariance, mean * np.eye(6), atol=1e-3 * mean)


def test_with_full_shrinkage_embeddings_are_only_centered():
    head = fitted(shrinkage=1.0)
    np.testing.assert_allclose(head.whitening, np.eye(6), atol=1e-6)
    embeddings, labels = base()
    means = class_means(unit(embeddings), np.eye(5)[labels])
    np.testing.assert_allclose(head.center, means.mean(axis=0), rtol=1e-5)


@each_shots
@pytest.mark.parametrize("seed", range(2))
def test_random_episodes_with_padding(seed, shots):
    head = fitted()
    covariance = within(unit(base()[0]), base()[1])
    mean = np.trace(covariance) / 6
    shrunk = 0.4 * covariance + 0.6 * mean * np.eye(6)
    values, vectors = np.linalg.eigh(shrunk / mean)
    root = vectors @ np.diag(values**-0.5) @ vectors.T

    def reference(support, labels, query):
        center = np.asarray(head.center)
        support, query = (unit((unit(x) - center) @ root) for x in (support, query))
        return -squared_distances(query, class_means(support, labels))

    episodes = padded_episodes(seed, shots)
    assert_logits(head, episodes, reference, rtol=1e-3, atol=1e-4)


def test_before_it_is_fitted_it_is_a_simple_shot_head_without_a_center():
    rng = np.random.default_rng(0)
    support, query = rng.normal(size=(2, 1, 4, 3)).astype("float32")
    labels = np.eye(2, dtype="float32")[None, [0, 0, 1, 1]]
    np.testing.assert_allclose(
        WhitenedHead()(support, labels, query),
        SimpleShotHead()(support, labels, query),
        atol=1e-6,
    )


def test_a_direction_that_varies_within_every_class_counts_for_less():
    # Light changes the first number a lot; classes differ in the others.
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 30)
    means = np.r_["1", np.zeros((8, 1)), rng.normal(size=(8, 3))]
    light = np.outer(2 * rng.normal(size=len(labels)), [1, 0, 0, 0])
    embeddings = means[labels] + light + 0.1 * rng.normal(size=(len(labels), 4))
    seen = labels < 4
    plain, head = SimpleShotHead(), WhitenedHead(0.1)
    for each in (plain, head):
        each.build((None, None, 4))
        each.fit_base(embeddings[seen], labels[seen])
    first = np.array([120, 150, 180, 210])
    accuracy = {}
    for name, each in (("plain", plain), ("whitened", head)):
        logits = each(embeddings[None, first], np.eye(4)[None], embeddings[None, 120:])
        accuracy[name] = np.mean(np.asarray(logits)[0].argmax(-1) == labels[120:] - 4)
    assert accuracy["whitened"] > accuracy["plain"] + 0.1


def test_its_config_makes_it_again(tmp_path):
    head = fitted(0.3)
    again = WhitenedHead.from_config(head.get_config())
    assert again.shrinkage == 0.3
    again.build((None, None, 6))
    again.set_weights(head.get_weights())
    support, labels, query = np.ones((1, 1, 6)), np.ones((1, 1, 1)), np.ones((1, 2, 6))
    np.testing.assert_array_equal(
        again(support, labels, query), head(support, labels, query)
    )
    assert isinstance(keras.saving.serialize_keras_object(head), dict)


def test_errors():
    for shrinkage in (0, 1.5):
        with pytest.raises(ValueError, match=f"shrinkage={shrinkage}"):
            WhitenedHead(shrinkage)
    head = WhitenedHead()
    head.build((None, None, 2))
    with pytest.raises(ValueError, match="two different embeddings"):
        head.fit_base(np.eye(2), [0, 1])
