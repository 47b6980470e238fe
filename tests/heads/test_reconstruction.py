import math

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.heads import ReconstructionHead

SIZE, CHANNELS = (3, 2), 4


def random_episode(seed, ways=3, size=SIZE, channels=CHANNELS, tasks=2):
    """Feature maps of unequal shots, two places padding, labels, and queries."""
    rng = np.random.default_rng(seed)
    labels = np.eye(ways)[rng.integers(0, ways, (tasks, 7))]
    labels[:, rng.permutation(7)[:2]] = 0
    support = rng.normal(size=(tasks, 7, *size, channels))
    query = rng.normal(size=(tasks, 5, *size, channels))
    return [x.astype("float32") for x in (support, labels, query)]


def squared_error(maps, others, ridge, rho):
    """The mean squared error of places that are regressed on those of other maps."""
    system = others @ others.T + ridge * len(others) * np.eye(len(others))
    found = maps @ others.T @ np.linalg.inv(system) @ others
    return np.square(maps - rho * found).sum(axis=1).mean()


def reference(
    support, labels, query, regularization=1.0, scale=10.0, rho=1.0, backward=0.0
):
    """The equations of the papers, place by place, one class of a task at a time."""
    channels = query.shape[-1]
    ridge = regularization / channels
    support, query = (
        x.astype("float64") / math.sqrt(channels) for x in (support, query)
    )
    logits = np.full((*query.shape[:2], labels.shape[-1]), -1e9)
    for task, of_class in np.ndindex(labels.shape[0], labels.shape[2]):
        chosen = support[task][labels[task, :, of_class] == 1]
        if not len(chosen):
            continue
        s = chosen.reshape(-1, channels)
        for index, item in enumerate(query[task]):
            q = item.reshape(-1, channels)
            error = squared_error(q, s, ridge, rho)
            error += backward * squared_error(s, q, ridge, rho)
            logits[task, index, of_class] = -scale * error
    return logits


def test_by_hand():
    # S^T S / D of [1, 0] at both of two places is diag(1, 0), lambda is 1 * 2 / 2: half
    # of the query's first channel is found and nothing of its second, which leaves
    # 1/2 * (1/4 * 2^2 + 1^2) / 2 at one of the two places.
    support = np.array([[[[[1.0, 0.0], [1.0, 0.0]]]]])
    query = np.array([[[[[2.0, 1.0], [0.0, 0.0]]]]])
    head = ReconstructionHead(regularization=1.0, scale=4.0)
    logits = head(support, np.ones((1, 1, 1)), query)
    np.testing.assert_allclose(logits, [[[-4.0 * 0.5]]], rtol=1e-6)


# More channels than places of an example, as many, and fewer.
@pytest.mark.parametrize("channels", [2, 6, 12])
@pytest.mark.parametrize("regularization", [0.1, 10.0])
@pytest.mark.parametrize("seed", range(3))
def test_random_episodes_of_unequal_shots_with_padding(seed, regularization, channels):
    episode = random_episode(seed, channels=channels)
    np.testing.assert_allclose(
        ReconstructionHead(regularization)(*episode),
        reference(*episode, regularization),
        rtol=1e-4,
    )


def test_rho_and_scale_take_effect():
    head = ReconstructionHead()
    head.log_rho.assign(math.log(0.7))
    head.log_scale.assign(math.log(3.0))
    episode = random_episode(0)
    expected = reference(*episode, scale=3.0, rho=0.7)
    np.testing.assert_allclose(head(*episode), expected, rtol=1e-4)


@pytest.mark.parametrize("channels", [2, 6, 12])
@pytest.mark.parametrize("seed", range(3))
def test_classes_are_reconstructed_from_the_query_too(seed, channels):
    head = ReconstructionHead(0.5, bidirectional=True)
    episode = random_episode(seed, channels=channels)
    expected = reference(*episode, 0.5, backward=1.0)
    np.testing.assert_allclose(head(*episode), expected, rtol=1e-4)
    head.log_backward.assign(math.log(0.3))
    expected = reference(*episode, 0.5, backward=0.3)
    np.testing.assert_allclose(head(*episode), expected, rtol=1e-4)


