import keras
import numpy as np
import pytest

from fsl_keras.heads import RelationHead
from tests.heads.checks import assert_logits, each_shots, signed_episodes

FILTERS, CHANNELS = 4, 3
SIZES = [(5, 4), (2, 2), (1, 1), (1, 3), (7, 7)]


def random_episode(size=(5, 4), seed=0, ways=3):
    """Feature maps of two tasks of unequal shots with padding, labels, queries."""
    rng = np.random.default_rng(seed)
    labels = np.tile(np.eye(ways)[np.arange(7) % ways], (2, 1, 1))
    labels[:, [1, 3]] = 0  # two places are padding
    support = rng.normal(size=(2, 7, *size, CHANNELS))
    query = rng.normal(size=(2, 5, *size, CHANNELS))
    return [x.astype("float32") for x in (support, labels, query)]


def built_head(size=(5, 4), seed=0):
    """A head with weights and running statistics that are all random."""
    keras.utils.set_random_seed(seed)
    head = RelationHead(filters=FILTERS, units=6)
    head.build((None, None, *size, CHANNELS))
    rng = np.random.default_rng(seed)
    head.set_weights(
        [rng.uniform(0.1, 1, w.shape) - 0.2 * (w.ndim > 1) for w in head.weights]
    )
    return head


class Textbook:
    """The relation module of the paper, on pairs of maps put together."""

    def __init__(self, head):
        self.kernels = [
            np.concatenate(
                [head.class_convolution.kernel, head.query_convolution.kernel], axis=2
            ),
            np.asarray(head.pair_convolution.kernel),
        ]
        self.norms = [norm.get_weights() for norm in head.normalizations]
        self.epsilon = head.normalizations[0].epsilon
        self.dense = [*head.hidden.get_weights(), *head.relation.get_weights()]

    def __call__(self, support, labels, query):
        """Scores each query's map, concatenated with the sum of each class's maps."""
        return self.score(pairs_of(support, labels, query))

    def score(self, pairs, training=False):
        """Returns the scores `[...]` of maps `[..., h, w, 2D]`."""
        x = pairs.reshape(-1, *pairs.shape[-3:])
        for kernel, norm in zip(self.kernels, self.norms, strict=True):
            x = convolved(x, kernel)
            gain, offset, mean, variance = norm
            if training:
                mean, variance = x.mean(axis=(0, 1, 2)), x.var(axis=(0, 1, 2))
            x = (x - mean) / np.sqrt(variance + self.epsilon) * gain + offset
            x = halved(np.maximum(x, 0))
        kernel, bias, last_kernel, last_bias = self.dense
        x = np.maximum(x.reshape(len(x), -1) @ kernel + bias, 0)
        return (x @ last_kernel + last_bias).reshape(pairs.shape[:-3])


def pairs_of(support, labels, query):
    """The maps of queries and classes, concatenated: `[M, N, h, w, 2D]`."""
    sums = np.einsum("sn,s...->n...", labels, support)
    return np.stack(
        [[np.concatenate([of_class, x], axis=-1) for of_class in sums] for x in query]
    )


def convolved(maps, kernel):
    """A 3x3 convolution of maps `[B, h, w, D]` with zeros around them."""
    height, width = maps.shape[1:3]
    wide = np.pad(maps, [(0, 0), (1, 1), (1, 1), (0, 0)])
    return sum(
        wide[:, row : row + height, column : column + width] @ kernel[row, column]
        for row, column in np.ndindex(3, 3)
    )


def halved(maps):
    """The largest of each 2x2 places, where there are as many."""
    height, width = maps.shape[1] // 2, maps.shape[2] // 2
    if not height or not width:
        return maps
    blocks = maps[:, : 2 * height, : 2 * width]
    blocks = blocks.reshape(len(maps), height, 2, width, 2, -1)
    return blocks.max(axis=(2, 4))


