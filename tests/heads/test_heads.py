"""What holds for every head. A new head joins by one line in `HEADS`."""

import functools

import keras
import numpy as np
import pytest

from fsl_keras import heads
from fsl_keras.heads import (
    BDCSPNHead,
    DenseHead,
    ExampleHead,
    FEATHead,
    Head,
    LaplacianShotHead,
    LinearHead,
    LogisticHead,
    MatchingHead,
    NearestNeighborHead,
    PrototypeHead,
    PTMAPHead,
    ReconstructionHead,
    RelationHead,
    RidgeHead,
    SiameseHead,
    SimpleShotHead,
    SoftKMeansHead,
    TIMHead,
    TransductiveFinetuningHead,
    TransductiveHead,
    WhitenedHead,
)
from tests.checks import (
    assert_config_round_trip,
    assert_symbolic_shape,
    random_classes,
)

WAYS, DIMENSIONS, QUERIES = 3, 5, 4


def seeded(make_head, **kwargs):
    """Makes a built head whose random weights are the same each time."""
    keras.utils.set_random_seed(0)
    head = make_head(**kwargs)
    head.build((None, None, *embedding_shape(head)))
    return head


def embedding_shape(head):
    """A shape of embeddings that a head takes: vectors, or feature maps."""
    return (2,) * (head.embedding_rank - 1) + (DIMENSIONS,)


HEADS = {
    "alpha-TIM": lambda: TIMHead(alpha=2.0, steps=5, learning_rate=0.01),
    "BD-CSPN": BDCSPNHead,
    "dense": lambda: DenseHead(units=8, steps=10),
    "FEAT": lambda: seeded(FEATHead, key_dim=4, num_heads=2),
    "LaplacianShot": LaplacianShotHead,
    "linear": lambda: LinearHead(steps=10),
    "linear, cosine": lambda: LinearHead("cosine", steps=10),
    "logistic": lambda: LogisticHead(steps=10),
    "matching": MatchingHead,
    "matching, full context": lambda: seeded(
        MatchingHead, full_context=True, units=DIMENSIONS
    ),
    "nearest neighbor": NearestNeighborHead,
    "nearest neighbor, three": lambda: NearestNeighborHead(3, "cosine"),
    "prototype": PrototypeHead,
    "prototype, cosine": lambda: PrototypeHead(distance="cosine"),
    # So blurred, plans are even after few iterations.
    "PT-MAP": lambda: PTMAPHead(sharpness=1.0, steps=2),
    "reconstruction": ReconstructionHead,
    "relation": lambda: seeded(RelationHead, filters=4),
    "ridge": RidgeHead,
    "ridge, relative": lambda: RidgeHead(0.1, relative=True),
    "siamese": lambda: seeded(SiameseHead),
    "siamese, nearest distance": lambda: SiameseHead("euclidean", "max"),
    "SimpleShot": lambda: seeded(SimpleShotHead),
    "Whitened": lambda: seeded(WhitenedHead),
    "soft k-means": lambda: SoftKMeansHead(steps=2),
    "TIM": lambda: TIMHead(steps=5, learning_rate=0.01),
    "transductive fine-tuning": lambda: TransductiveFinetuningHead(
        steps=5, learning_rate=0.01
    ),
}

each_head = pytest.mark.parametrize("make_head", HEADS.values(), ids=HEADS)


