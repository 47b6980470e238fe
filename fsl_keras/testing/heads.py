"""What holds for every head."""

import pathlib
import tempfile
from collections.abc import Collection

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.heads import Head
from fsl_keras.models import MetricModel
from fsl_keras.testing.checks import (
    Check,
    Checks,
    assert_close,
    assert_finite,
    assert_impossible,
    assert_same_config,
    dtype_policy,
    numbers,
)

WAYS, DIMENSIONS, QUERIES = 3, 5, 4
CHECKS = Checks()


def check_head(head: Head, skip: Collection[str] = ()) -> None:
    """Checks that a head does what learners and classifiers expect of it.

    Among others, padding and the order of examples must not count, tasks must not mix,
    classes without examples must not be chosen, memories must merge, widen and lose
    classes, and the head must work in half precision, in a graph and in a saved file.

    Args:
        head: a `Head` with any weights. One that is not built is built for embeddings
            of five dimensions.
        skip: names of checks that the head need not pass, such as
            `"check_order_of_classes"` for one that reads examples as a sequence.

    Raises:
        AssertionError: if the head fails a check, with its name and what was expected.

    Example:

    >>> import fsl_keras as fsl
    >>> check_head(fsl.heads.PrototypeHead())
    """
    CHECKS.run(head, skip)


def head_checks() -> list[Check]:
    """Returns the checks of `check_head`, as functions of a head.

    With pytest, each is a test of its own:

    ```python
    @pytest.mark.parametrize("check", head_checks(), ids=lambda check: check.__name__)
    def test_my_head(check):
        check(MyHead())
    ```

    Example:

    >>> head_checks()[0].__name__
    'check_attributes'
    """
    return list(CHECKS)


def embedding_shape(head: Head) -> tuple[int, ...]:
    """Builds a head where it is not; returns a shape of embeddings that it takes."""
    shape = (None, None) + (2,) * (head.embedding_rank - 1) + (DIMENSIONS,)
    if not head.built:
        head.build(shape)
    # Heads whose weights do not depend on the shape need no `build`.
    config = head.get_build_config() or {"input_shape": shape}
    shape = config.get("input_shape") or config["shapes_dict"]["support_shape"]
    return tuple(shape[2:])


def _episodes(head, shots=(2, 1, 3), tasks=2, seed=0):
    """Returns embeddings of a support set of unequal shots, their labels, queries."""
    rng = np.random.default_rng(seed)
    classes = np.repeat(np.arange(len(shots)), shots)
    support, query = (
        rng.normal(size=(tasks, count, *embedding_shape(head))).astype("float32")
        for count in (len(classes), QUERIES)
    )
    labels = np.tile(np.eye(len(shots), dtype="float32")[classes], (tasks, 1, 1))
    return support, labels, query


def _scores(head, memory, query):
    return head.score(head.prepare(memory), query)


@CHECKS.add
def check_attributes(head: Head) -> None:
    """The head says what it can do, in words that learners know."""
    allowed = {
        "incremental": ("exact", "refit", "fixed_ways"),
        "kind": ("inductive", "transductive"),
        "embedding_rank": (1, 3),
    }
    for name, values in allowed.items():
        received = getattr(head, name)
        if received not in values:
            raise AssertionError(
                f"`{name}` must be one of {values}. Received: {received!r}"
            )


@CHECKS.add
def check_logits(head: Head) -> None:
    """Logits are finite float32 `[T, M, N]`, and `compute_output_spec` says so."""
    inputs = _episodes(head)
    symbols = [keras.KerasTensor(x.shape, "float32") for x in inputs]
    spec = head.compute_output_spec(*symbols)
    logits = head(*inputs)
    expected = (2, QUERIES, WAYS), "float32"
    for found in (spec, logits):
        received = tuple(found.shape), keras.backend.standardize_dtype(found.dtype)
        if received != expected:
            raise AssertionError(f"Logits must be {expected}. Received: {received}")
    assert_finite(logits, "Logits")


@CHECKS.add
def check_call(head: Head) -> None:
    """A call is `remember`, `prepare` and `score`."""
    support, labels, query = _episodes(head)
    logits = _scores(head, head.remember(support, labels), query)
    assert_close(head(support, labels, query), logits, "call", rtol=0, atol=0)


