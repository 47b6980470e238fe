import numpy as np
import pytest

from fsl_keras.heads import RidgeHead, WhitenedRidgeHead
from tests.heads.checks import unit


def photographs(seed=0, classes=10, examples=20, size=12, light=2.0):
    """Positive embeddings with a common mean, of which the first one varies by light.

    Returns:
        float `[n, D]`, and the class of each.
    """
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), examples)
    found = 4 + rng.normal(size=(classes, size))[labels]
    found += 0.3 * rng.normal(size=found.shape)
    found[:, 0] += light * rng.normal(size=len(labels))
    return np.maximum(found, 0), labels


def fitted(base=None, **arguments):
    head = WhitenedRidgeHead(**{"directions": 3, **arguments})
    embeddings, labels = photographs() if base is None else base
    head.build((None, None, embeddings.shape[1]))
    head.fit_base(embeddings, labels)
    return head


def episode(seed=1):
    embeddings, labels = photographs(seed, classes=4)
    support = embeddings[[0, 20, 40, 60]][None]
    return support, np.eye(4, dtype="float32")[None], embeddings[None], labels


def test_without_a_base_one_example_is_ridge_regression_of_powers_of_unit_length():
    support, labels, query, _ = episode()
    found = WhitenedRidgeHead(0.5, power=0.7)(support, labels, query)
    wanted = RidgeHead(0.5, relative=True)(
        *(unit(support**0.7), labels, unit(query**0.7))
    )
    np.testing.assert_allclose(found, wanted, atol=1e-4)


def test_with_more_examples_the_distance_to_their_mean_is_subtracted():
    embeddings, _ = photographs(1, classes=2)
    rows, of_class = np.r_[0, 1, 2, 20], np.eye(2)[[0, 0, 0, 1]]
    support, query = unit(embeddings[rows]), unit(embeddings)
    ridge = RidgeHead(0.5, relative=True, scale=1.0)
    ridge = np.asarray(ridge(support[None], of_class[None], query[None]))[0]
    means = np.stack([support[:3].mean(axis=0), support[3]])
    distances = np.square(query[:, None] - means).sum(axis=-1)
    wanted = 10 * (ridge - (1 - 2 / 4) * (distances - 1))
    found = WhitenedRidgeHead(power=1.0)(
        np.r_[support, support[:1]][None],  # the last one is padding
        np.r_[of_class, np.zeros((1, 2))][None],
        query[None],
    )
    np.testing.assert_allclose(found[0], wanted, atol=1e-4)


def test_the_mean_of_the_base_is_removed():
    head = fitted(directions=0, power=1.0)
    embeddings, labels = photographs()
    means = [unit(embeddings)[labels == label].mean(axis=0) for label in range(10)]
    mean = unit(np.mean(means, axis=0))
    np.testing.assert_allclose(head.common[:, 0], mean, atol=1e-6)
    found = np.asarray(head.whiten(embeddings[None], np.ones((1, 1, 1))))
    np.testing.assert_allclose(found[0] @ mean, 0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(found, axis=-1), 1, rtol=1e-5)


def test_directions_are_scaled_by_the_inverse_root_of_their_shrunk_variance():
    head = fitted(directions=3, shrinkage=0.2, power=1.0)
    embeddings, labels = photographs()
    units = unit(embeddings)
    rest = np.concatenate(
        [units[labels == i] - units[labels == i].mean(axis=0) for i in range(10)]
    )
    mean = np.asarray(head.common)[:, 0]
    rest -= np.outer(rest @ mean, mean)
    values, vectors = np.linalg.eigh(rest.T @ rest / len(rest))
    shrunk = 0.8 * values + 0.2 * values.mean()
    scaled = np.eye(12) - np.asarray(head.common) @ np.asarray(head.common).T
    for place in (-1, -2, -3):
        wanted = np.sqrt(shrunk[0] / shrunk[place]) * vectors[:, place]
        np.testing.assert_allclose(scaled @ vectors[:, place], wanted, atol=1e-3)
    np.testing.assert_allclose(scaled @ vectors[:, -5], vectors[:, -5], atol=1e-3)


def test_it_gains_where_light_varies_within_every_class():
    right = {"base": [], "none": []}
    for seed in range(1, 9):
        support, labels, query, classes = episode(seed)
        heads = {"base": fitted(shrinkage=0.1), "none": WhitenedRidgeHead()}
        for name, head in heads.items():
            logits = np.asarray(head(support, labels, query))[0]
            right[name].append(np.mean(logits.argmax(-1) == classes))
    assert np.mean(right["base"]) > np.mean(right["none"]) + 0.05


def test_a_base_unlike_the_examples_is_not_used():
    support, labels, query, _ = episode()
    drawings, classes = photographs()
    strange = fitted((drawings * np.r_[50, np.zeros(11)] + 1e-3, classes))
    memory = strange.remember(support, labels)
    assert not np.any(strange.prepare(memory)["explained"])
    np.testing.assert_allclose(
        strange(support, labels, query),
        WhitenedRidgeHead(directions=3)(support, labels, query),
        atol=1e-5,
    )
    assert np.all(fitted().prepare(memory)["explained"])


def test_directions_of_a_file_may_be_fewer():
    head = WhitenedRidgeHead(directions=4)
    head.build((None, None, 6))
    head.set_directions(np.eye(6)[:, :2])
    np.testing.assert_array_equal(head.common, np.eye(6)[:, :5] * [1, 1, 0, 0, 0])


def test_a_small_base_is_refused_or_said():
    embeddings, labels = photographs()
    with pytest.raises(ValueError, match="The base has one class"):
        fitted((embeddings, np.zeros_like(labels)))
    with pytest.raises(ValueError, match="two different embeddings"):
        fitted((embeddings[::20], labels[::20]))
    with pytest.warns(UserWarning, match="20 items of 10 classes, too few"):
        fitted((embeddings[::10], labels[::10]), directions=11)


def test_errors():
    for bad in ({"power": 0}, {"shrinkage": 0}, {"directions": -1}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            WhitenedRidgeHead(**bad)
