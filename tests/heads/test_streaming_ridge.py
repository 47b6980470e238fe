import numpy as np
import pytest
from sklearn.linear_model import Ridge

from fsl_keras.heads import RidgeHead, StreamingRidgeHead
from tests.heads.checks import assert_logits, padded_episodes


def reference(support, labels, query, regularization=0.3):
    """scikit-learn in double precision, every example of the same weight."""
    squares = np.square(support).sum(axis=-1).mean()
    model = Ridge(regularization * squares, fit_intercept=False).fit(support, labels)
    return 10 * model.predict(query).reshape(len(query), -1)


def episode(ways=4, shots=5, length=8, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.eye(ways, dtype="f4")[np.repeat(np.arange(ways), shots)]
    items, query = rng.normal(size=(2, ways * shots, length)).astype("f4")
    return items, labels, query


def test_by_hand():
    # X = [[1, 0], [0, 3]], Y = I, and lambda is 0.2 * (1 + 9) / 2 = 1.
    support = np.array([[[1.0, 0.0], [0.0, 3.0]]])
    head = StreamingRidgeHead(regularization=0.2, scale=1.0)
    memory = head.remember(support, np.eye(2)[None])
    np.testing.assert_array_equal(memory["products"], [[[1, 0], [0, 9]]])
    np.testing.assert_array_equal(memory["sums"], [[[1, 0], [0, 3]]])
    state = head.prepare(memory)
    np.testing.assert_allclose(state["weights"], [[[0.5, 0], [0, 0.3]]], rtol=1e-6)


@pytest.mark.parametrize("shots", [(2, 1, 0, 3), (1, 1, 1), (20, 1, 5)], ids=str)
def test_agrees_with_scikit_learn(shots):
    head, drawn = StreamingRidgeHead(), padded_episodes(shots=shots)
    assert_logits(head, drawn, reference, rtol=1e-4, atol=1e-4)


# Fewer dimensions than examples, and more: `RidgeHead` has a system for each.
@pytest.mark.parametrize("length", [8, 40])
@pytest.mark.parametrize("regularization", [0.01, 1.0])
def test_is_ridge_head_where_classes_have_equally_many_examples(regularization, length):
    drawn = [x[None] for x in episode(length=length)]
    found = StreamingRidgeHead(regularization)(*drawn)
    expected = RidgeHead(regularization, relative=True)(*drawn)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.slow  # two systems of 2,048 unknowns
def test_many_dimensions_agree_with_double_precision():
    items, labels, query = episode(ways=40, shots=75, length=2048)
    # As the output of a ReLU: the mean is the largest direction by far.
    items, query = np.abs(items), np.abs(query)[:50]
    found = StreamingRidgeHead()(items[None], labels[None], query[None])[0]
    expected = reference(*(x.astype("f8") for x in (items, labels, query)))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


class TestProjection:
    def test_is_ridge_regression_on_random_features(self):
        items, labels, query = episode()
        head = StreamingRidgeHead(projection=50)
        found = head(items[None], labels[None], query[None])
        matrix = np.asarray(head.matrix, "f8")
        items, query = (np.maximum(x.astype("f8") @ matrix, 0) for x in (items, query))
        expected = reference(items, labels.astype("f8"), query)
        np.testing.assert_allclose(found[0], expected, rtol=1e-4, atol=1e-4)

    def test_features_are_as_long_as_embeddings(self):
        head = StreamingRidgeHead(projection=20_000)
        head.build((None, None, 16))
        items = np.random.default_rng(0).normal(size=(5, 16)).astype("f4")
        found = np.linalg.norm(head.transform(items), axis=-1)
        np.testing.assert_allclose(found, np.linalg.norm(items, axis=-1), rtol=0.05)

    def test_the_seed_determines_the_matrix(self):
        heads = [StreamingRidgeHead(projection=9, seed=seed) for seed in (3, 3, 4)]
        for head in heads:
            head.build((None, None, 4))
        first, same, other = (np.asarray(head.matrix) for head in heads)
        np.testing.assert_array_equal(first, same)
        assert np.abs(first - other).max() > 0.1
        assert heads[0].trainable_weights == []

    def test_separates_what_is_not_linear(self):
        # The first class is between the parts of the second.
        items = np.linspace(-1, 1, 40)[:, None] * np.array([[1.0, 0.0]]) + [0, 1]
        labels = (np.abs(items[:, 0]) > 0.5).astype(int)
        given = items[None], np.eye(2)[labels][None], items[None]
        linear, projected = (
            np.mean(np.asarray(head(*given))[0].argmax(-1) == labels)
            for head in (
                StreamingRidgeHead(1e-4),
                StreamingRidgeHead(1e-4, projection=200),
            )
        )
        assert linear < 0.8
        assert projected > 0.9

    @pytest.mark.parametrize("projection", [0, -1, 2.5])
    def test_errors(self, projection):
        with pytest.raises(ValueError, match=rf"positive integer.*={projection}"):
            StreamingRidgeHead(projection=projection)


@pytest.mark.parametrize("regularization", [0.0, -1.0, float("nan"), float("inf")])
def test_a_regularization_that_is_not_above_0_is_rejected(regularization):
    with pytest.raises(ValueError, match=rf"above 0.*={regularization}"):
        StreamingRidgeHead(regularization)


@pytest.mark.parametrize("projection", [None, 6])
def test_the_power_comes_before_random_features(projection):
    rng = np.random.default_rng(3)
    roots, labels = rng.uniform(0, 2, (1, 8, 4)), np.eye(2)[None, [0, 1] * 4]
    plain = StreamingRidgeHead(projection=projection)
    of_roots = StreamingRidgeHead(projection=projection, power=0.5)
    np.testing.assert_allclose(
        of_roots(roots**2, labels, roots**2), plain(roots, labels, roots), rtol=1e-4
    )
