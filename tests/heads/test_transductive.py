"""What holds for every transductive head. A new one joins by a line in `HEADS`."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.evaluation import evaluate
from fsl_keras.heads import (
    BDCSPNHead,
    LaplacianShotHead,
    PTMAPHead,
    SoftKMeansHead,
    TIMHead,
    TransductiveFinetuningHead,
    TransductiveHead,
)
from tests.checks import assert_same_predictions_after_saving, with_shared_streams
from tests.heads.checks import padded_episodes

FAST = {"steps": 4, "learning_rate": 0.01}
HEADS = {
    "alpha-TIM": lambda: TIMHead(alpha=2.0, **FAST),
    "BD-CSPN": BDCSPNHead,
    "LaplacianShot": lambda: LaplacianShotHead(steps=4),
    # So blurred, plans are even after few iterations.
    "PT-MAP": lambda: PTMAPHead(sharpness=1.0, steps=2),
    "soft k-means": SoftKMeansHead,
    "TIM": lambda: TIMHead(**FAST),
    "transductive fine-tuning": lambda: TransductiveFinetuningHead(**FAST),
}
PRIORS = {
    "alpha-TIM": "flexible",
    "BD-CSPN": "support",
    "LaplacianShot": "support",
    "PT-MAP": "uniform",
    "soft k-means": "none",
    "TIM": "uniform",
    "transductive fine-tuning": "none",
}
LOOPS = [name for name in HEADS if name not in ("BD-CSPN", "soft k-means")]

each_head = pytest.mark.parametrize("make_head", HEADS.values(), ids=HEADS)


@pytest.fixture(scope="module")
def features():
    """Six classes of twenty vectors, none negative, that overlap a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 20)
    vectors = rng.random((6, 8))[labels] + 0.4 * rng.random((120, 8))
    return with_shared_streams(
        fsl.ClassDataset.from_arrays(vectors.astype("float32"), labels)
    )


def frozen(head):
    """The head on the vectors as they are."""
    identity = keras.Sequential([keras.Input((8,)), keras.layers.Identity()])
    return fsl.models.MetricModel(identity, head)


@each_head
def test_padding_queries_have_no_influence(make_head):
    head = make_head()
    support, labels, query, mask = padded_episodes()
    logits = np.asarray(head(support, labels, query, query_mask=mask))
    for task in range(2):
        one = slice(task, task + 1)
        real = query[one, mask[task]]
        alone = np.asarray(head(support[one], labels[one], real))
        np.testing.assert_allclose(logits[one, mask[task]], alone, atol=2e-5)


@each_head
def test_other_queries_have(make_head):
    head = make_head()
    support, labels, query, _ = padded_episodes()
    together = np.asarray(head(support, labels, query))
    few = np.asarray(head(support, labels, query[:, :3]))
    together, few = (keras.ops.softmax(x, axis=-1) for x in (together[:, :3], few))
    assert np.abs(np.asarray(together) - np.asarray(few)).max() > 1e-5
    assert head.kind == "transductive"


@each_head
def test_the_order_of_queries_does_not_matter(make_head):
    head = make_head()
    support, labels, query, _ = padded_episodes()
    order = np.random.default_rng(1).permutation(query.shape[1])
    np.testing.assert_allclose(
        np.asarray(head(support, labels, query[:, order])),
        np.asarray(head(support, labels, query))[:, order],
        atol=2e-5,
    )


@each_head
def test_one_way_one_shot_and_a_single_query(make_head):
    rng = np.random.default_rng(0)
    support, query = rng.random((2, 3, 1, 5)).astype("float32")
    logits = np.asarray(make_head()(support, np.ones((3, 1, 1)), query))
    assert logits.shape == (3, 1, 1)
    assert np.isfinite(logits).all()


