import numpy as np
import pytest

from fsl_keras.heads import AutoHead, MatchingHead, PrototypeHead, SoftKMeansHead

# Two classes whose examples differ in length: by distance, three are predicted wrong.
SUPPORT = np.array([[1.0, 0], [2, 0], [4, 0], [30, 0], [0, 1], [0, 2], [0, 1]])
LABELS = np.eye(2, dtype="float32")[[0, 0, 0, 0, 1, 1, 1]]
# Two classes on one line, which differ in length alone.
ONE_LINE = np.array([[1.0, 1], [2, 2], [1, 1.1], [2, 2], [9, 9], [8, 8], [9, 9.1]])


def candidates():
    return {"distance": PrototypeHead(), "cosine": PrototypeHead("cosine")}


def test_each_task_gets_the_head_that_predicts_its_examples_best():
    head = AutoHead(candidates())
    support, labels = np.stack([SUPPORT, ONE_LINE]), np.stack([LABELS, LABELS])
    query = np.random.default_rng(0).normal(size=(2, 4, 2))
    state = head.prepare(head.remember(support, labels))
    np.testing.assert_array_equal(state["chosen"], [[0, 1], [1, 0]])
    logits = head.score(state, query)
    for task, name in enumerate(["cosine", "distance"]):
        alone = candidates()[name](support, labels, query)
        np.testing.assert_allclose(logits[task], alone[task], rtol=1e-5)


def cross_validated(support, labels, n_splits):
    """Whether each head predicts each example right, float `[2, S]`."""
    classes = labels.argmax(axis=-1)
    place = np.array([np.sum(classes[:i] == c) for i, c in enumerate(classes)])
    right = np.zeros((2, len(classes)))
    for fold in range(n_splits):
        out = place % n_splits == fold
        for row, head in zip(right, candidates().values(), strict=True):
            logits = head(support[None, ~out], labels[None, ~out], support[None, out])
            row[out] = np.argmax(logits[0], axis=-1) == classes[out]
    return right[:, np.bincount(classes)[classes] > 1]


@pytest.mark.parametrize("n_splits", [3, 5])
def test_a_head_must_predict_clearly_more(n_splits):
    head = AutoHead(candidates(), n_splits)
    outcomes = set()
    for seed in range(6):
        rng = np.random.default_rng(seed)
        # Unequal classes, one of them with a single example, which is not predicted.
        labels = np.eye(4, dtype="float32")[[0, 1, 1, 0, 1, 2, 1, 0, 3, 3, 3, 3]]
        support = labels[:, :3] * rng.uniform(0.5, 3, (12, 1)) + [1, 0, 0]
        support = (support + 0.4 * rng.normal(size=(12, 3))).astype("float32")
        state = head.prepare(head.remember(support[None], labels[None]))
        right = cross_validated(support, labels, n_splits)
        np.testing.assert_allclose(state["accuracy"][0], right.mean(axis=1), rtol=1e-5)
        more = right[1] - right[0]
        is_better = more.mean() > 1.96 * more.std() / np.sqrt(len(more))
        assert np.argmax(state["chosen"][0]) == int(is_better)
        outcomes.add((bool(more.mean() > 0), bool(is_better)))
    assert (True, False) in outcomes  # better, but not clearly


def test_one_example_of_each_class_takes_the_first_head():
    head = AutoHead(candidates())
    state = head.prepare(head.remember(SUPPORT[None, [0, 4]], LABELS[None, [0, 4]]))
    np.testing.assert_array_equal(state["chosen"], [[1, 0]])
    assert head.explain(state) == "distance (one example of each class does not tell)"


def test_the_default_heads_have_statistics_of_base_classes():
    head = AutoHead()
    head.build((None, None, 3))
    assert not np.any(head.common)
    head.set_directions(np.eye(3)[:, :1])
    np.testing.assert_array_equal(head.common[:, 0], [1, 0, 0])
    rng = np.random.default_rng(0)
    head.fit_base(1 + rng.random((60, 3)), np.arange(60) % 2)
    assert np.all(np.asarray(head.common)[:, 0] > 0)
    assert list(head.heads) == ["whitened_ridge", "ridge", "cosine"]
    assert AutoHead(candidates()).common is None


def test_weights_of_examples_need_heads_that_all_take_them():
    assert AutoHead().weighs_examples
    full = {
        "matching": MatchingHead(full_context=True, units=2),
        "cosine": PrototypeHead("cosine"),
    }
    assert not AutoHead(full).weighs_examples


def test_errors():
    with pytest.raises(ValueError, match=r"two heads or more.*\['distance'\]"):
        AutoHead({"distance": PrototypeHead()})
    with pytest.raises(ValueError, match=r"two parts or more.*n_splits=1"):
        AutoHead(n_splits=1)
    with pytest.raises(ValueError, match=r"must be inductive\. Received: 'soft'"):
        AutoHead({"soft": SoftKMeansHead(), "cosine": PrototypeHead("cosine")})
