"""What holds for every learner."""

import pathlib
import tempfile
from collections.abc import Collection

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.models import EpisodicModel
from fsl_keras.testing.checks import (
    Check,
    Checks,
    assert_close,
    assert_finite,
    assert_impossible,
    assert_same_config,
)

SHOTS, QUERIES = 2, 2
CHECKS = Checks()


def check_learner(
    learner: EpisodicModel, ways: int = 3, skip: Collection[str] = ()
) -> None:
    """Checks that a learner works in training, evaluation, classifiers and files.

    Among others, tasks must not mix, padding and classes without examples must not
    count, episodes of another size must be answered right after compiling, and a
    classifier must answer as the learner does, gain and lose classes, be saved and be
    exported. It takes some seconds.

    Args:
        learner: a learner of float items, with any weights. It is not changed.
        ways: integer of 2 or more, the number of classes of the episodes, which a
            learner with `incremental = "fixed_ways"` needs to be made for.
        skip: names of checks that the learner need not pass, see `learner_checks`.

    Raises:
        AssertionError: if the learner fails a check, with its name and what was
            expected.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> check_learner(fsl.models.PrototypicalNetwork(backbone), skip=["check_xla"])
    """
    CHECKS.run(learner, skip, ways=ways)


def learner_checks() -> list[Check]:
    """Returns the checks of `check_learner`, as functions of a learner and `ways`.

    With pytest, each is a test of its own:

    ```python
    @pytest.mark.parametrize("check", learner_checks(), ids=lambda c: c.__name__)
    def test_my_learner(check):
        check(MyLearner(...))
    ```

    Example:

    >>> learner_checks()[0].__name__
    'check_logits'
    """
    return list(CHECKS)


