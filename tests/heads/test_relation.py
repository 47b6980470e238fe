import keras
import numpy as np
import pytest
from keras import layers, ops

from fsl_keras.heads import RelationHead

FILTERS, CHANNELS = 4, 3


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


def textbook(head, size):
    """The relation module as the paper writes it, from two maps put together."""
    module = keras.Sequential([keras.Input((*size, 2 * CHANNELS))])
    for norm in head.normalizations:
        module.add(layers.Conv2D(FILTERS, 3, padding="same", use_bias=False))
        module.add(layers.BatchNormalization(momentum=norm.momentum))
        module.add(layers.ReLU())
        if min(module.output_shape[1:3]) > 1:
            module.add(layers.MaxPooling2D(2))
    module.add(layers.Flatten())
    module.add(layers.Dense(6, activation="relu"))
    module.add(layers.Dense(1))
    first, *others = (layer for layer in module.layers if layer.weights)
    kernels = [head.class_convolution.kernel, head.query_convolution.kernel]
    first.set_weights([np.concatenate(kernels, axis=2)])
    ours = [head.normalizations[0], head.pair_convolution, head.normalizations[1]]
    for theirs, our in zip(others, [*ours, head.hidden, head.relation], strict=True):
        theirs.set_weights(our.get_weights())
    return module


def reference(module, support, labels, query, training=False):
    """Scores of the sums of the maps of each class beside each query's map."""
    sums = np.einsum("tsn,ts...->tn...", labels, support)
    pairs = [
        np.concatenate([sums[task, way], query[task, place]], axis=-1)
        for task, place, way in np.ndindex(2, query.shape[1], labels.shape[2])
    ]
    scores = module(np.stack(pairs), training=training)
    return ops.reshape(scores, (2, query.shape[1], labels.shape[2]))


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("size", [(5, 4), (2, 2), (1, 1), (1, 3), (7, 7)])
def test_equals_the_module_of_the_paper(size, training):
    head, episode = built_head(size), random_episode(size)
    module = textbook(head, size)
    np.testing.assert_allclose(
        head(*episode, training=training),
        reference(module, *episode, training=training),
        rtol=1e-4,
        atol=1e-4,
    )
    # Running statistics have moved alike.
    norms = [x for x in module.layers if isinstance(x, layers.BatchNormalization)]
    for our, their in zip(head.normalizations, norms, strict=True):
        np.testing.assert_allclose(our.moving_mean, their.moving_mean, rtol=1e-4)


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


def test_vectors_are_refused():
    with pytest.raises(ValueError, match=r"feature maps \[h, w, D\].*pooling=None"):
        RelationHead().check_embeddings((64,))