def episodes(head, shots=(2, 1, 3), tasks=2, seed=0):
    """Embeddings of a support set of unequal shots, their labels, and queries."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(len(shots)), shots)
    shape = embedding_shape(head)
    support = rng.normal(size=(tasks, len(classes), *shape)).astype("float32")
    labels = np.tile(np.eye(len(shots), dtype="float32")[classes], (tasks, 1, 1))
    query = rng.normal(size=(tasks, QUERIES, *shape)).astype("float32")
    return support, labels, query


@functools.cache
def sampled_episodes(shape):
    """Four episodes of different size, as the sampler pads them."""
    # Of this seed, PT-MAP's plans are even after few iterations.
    data = random_classes(5, 5, shape, seed=2)
    stream = data.episodes(ways=(2, 4), shots=(1, 3), queries=2, tasks=4)
    return numbers(next(iter(stream))[0])


def numbers(tree):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)


def test_all_heads_are_here():
    bases = {Head, ExampleHead, TransductiveHead}
    exported = {getattr(heads, name) for name in heads.__all__}
    assert {type(make_head()) for make_head in HEADS.values()} == exported - bases


@each_head
def test_a_padded_and_an_unpadded_episode_give_equal_logits(make_head):
    head = make_head()
    support, labels, query = episodes(head)
    # Padding repeats items, here between the others; it has no label and is masked.
    is_example = np.array([1, 1, 0, 1, 1, 0, 0, 1, 1, 0], bool)
    is_query = np.array([0, 1, 1, 0, 1, 1, 0], bool)
    examples, queries = np.cumsum(is_example) - 1, np.cumsum(is_query) - 1
    padded = (
        support[:, examples],
        labels[:, examples] * is_example[:, None],
        query[:, queries],
    )
    logits = np.asarray(head(*padded, query_mask=np.tile(is_query, (2, 1))))
    assert np.isfinite(logits).all()
    np.testing.assert_allclose(
        logits[:, is_query], head(support, labels, query), atol=1e-5
    )


@each_head
def test_episodes_of_the_sampler_are_answered_as_without_their_padding(make_head):
    head = make_head()
    given = sampled_episodes(embedding_shape(head))
    logits = np.asarray(head(**given))
    for task, mask in enumerate(given["query_mask"]):
        labels = given["support_labels"][task]
        real, present = labels.any(axis=1), labels.any(axis=0)
        expected = head(
            given["support"][task][None, real],
            labels[None, real][..., present],
            given["query"][task][None, mask],
        )
        np.testing.assert_allclose(
            logits[task][mask][:, present], expected[0], atol=2e-5
        )
        assert (logits[task][:, ~present] < -1e8).all()


@each_head
def test_a_class_without_examples_is_never_chosen(make_head):
    head = make_head()
    support, labels, query = episodes(head)
    wide = np.pad(labels, [(0, 0), (0, 0), (0, 1)])
    logits = np.asarray(head(support, wide, query))
    assert np.isfinite(logits).all()
    assert (logits[..., -1] < -1e8).all()
    narrow = head(support, labels, query)
    np.testing.assert_allclose(logits[..., :-1], narrow, atol=1e-5)


@each_head
def test_tasks_do_not_mix(make_head):
    head = make_head()
    support, labels, query = episodes(head, tasks=3)
    for task in range(3):
        one = slice(task, task + 1)
        np.testing.assert_allclose(
            head(support, labels, query)[one],
            head(support[one], labels[one], query[one]),
            atol=1e-5,
        )


@each_head
def test_the_order_of_the_examples_does_not_matter(make_head):
    head = make_head()
    support, labels, query = episodes(head)
    order = np.random.default_rng(1).permutation(support.shape[1])
    np.testing.assert_allclose(
        head(support[:, order], labels[:, order], query),
        head(support, labels, query),
        atol=1e-5,
    )


@each_head
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_heads_compute_in_float32_under_mixed_precision(make_head, policy):
    head = make_head()
    support, labels, query = episodes(head)
    expected = head(support, labels, query)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        logits = make_head()(support, labels, query)
    finally:
        keras.config.set_dtype_policy(before)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    np.testing.assert_allclose(logits, expected, atol=1e-5)


@each_head
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_embeddings_are_scored_in_float32(make_head, dtype):
    head = make_head()
    support, labels, query = episodes(head)
    support, query = (keras.ops.cast(x, dtype) for x in (support, query))
    memory = head.remember(support, labels)
    logits = head.score(head.prepare(memory), query)
    support, query = (keras.ops.cast(x, "float32") for x in (support, query))
    expected = head.score(head.prepare(head.remember(support, labels)), query)
    assert keras.backend.standardize_dtype(logits.dtype) == "float32"
    np.testing.assert_array_equal(logits, expected)


@each_head
def test_a_call_is_remember_prepare_and_score(make_head):
    head = make_head()
    support, labels, query = episodes(head)
    memory = head.remember(support, labels)
    np.testing.assert_array_equal(
        head(support, labels, query), head.score(head.prepare(memory), query)
    )


@each_head
def test_two_support_sets_merge_into_that_of_both(make_head):
    head = make_head()
    support, labels, query = episodes(head)
    parts = (slice(None, 4), slice(4, None))
    first, second = (head.remember(support[:, p], labels[:, p]) for p in parts)
    merged = head.prepare(head.merge(first, second))
    np.testing.assert_allclose(
        head.score(merged, query), head(support, labels, query), atol=1e-5
    )


@each_head
def test_a_wider_memory_has_absent_classes(make_head):
    head = make_head()
    support, labels, query = episodes(head)
    memory = head.remember(support, labels)
    wide = head.score(head.prepare(head.widen(memory, WAYS + 2)), query)
    assert (np.asarray(wide)[..., WAYS:] < -1e8).all()
    narrow = head.score(head.prepare(memory), query)
    np.testing.assert_allclose(wide[..., :WAYS], narrow, atol=1e-5)


@each_head
def test_selected_classes_come_in_the_order_asked(make_head):
    head = make_head()
    support, labels, query = episodes(head)
    selected = head.select(head.remember(support, labels), np.array([2, 0]))
    of_two = labels[:, :, [2, 0]]
    np.testing.assert_allclose(
        head.score(head.prepare(selected), query),
        head(support, of_two, query),
        rtol=1e-5,
        atol=1e-5,
    )


@each_head
def test_other_classes_stay_the_same_to_the_bit_when_one_comes(make_head):
    head = make_head()
    if head.incremental != "exact":
        pytest.skip("prepares its state anew")
    support, labels, _ = episodes(head)
    more, _, _ = episodes(head, seed=1)
    of_new_class = np.zeros((2, 6, WAYS + 1), "float32")
    of_new_class[..., -1] = 1.0
    memory = head.remember(support, labels)
    before = numbers(head.prepare(memory))
    wide = head.merge(head.widen(memory, WAYS + 1), head.remember(more, of_new_class))
    after = numbers(head.prepare(wide))
    for name, value in before.items():
        of_old = tuple(map(slice, value.shape))  # what comes later stands behind it
        assert after[name][of_old].tobytes() == value.tobytes()


@each_head
def test_configuration(make_head):
    assert_config_round_trip(make_head())


@each_head
def test_symbolic_shape(make_head):
    head = make_head()
    assert_symbolic_shape(head, *episodes(head))


def test_the_base_has_no_formula():
    with pytest.raises(NotImplementedError):
        Head()(*episodes(Head()))