def episodes(
    learner: EpisodicModel,
    ways: int,
    shots: int = SHOTS,
    queries: int = QUERIES,
    tasks: int = 2,
    seed: int = 0,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Returns an episode batch of random items in clusters, and the query labels."""
    rng = np.random.default_rng(seed)
    centers = rng.random((tasks, ways, *learner.item_shape))

    def items(classes):
        noise = rng.random((tasks, len(classes), *learner.item_shape))
        return (0.7 * centers[:, classes] + 0.3 * noise).astype("float32")

    of_support, of_query = (
        np.arange(ways).repeat(shots),
        np.arange(ways).repeat(queries),
    )
    labels = np.eye(ways, dtype="float32")[of_support]
    x = {
        "support": items(of_support),
        "support_labels": np.tile(labels, (tasks, 1, 1)),
        "query": items(of_query),
    }
    return x, np.tile(of_query, (tasks, 1)).astype("int32")


@CHECKS.add
def check_logits(learner: EpisodicModel, ways: int = 3) -> None:
    """Logits are finite float32 `[T, M, N]`, as `compute_output_shape` says."""
    x, _ = episodes(learner, ways)
    shapes = {name: value.shape for name, value in x.items()}
    logits = learner(x)
    expected = (2, ways * QUERIES, ways)
    dtype = keras.backend.standardize_dtype(logits.dtype)
    for shape in (learner.compute_output_shape(shapes), logits.shape):
        if (tuple(shape), dtype) != (expected, "float32"):
            raise AssertionError(
                f"Logits must be float32 of shape {expected}. Received: {dtype} of "
                f"shape {tuple(shape)}"
            )
    assert_finite(logits, "Logits")


@CHECKS.add
def check_call(learner: EpisodicModel, ways: int = 3) -> None:
    """A call is `remember`, `prepare` and `score`, on items and on features."""
    x, _ = episodes(learner, ways, tasks=1)
    memory = learner.remember(x["support"], x["support_labels"])
    expected = learner(x)
    logits = learner.score(learner.prepare(memory), x["query"])
    assert_close(expected, logits, "a call", rtol=1e-4, atol=1e-4)
    support, query = (
        learner.features(x[name][0])[None] for name in ("support", "query")
    )
    memory = learner.remember_features(support, x["support_labels"])
    logits = learner.score_features(learner.prepare(memory), query)
    assert_close(expected, logits, "features", rtol=1e-4, atol=1e-4)


@CHECKS.add
def check_tasks_apart(learner: EpisodicModel, ways: int = 3) -> None:
    """Tasks of a batch do not mix."""
    x, _ = episodes(learner, ways)
    together = np.asarray(learner(x))
    second = learner({name: value[1:] for name, value in x.items()})
    assert_close(together[1:], second, "the second task", rtol=1e-4, atol=1e-4)


@CHECKS.add
def check_other_queries(learner: EpisodicModel, ways: int = 3) -> None:
    """An inductive learner answers a query the same, whatever the others are."""
    if learner.kind == "transductive":
        return
    x, _ = episodes(learner, ways)
    expected = np.asarray(learner(x))[:, :1]
    alone = learner({**x, "query": x["query"][:, :1]})
    assert_close(alone, expected, "a query alone", rtol=1e-4, atol=1e-4)


@CHECKS.add
def check_absent_class(learner: EpisodicModel, ways: int = 3) -> None:
    """A class without examples is never chosen."""
    x, _ = episodes(learner, ways - 1)
    x["support_labels"] = np.pad(x["support_labels"], [(0, 0), (0, 0), (0, 1)])
    logits = np.asarray(learner(x))
    assert_finite(logits, "Logits")
    assert_impossible(logits[..., -1], "The last class has no examples")


@CHECKS.add
def check_padding(learner: EpisodicModel, ways: int = 3) -> None:
    """Examples without a label and masked queries do not count.

    Where batches have statistics of their own, padding is part of them.
    """
    if learner.batch_norm != "running":
        return
    x, _ = episodes(learner, ways)
    count = x["query"].shape[1]
    padded = {
        "support": np.concatenate([x["support"], x["support"][:, :2]], axis=1),
        "support_labels": np.pad(x["support_labels"], [(0, 0), (0, 2), (0, 0)]),
        "query": np.concatenate([x["query"], x["query"][:, :1]], axis=1),
        "query_mask": np.pad(np.ones((2, count), bool), [(0, 0), (0, 1)]),
    }
    logits = np.asarray(learner(padded))[:, :count]
    assert_close(logits, learner(x), "a padded episode", rtol=1e-4, atol=1e-4)


@CHECKS.add
def check_sizes(learner: EpisodicModel, ways: int = 3) -> None:
    """A compiled learner answers episodes of another size after the first."""
    learner = learner.copy()
    learner.compile()
    more = ways if learner.incremental == "fixed_ways" else ways + 1
    for sizes in ({"ways": ways}, {"ways": more, "shots": 3, "queries": 1, "tasks": 1}):
        x, _ = episodes(learner, **sizes)
        logits = learner.predict_on_batch(x)
        assert_close(logits, learner(x), f"sizes {sizes}", rtol=1e-3, atol=1e-4)


@CHECKS.add
def check_training(learner: EpisodicModel, ways: int = 3) -> None:
    """A training step changes weights, or is refused where there are none to train."""
    learner = learner.copy()
    learner.compile(run_eagerly=True)  # tracing takes longer than a step
    x, y = episodes(learner, ways)
    before = learner.get_weights()
    try:
        loss = learner.train_on_batch(x, y)[0]
    except ValueError:
        if learner.optimizer is None or not learner.trainable_weights:
            return
        raise
    assert_finite(loss, "The loss")
    changed = zip(before, learner.get_weights(), strict=True)
    if not any((one != other).any() for one, other in changed):
        raise AssertionError("A training step must change the weights. None changed.")


@CHECKS.add
def check_saving(learner: EpisodicModel, ways: int = 3) -> None:
    """A saved learner is loaded with its arguments, weights and optimizer."""
    learner = learner.copy()
    assert_same_config(learner)
    learner.compile(run_eagerly=True)
    x, y = episodes(learner, ways)
    trains = learner.optimizer is not None and bool(learner.trainable_weights)
    if trains:
        learner.train_on_batch(x, y)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "learner.keras")
        learner.save(path)
        loaded = keras.saving.load_model(path)
    assert_close(loaded(x), learner(x), "a loaded learner", rtol=0, atol=0)
    step = "train_on_batch" if trains else "test_on_batch"
    same, loss = (getattr(model, step)(x, y)[0] for model in (loaded, learner))
    if not (trains and _is_random(learner, x)):
        assert_close(same, loss, f"`{step}` of a loaded learner", rtol=1e-4)


@CHECKS.add
def check_classifier(learner: EpisodicModel, ways: int = 3) -> None:
    """A classifier answers as the learner, gains and loses classes, and is saved.

    A learner of which none can be made says so when it is to be adapted.
    """
    x, _ = episodes(learner, ways, tasks=1)
    items, query = x["support"][0], x["query"][0]
    names = np.array([f"class {number}" for number in range(ways)]).repeat(SHOTS)
    try:
        alone = learner.deployable()
    except ValueError:
        _assert_refused(learner, items, names)
        return
    classifier = learner.adapt(items, names.tolist())
    answers = np.asarray(classifier(query))
    expected = keras.ops.exp(keras.ops.log_softmax(alone(x)[0]))
    assert_close(answers, expected, "probabilities", rtol=1e-3, atol=1e-4)
    assert_close(classifier(query[:1]), answers[:1], "an item alone", 1e-3, 1e-4)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "classifier.keras")
        classifier.save(path)
        loaded = keras.saving.load_model(path)
    assert_close(loaded(query), answers, "a loaded classifier", atol=1e-6)
    last = names == names[-1]
    if learner.incremental == "fixed_ways":
        return
    loaded.remove_class(names[-1])
    fewer = learner.adapt(items[~last], names[~last].tolist())
    assert_close(loaded(query), fewer(query), "a class fewer", 1e-3, 1e-4)
    loaded.add_class(names[-1], items[last])
    assert_close(loaded(query), answers, "a class added", 1e-3, 1e-4)


@CHECKS.add
def check_export(learner: EpisodicModel, ways: int = 3) -> None:
    """An exported classifier answers as the classifier."""
    if learner.kind == "transductive" and not _makes_classifiers(learner):
        return
    x, _ = episodes(learner, ways, tasks=1)
    labels = x["support_labels"][0].argmax(-1)
    classifier = learner.adapt(x["support"][0], labels)
    with tempfile.TemporaryDirectory() as folder:
        classifier.export(folder)
        exported = tf.saved_model.load(folder)
        serve = exported.serve_float if learner.takes_pictures else exported.serve
        served = serve(x["query"][0])["probabilities"]
    assert_close(served, classifier(x["query"][0]), "SavedModel", 1e-3, 1e-4)


@CHECKS.add
def check_xla(learner: EpisodicModel, ways: int = 3) -> None:
    """Compiled by XLA it takes the same steps, or it refuses to be."""
    x, y = episodes(learner, ways)
    if not learner.supports_jit:
        try:
            learner.copy().compile(jit_compile=True)
        except ValueError:
            return
        raise AssertionError("`compile(jit_compile=True)` must raise a ValueError.")
    losses = []
    for jit_compile in (False, True):
        model = learner.copy()
        model.compile(
            keras.optimizers.SGD(0.01),
            jit_compile=jit_compile,
            run_eagerly=not jit_compile,
        )
        trains = learner.default_optimizer() is not None and model.trainable_weights
        step = model.train_on_batch if trains else model.test_on_batch
        losses.append([step(x, y)[0] for _ in range(2)])
    if not (trains and _is_random(learner, x)):
        assert_close(losses[1], losses[0], "losses under XLA", rtol=1e-3)


def _makes_classifiers(learner):
    try:
        learner.deployable()
    except ValueError:
        return False
    return True


def _assert_refused(learner, items, names):
    try:
        learner.adapt(items, names.tolist())
    except ValueError as error:
        if learner.kind == "transductive" and "transductive" in str(error):
            return
        raise
    raise AssertionError("`adapt` must raise the ValueError of `deployable`.")


def _is_random(learner, x):
    """Whether outputs in training depend on random numbers, as of dropout."""
    learner = learner.copy()
    first, second = (np.asarray(learner(x, training=True)) for _ in range(2))
    return bool((first != second).any())