def test_only_the_bidirectional_error_detects_parts_that_the_query_lacks():
    # The query is one of the two parts of a class, and all of another class.
    part, other = np.eye(2, dtype="float32")
    support = np.array([[[[part, other]], [[part, part]]]])
    query = np.array([[[[part, part]]]])
    one_way = ReconstructionHead(1e-4)(support, np.eye(2)[None], query)
    np.testing.assert_allclose(one_way, np.zeros((1, 1, 2)), atol=1e-4)
    both_ways = ReconstructionHead(1e-4, bidirectional=True)
    logits = both_ways(support, np.eye(2)[None], query)
    # Half of the places are not found, and the error of one is 1 / D.
    np.testing.assert_allclose(logits, [[[-10.0 * 0.5 / 2, 0.0]]], atol=1e-4)


@pytest.mark.parametrize("bidirectional", [False, True])
def test_several_maps_of_an_item_are_each_compared_with_the_same_of_the_others(
    bidirectional,
):
    support, labels, query = random_episode(0)
    head = ReconstructionHead(bidirectional=bidirectional)
    rng = np.random.default_rng(1)
    supports = [support, *rng.normal(size=(2, *support.shape)).astype("float32")]
    queries = [query, *rng.normal(size=(2, *query.shape)).astype("float32")]
    logits = head(np.stack(supports, 2), labels, np.stack(queries, 2))
    pairs = zip(supports, queries, strict=True)
    each = [head(s, labels, q) for s, q in pairs]
    np.testing.assert_allclose(logits, np.mean(each, axis=0), rtol=1e-4)


def test_the_places_of_parts_do_not_matter():
    support, labels, query = random_episode(0)
    head = ReconstructionHead()
    np.testing.assert_allclose(
        head(support[:, :, ::-1], labels, query[:, :, :, ::-1]),
        head(support, labels, query),
        rtol=1e-5,
    )


@pytest.mark.parametrize("bidirectional", [False, True])
def test_sizes_may_be_known_when_it_runs_alone(bidirectional):
    head = ReconstructionHead(bidirectional=bidirectional)
    maps = (None, None, *SIZE, CHANNELS)
    specs = [tf.TensorSpec(shape) for shape in (maps, (None, None, None), maps)]
    traced = tf.function(lambda *given: head(*given), input_signature=specs)
    for ways in (2, 3):
        episode = random_episode(0, ways)
        np.testing.assert_allclose(traced(*episode), head(*episode), rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_what_is_inverted_is_never_singular(value):
    # Maps all the same, and hardly any regularization.
    head = ReconstructionHead(regularization=1e-30, bidirectional=True)
    maps = tf.fill((1, 3, *SIZE, CHANNELS), value)
    with tf.GradientTape() as tape:
        tape.watch(maps)
        logits = head(maps, tf.eye(3)[None], maps)
    assert np.isfinite(tape.gradient(logits, maps)).all()
    # A map is all but found in itself: of 1e5 in squares, 1e-2 are left at most.
    np.testing.assert_allclose(logits, np.zeros((1, 3, 3)), atol=1e-2)


def test_what_is_not_learned_stays_as_given():
    head = ReconstructionHead(regularization=2.0, scale=3.0, learned=False)
    assert head.trainable_weights == []
    assert float(head.log_regularization) == pytest.approx(math.log(2))
    assert float(head.log_scale) == pytest.approx(math.log(3))


@pytest.mark.parametrize("name", ["regularization", "scale"])
@pytest.mark.parametrize("value", [0.0, -1.0, math.inf])
def test_bad_values_are_rejected(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be above 0.*{name}={value}"):
        ReconstructionHead(**{name: value})