@pytest.mark.slow
@each_shots
@pytest.mark.parametrize("size", SIZES)
def test_random_episodes_with_padding(size, shots):
    head, episode = built_head(size), signed_episodes(0, shots, shape=(*size, CHANNELS))
    assert_logits(head, episode, Textbook(head), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("size", SIZES)
def test_in_training_all_pairs_of_a_batch_share_statistics(size):
    head, episode = built_head(size), random_episode(size)
    pairs = np.stack(
        [pairs_of(*task) for task in zip(*map(np.float64, episode), strict=True)]
    )
    module = Textbook(head)
    expected = module.score(pairs, training=True)
    logits = head(*episode, training=True)
    np.testing.assert_allclose(logits, expected, rtol=1e-3, atol=1e-3)
    # The running statistics move towards those of the first convolution.
    maps = convolved(pairs.reshape(-1, *pairs.shape[-3:]), module.kernels[0])
    before, momentum = module.norms[0], head.momentum
    norm = head.normalizations[0]
    for moved, old, new in [
        (norm.moving_mean, before[2], maps.mean(axis=(0, 1, 2))),
        (norm.moving_variance, before[3], maps.var(axis=(0, 1, 2))),
    ]:
        expected = momentum * old + (1 - momentum) * new
        np.testing.assert_allclose(moved, expected, rtol=1e-4)


def test_by_hand():
    # Maps of one number and kernels of which only the middle counts. Class maps are
    # the sums 1 + 2 and 4, the query is 10; relu(3 - 10 + 8) and relu(4 - 10 + 8).
    head = RelationHead(filters=1, units=1)
    head.build((None, None, 1, 1, 1))
    middle = np.zeros((3, 3, 1, 1), "float32")
    middle[1, 1] = 1
    for convolution, factor in [("class", 1), ("query", -1), ("pair", 2)]:
        getattr(head, f"{convolution}_convolution").kernel.assign(factor * middle)
    for norm in head.normalizations:
        norm.moving_variance.assign([1 - norm.epsilon])
    head.normalizations[0].beta.assign([8.0])
    head.hidden.set_weights([np.ones((1, 1)), np.zeros(1)])
    head.relation.set_weights([np.ones((1, 1)), np.array([-3.0])])
    support = np.reshape([1.0, 2.0, 4.0], (1, 3, 1, 1, 1))
    labels = np.array([[[1, 0], [1, 0], [0, 1]]], "float32")
    logits = head(support, labels, np.full((1, 1, 1, 1, 1), 10.0))
    np.testing.assert_allclose(logits, [[[2 * 1 - 3, 2 * 2 - 3]]], rtol=1e-5)


def test_padded_and_unpadded_episodes_give_equal_logits():
    head = built_head()
    support, labels, query = random_episode()
    kept = [0, 2, 4, 5, 6]
    logits = head(support, labels, query)
    np.testing.assert_allclose(
        logits, head(support[:, kept], labels[:, kept], query), atol=1e-4
    )
    wide = np.pad(labels, [(0, 0), (0, 0), (0, 2)])
    wide_logits = np.asarray(head(support, wide, query))
    np.testing.assert_allclose(wide_logits[..., :3], logits, atol=1e-4)
    assert (wide_logits[..., 3:] == -1e9).all()


def test_batch_statistics_are_those_of_training_alone():
    head, (support, labels, query) = built_head(), random_episode()
    for training, is_same in [(False, True), (True, False)]:
        alone = head(support, labels, query[:, :1], training=training)
        together = head(support, labels, query, training=training)[:, :1]
        assert np.allclose(alone, together, atol=1e-3) == is_same


@pytest.mark.parametrize("shots", [1, 3])
def test_one_way(shots):
    head, rng = built_head(), np.random.default_rng(0)
    maps = rng.normal(size=(1, shots, 5, 4, CHANNELS)).astype("float32")
    logits = head(maps, np.ones((1, shots, 1)), maps)
    assert logits.shape == (1, shots, 1)
    assert np.isfinite(logits).all()


def test_memory_is_sums_and_counts():
    support, labels, _ = random_episode(size=(2, 2))
    memory = RelationHead().remember(support, labels)
    np.testing.assert_allclose(
        memory["sums"][0, 0], support[0, [0, 6]].sum(axis=0), rtol=1e-5
    )
    np.testing.assert_array_equal(memory["counts"], [[2, 1, 2]] * 2)


def test_vectors_are_rejected():
    with pytest.raises(ValueError, match=r"feature maps \[h, w, D\].*pooling=None"):
        RelationHead().check_embeddings((64,))


def test_a_mean_is_the_same_for_an_example_given_twice():
    once, twice = np.eye(2)[None, [0, 1]], np.eye(2)[None, [0, 0, 1]]
    rng = np.random.default_rng(1)
    maps = rng.normal(size=(1, 2, 5, 4, CHANNELS)).astype("float32")
    query = rng.normal(size=(1, 3, 5, 4, CHANNELS)).astype("float32")
    by_sum, by_mean = built_head(), RelationHead(FILTERS, 6, aggregate="mean")
    by_mean.build((None, None, 5, 4, CHANNELS))
    by_mean.set_weights(by_sum.get_weights())
    expected = by_sum(maps, once, query)
    repeated = maps[:, [0, 0, 1]]
    np.testing.assert_allclose(by_mean(repeated, twice, query), expected, rtol=1e-5)
    assert not np.allclose(by_sum(repeated, twice, query), expected, rtol=1e-2)
    again = RelationHead.from_config(by_mean.get_config())
    assert again.aggregate == "mean"


def test_an_unknown_aggregate_is_rejected():
    with pytest.raises(ValueError, match=r"'sum', 'mean'.*aggregate='max'"):
        RelationHead(aggregate="max")
