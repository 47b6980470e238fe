import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from fsl_keras.heads import LinearDiscriminantHead, PrototypeHead
from tests.heads.checks import assert_logits, padded_episodes


def above_mean(logits):
    """Logits minus the mean of all classes: what a softmax depends on."""
    return logits - logits.mean(axis=-1, keepdims=True)


def reference(support, labels, query, shrinkage=0.7):
    """scikit-learn in double precision, without its prior probabilities."""
    model = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=shrinkage)
    model.fit(support, labels.argmax(-1))
    logits = query @ model.coef_.T + model.intercept_
    return logits - np.log(model.priors_)


def episode(ways=5, shots=8, length=6, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(ways), shots)
    scales = rng.uniform(0.3, 3.0, length)
    items = rng.normal(size=(ways, length))[labels]
    items = items + scales * rng.normal(size=items.shape)
    query = scales * rng.normal(size=(40, length))
    return items.astype("f4"), np.eye(ways, dtype="f4")[labels], query.astype("f4")


def test_by_hand():
    # The variances within classes are 0 and 16: shrunk by a half, 4 and 12. The center
    # is (1, 0), and the means are (0, 0) and (2, 0).
    support = np.array([[[0.0, 4.0], [0.0, -4.0], [2.0, 4.0], [2.0, -4.0]]])
    labels = np.eye(2)[None, [0, 0, 1, 1]]
    head = LinearDiscriminantHead(shrinkage=0.5)
    state = head.prepare(head.remember(support, labels))
    np.testing.assert_allclose(state["weights"], [[[-1 / 4, 1 / 4], [0, 0]]])
    np.testing.assert_allclose(state["biases"], [[1 / 8, -3 / 8]])
    # Where a class and the center are equally near, the logit is 0.
    logits = np.asarray(head.score(state, np.array([[[0.5, 7.0], [1.5, -3.0]]])))
    np.testing.assert_allclose(logits[0, [0, 1], [0, 1]], [0, 0], atol=1e-6)


@pytest.mark.parametrize("shrinkage", [0.01, 0.3, 1.0])
def test_agrees_with_scikit_learn(shrinkage):
    items, labels, query = episode()
    head = LinearDiscriminantHead(shrinkage)
    found = np.asarray(head(items[None], labels[None], query[None]))[0]
    expected = reference(*(x.astype("f8") for x in (items, labels, query)), shrinkage)
    np.testing.assert_allclose(above_mean(found), above_mean(expected), atol=1e-4)


def test_padded_episodes_of_unequal_shots():
    drawn = padded_episodes(shots=(4, 2, 0, 3))
    tolerance = {"rtol": 1e-4, "atol": 1e-4}
    assert_logits(LinearDiscriminantHead(), drawn, reference, above_mean, **tolerance)


def test_directions_that_vary_within_classes_count_less():
    # Classes differ by 2 in the first dimension, and examples vary by 10 in the second.
    rng = np.random.default_rng(0)
    labels = np.arange(400) % 2
    items = np.stack([2.0 * labels, 10.0 * rng.normal(size=400)], axis=1)
    items += 0.3 * rng.normal(size=items.shape)
    support, query = items[:20][None], items[20:][None]
    one_hot = np.eye(2)[labels[:20]][None]
    accuracy = [
        (np.asarray(head(support, one_hot, query))[0].argmax(-1) == labels[20:]).mean()
        for head in (LinearDiscriminantHead(0.01), PrototypeHead())
    ]
    assert accuracy[0] > 0.95
    assert accuracy[1] < 0.8


def test_single_examples_are_the_nearest_mean():
    items, labels, query = episode(shots=1)
    parts = items[None], labels[None], query[None]
    found = np.asarray(LinearDiscriminantHead()(*parts))
    # Half the squared distance: that of a density of variance 1.
    expected = np.asarray(PrototypeHead()(*parts)) / 2
    np.testing.assert_allclose(above_mean(found), above_mean(expected), atol=1e-4)


def test_the_same_example_for_all_classes():
    items = np.full((1, 6, 4), 100.0, "float32")
    labels = np.eye(3, dtype="float32")[None, [0, 0, 1, 1, 2, 2]]
    logits = LinearDiscriminantHead()(items, labels, items)
    np.testing.assert_allclose(logits, np.zeros((1, 6, 3)), atol=1e-5)


def test_embeddings_far_from_the_origin():
    items, labels, query = episode(shots=50)
    found, near = (
        np.asarray(
            LinearDiscriminantHead()(
                (items + offset)[None], labels[None], (query + offset)[None]
            )
        )
        for offset in (1024.0, 0.0)
    )
    # What is left is the rounding of the embeddings themselves to float32.
    np.testing.assert_allclose(found, near, atol=1e-2)


@pytest.mark.slow  # two systems of 2,048 unknowns
def test_many_dimensions_in_single_precision_agree_with_double_precision():
    items, labels, query = episode(ways=30, shots=100, length=2048)
    head = LinearDiscriminantHead()
    found = np.asarray(head(items[None], labels[None], query[None]))[0]
    items, labels, query = (x.astype("f8") for x in (items, labels, query))
    means = labels.T @ items / 100
    deviations = items - labels @ means
    covariance = deviations.T @ deviations / 3000
    shrunk = 0.3 * covariance + 0.7 * np.trace(covariance) / 2048 * np.eye(2048)
    weights = np.linalg.solve(shrunk, means.T)
    expected = query @ weights - 0.5 * np.sum(means.T * weights, axis=0)
    np.testing.assert_allclose(
        above_mean(found), above_mean(expected), rtol=1e-4, atol=1e-3
    )


@pytest.mark.parametrize("shrinkage", [0.0, -0.1, 1.1, float("nan")])
def test_a_shrinkage_out_of_range_is_rejected(shrinkage):
    with pytest.raises(ValueError, match=rf"above 0 and at most 1.*={shrinkage}"):
        LinearDiscriminantHead(shrinkage)


def test_the_power_keeps_signs():
    """The square roots of 4, 0 and -9 are 2, 0 and -3."""
    plain = LinearDiscriminantHead()
    of_roots = LinearDiscriminantHead(power=0.5)
    support = np.array([[[4.0, 0], [-9, 1], [0, 4], [1, -1]]])
    roots = np.array([[[2.0, 0], [-3, 1], [0, 2], [1, -1]]])
    labels = np.eye(2)[None, [0, 0, 1, 1]]
    np.testing.assert_allclose(
        of_roots(support, labels, support), plain(roots, labels, roots), rtol=1e-5
    )
    assert LinearDiscriminantHead.from_config(of_roots.get_config()).power == 0.5


@pytest.mark.parametrize("power", [0.0, -0.5, float("nan")])
def test_a_power_that_is_not_above_0_is_rejected(power):
    with pytest.raises(ValueError, match="`power` must be above 0"):
        LinearDiscriminantHead(power=power)