@CHECKS.add
def check_memory(head: Head) -> None:
    """Memories have an axis of tasks and the axes of classes in `class_axes`."""
    support, labels, _ = _episodes(head)
    memory = head.remember(support, labels)
    unknown = head.class_axes.keys() - memory.keys()
    if unknown:
        raise AssertionError(
            f"`class_axes` names {sorted(unknown)}, which `remember` does not return. "
            f"It returns: {sorted(memory)}"
        )
    for name, value in memory.items():
        axis = head.class_axes.get(name)
        if value.shape[0] != 2 or (axis is not None and value.shape[axis] != WAYS):
            raise AssertionError(
                f"`memory[{name!r}]` must have 2 tasks on axis 0"
                + (f" and {WAYS} classes on axis {axis}" if axis is not None else "")
                + f". Received: shape={tuple(value.shape)}"
            )
    if head.memory_holds_features:
        assert_close(memory["support"], support, "`memory['support']`", atol=0)


@CHECKS.add
def check_order_of_examples(head: Head) -> None:
    """The order of the examples does not matter."""
    support, labels, query = _episodes(head)
    order = np.random.default_rng(1).permutation(support.shape[1])
    logits = head(support[:, order], labels[:, order], query)
    assert_close(logits, head(support, labels, query), "examples in another order")


@CHECKS.add
def check_order_of_classes(head: Head) -> None:
    """Classes in another order have their logits in that order."""
    support, labels, query = _episodes(head)
    order = [2, 0, 1]
    expected = np.asarray(head(support, labels, query))[..., order]
    logits = head(support, labels[..., order], query)
    assert_close(logits, expected, f"classes in the order {order}")


@CHECKS.add
def check_other_queries(head: Head) -> None:
    """An inductive head answers a query the same, whatever the other queries are."""
    if head.kind == "transductive":
        return
    support, labels, query = _episodes(head)
    expected = np.asarray(head(support, labels, query))[:, 1:2]
    assert_close(head(support, labels, query[:, 1:2]), expected, "a query alone")


@CHECKS.add
def check_tasks_apart(head: Head) -> None:
    """Tasks of a batch do not mix."""
    inputs = _episodes(head, tasks=3)
    together = head(*inputs)
    for task in range(3):
        alone = head(*(x[task : task + 1] for x in inputs))
        assert_close(together[task : task + 1], alone, f"task {task} of three")


@CHECKS.add
def check_padding(head: Head) -> None:
    """Padding, of examples without a label and of masked queries, does not count."""
    support, labels, query = _episodes(head)
    # Padding repeats items, here between the others.
    is_example = np.array([1, 1, 0, 1, 1, 0, 0, 1, 1, 0], bool)
    is_query = np.array([0, 1, 1, 0, 1, 1, 0], bool)
    examples, queries = np.cumsum(is_example) - 1, np.cumsum(is_query) - 1
    padded = (
        support[:, examples],
        labels[:, examples] * is_example[:, None],
        query[:, queries],
    )
    logits = np.asarray(head(*padded, query_mask=np.tile(is_query, (2, 1))))
    assert_finite(logits, "Logits of a padded episode")
    expected = head(support, labels, query)
    assert_close(logits[:, is_query], expected, "a padded episode")


@CHECKS.add
def check_tasks_of_different_sizes(head: Head) -> None:
    """Tasks of different sizes, padded to the largest, are answered as if alone."""
    sizes = [(2, 1, 3), (1, 3), (1, 1, 1), (3, 2)]
    alone = [_episodes(head, shots, 1, seed) for seed, shots in enumerate(sizes)]
    longest = max(map(sum, sizes))

    def padded(support, labels, query):
        more = longest - support.shape[1]
        labels = np.pad(labels, [(0, 0), (0, more), (0, WAYS - labels.shape[2])])
        support = np.resize(support, (1, longest, *support.shape[2:]))
        return support, labels, query

    tasks = (padded(*task) for task in alone)
    given = map(np.concatenate, zip(*tasks, strict=True))
    logits = np.asarray(head(*given))
    for task, inputs in enumerate(alone):
        ways = len(sizes[task])
        assert_close(logits[task, :, :ways], head(*inputs)[0], f"{sizes[task]} shots")
        assert_impossible(logits[task, :, ways:], f"Class {ways} has no examples")


@CHECKS.add
def check_absent_class(head: Head) -> None:
    """A class without examples is never chosen and changes no other logit."""
    support, labels, query = _episodes(head)
    logits = np.asarray(head(support, np.pad(labels, [(0, 0), (0, 0), (0, 1)]), query))
    assert_impossible(logits[..., -1], "The last class has no examples")
    expected = head(support, labels, query)
    assert_close(logits[..., :-1], expected, "a class without examples")


@CHECKS.add
def check_one_class(head: Head) -> None:
    """A single class of a single example has finite logits."""
    logits = head(*_episodes(head, shots=(1,)))
    assert_finite(logits, "Logits of a single class")