@pytest.mark.slow
@each_head
def test_shapes_may_be_unknown(make_head):
    head = make_head()
    episode = padded_episodes()
    unknown = [
        tf.TensorSpec((None, None, 6)),
        tf.TensorSpec((None, None, None)),
        tf.TensorSpec((None, None, 6)),
        tf.TensorSpec((None, None), "bool"),
    ]
    call = tf.function(lambda s, y, q, m: head(s, y, q, query_mask=m), unknown)
    expected = head(*episode[:3], query_mask=episode[3])
    np.testing.assert_allclose(call(*episode), expected, atol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", LOOPS)
def test_xla_compiles_the_loops(name):
    head, episode = HEADS[name](), padded_episodes()
    call = tf.function(lambda *x: head(*x[:3], query_mask=x[3]), jit_compile=True)
    expected = head(*episode[:3], query_mask=episode[3])
    np.testing.assert_allclose(call(*episode), expected, atol=1e-4)


@pytest.mark.parametrize("name", HEADS)
def test_only_soft_k_means_trains_the_embeddings(name):
    head = HEADS[name]()
    support, labels, query, _ = map(tf.constant, padded_episodes())
    with tf.GradientTape() as tape:
        tape.watch([support, query])
        logits = head(support, labels, query)
    gradients = tape.gradient(logits, [support, query])
    assert head.end_to_end == (name == "soft k-means")
    assert all((g is not None) == head.end_to_end for g in gradients)
    if not head.end_to_end:
        with pytest.raises(ValueError, match=r"frozen embeddings.*PrototypeHead"):
            head(support, labels, query, training=True)


@pytest.mark.parametrize("name", HEADS)
def test_a_head_says_what_it_assumes_of_the_queries(name):
    head = HEADS[name]()
    assert head.prior == PRIORS[name]
    assert f'"{head.prior}"' in type(head).__doc__


@pytest.mark.slow
@each_head
def test_evaluation_at_two_shapes_reports_the_kind(features, make_head):
    model = frozen(make_head())
    reports = [
        evaluate(model, features.episodes(*shape, tasks=5, count=10))
        for shape in ((3, 1, 5), (4, (1, 3), 4))
    ]
    for report, chance in zip(reports, (1 / 3, 1 / 4), strict=True):
        assert report.protocol["kind"] == "transductive"
        assert report.accuracy > chance + 0.2


@each_head
def test_adapting_is_rejected_with_a_fix(make_head):
    model = frozen(make_head())
    vectors = np.zeros((2, 8), "float32")
    name = type(model.head).__name__
    with pytest.raises(ValueError, match=rf"{name} is transductive.*PrototypeHead\(\)"):
        model.adapt(vectors, ["heron", "egret"])


@pytest.mark.slow
def test_a_backbone_trains_under_soft_k_means(features):
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4)])
    model = fsl.models.MetricModel(backbone, SoftKMeansHead())
    model.compile(keras.optimizers.Adam(0.01))
    episodes = features.episodes(4, 1, 4, tasks=4, count=4)
    before = model.evaluate(episodes, verbose=0, return_dict=True)["loss"]
    model.fit(episodes.repeat(10), verbose=0)
    after = model.evaluate(episodes, verbose=0, return_dict=True)["loss"]
    assert after < before - 0.1


def test_the_others_refuse_to_be_fitted(features):
    model = frozen(TIMHead())
    model.compile()
    with pytest.raises(ValueError, match="TIMHead works on frozen embeddings"):
        model.fit(features.episodes(3, 1, 2, count=1), verbose=0)


def test_a_saved_model_predicts_the_same(features, tmp_path):
    x, _ = next(iter(features.episodes(3, 1, 2)))
    model = frozen(TIMHead(alpha=3.0, **FAST))
    loaded = assert_same_predictions_after_saving(model, x, tmp_path / "tim.keras")
    assert (loaded.head.alpha, loaded.kind) == (3.0, "transductive")


def test_the_base_has_no_formula():
    support, labels, query, _ = padded_episodes()
    with pytest.raises(NotImplementedError):
        TransductiveHead()(support, labels, query)