@CHECKS.add
def check_merge(head: Head) -> None:
    """The memories of two support sets merge into that of both."""
    support, labels, query = _episodes(head)
    parts = (slice(None, 4), slice(4, None))
    first, second = (head.remember(support[:, p], labels[:, p]) for p in parts)
    logits = _scores(head, head.merge(first, second), query)
    assert_close(logits, head(support, labels, query), "merged memories")


@CHECKS.add
def check_widen(head: Head) -> None:
    """A memory that is widened has more classes, which have no examples."""
    support, labels, query = _episodes(head)
    memory = head.remember(support, labels)
    logits = np.asarray(_scores(head, head.widen(memory, WAYS + 2), query))
    assert_impossible(logits[..., WAYS:], f"Classes from {WAYS} have no examples")
    assert_close(logits[..., :WAYS], _scores(head, memory, query), "a widened memory")


@CHECKS.add
def check_select(head: Head) -> None:
    """Classes that are selected from a memory come in the order given."""
    support, labels, query = _episodes(head)
    kept = [2, 0] if head.forgets_classes else [2, 0, 1]
    memory = head.select(head.remember(support, labels), np.array(kept))
    expected = head(support, labels[:, :, kept], query)
    assert_close(_scores(head, memory, query), expected, f"classes {kept}")


@CHECKS.add
def check_exact_increments(head: Head) -> None:
    """Where `incremental` is "exact", a new class leaves the state of others as is."""
    if head.incremental != "exact":
        return
    support, labels, _ = _episodes(head)
    more, _, _ = _episodes(head, seed=1)
    of_new_class = np.zeros((2, 6, WAYS + 1), "float32")
    of_new_class[..., -1] = 1.0
    memory = head.remember(support, labels)
    before = numbers(head.prepare(memory))
    wide = head.merge(head.widen(memory, WAYS + 1), head.remember(more, of_new_class))
    after = numbers(head.prepare(wide))
    for name, value in before.items():
        of_old = tuple(map(slice, value.shape))  # what comes later stands behind it
        assert_close(after[name][of_old], value, f"`state[{name!r}]`", rtol=0, atol=0)
    new = numbers(head.prepare(head.select(wide, np.array([WAYS]))))
    for name, value in new.items() if head.appends_classes else ():
        assert_close(after[name][:, WAYS:], value, f"`state[{name!r}]` of the last")


@CHECKS.add
def check_half_precision(head: Head) -> None:
    """Embeddings in half precision are scored in float32, under a mixed policy too."""
    support, labels, query = _episodes(head)
    for half in ("float16", "bfloat16"):
        halves = [keras.ops.cast(x, half) for x in (support, query)]
        with dtype_policy(f"mixed_{half}"):
            copy = type(head).from_config(head.get_config())
            copy.build((None, None, *embedding_shape(head)))
            copy.set_weights(head.get_weights())
            logits = _scores(copy, copy.remember(halves[0], labels), halves[1])
        if keras.backend.standardize_dtype(logits.dtype) != "float32":
            raise AssertionError(f"Logits must be float32. Received: {logits.dtype}")
        rounded = [keras.ops.cast(x, "float32") for x in halves]
        expected = _scores(head, head.remember(rounded[0], labels), rounded[1])
        assert_close(logits, expected, f"embeddings in {half}", rtol=0, atol=0)


@CHECKS.add
def check_graph(head: Head) -> None:
    """A graph in which the numbers of tasks, items and ways are unknown is right."""
    inputs = _episodes(head)
    shape = embedding_shape(head)
    sizes = (shape, (None,), shape)
    signature = [tf.TensorSpec((None, None, *size), "float32") for size in sizes]
    graph = tf.function(lambda *given: head(*given), input_signature=signature)
    assert_close(graph(*inputs), head(*inputs), "a graph", rtol=1e-4, atol=1e-4)


@CHECKS.add
def check_saving(head: Head) -> None:
    """Its configuration keeps all arguments, and a saved file all weights."""
    assert_same_config(head)
    support, labels, query = _episodes(head)
    embeddings = keras.Input(embedding_shape(head))
    backbone = keras.Model(embeddings, keras.layers.Identity()(embeddings))
    learner = MetricModel(backbone, head)
    episode = {"support": support, "support_labels": labels, "query": query}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "learner.keras")
        learner.save(path)
        loaded = keras.saving.load_model(path)
    assert_close(loaded(episode), learner(episode), "a saved learner", rtol=0, atol=0)
