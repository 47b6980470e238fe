import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.heads import BDCSPNHead, PrototypeHead
from fsl_keras.models import MetricModel
from tests.checks import assert_config_round_trip


def one(stream):
    return next(iter(stream))


@pytest.mark.parametrize("distance", ["squared_euclidean", "cosine"])
def test_a_call_is_remember_prepare_and_score(pictures, distance):
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
    model = MetricModel(backbone, PrototypeHead(distance))
    x, _ = one(pictures.episodes(3, 2, 4, tasks=2))
    state = model.prepare(model.remember(x["support"], x["support_labels"]))
    logits = model.score(state, x["query"])
    assert logits.shape == (2, 12, 3)
    np.testing.assert_allclose(model(x), logits, atol=1e-5)
    adapted = model.adapt_state(x["support"], x["support_labels"])
    np.testing.assert_allclose(model.score(adapted, x["query"]), logits, atol=1e-5)


def test_the_logits_are_distances_to_mean_embeddings(pictures, conv_learner):
    x, _ = one(pictures.episodes(3, 2, 4))
    # Classes come one after the other, two shots each.
    support, query = (np.asarray(x[part][0]) for part in ("support", "query"))
    embedded = np.asarray(conv_learner.backbone(support))
    means = embedded.reshape(3, 2, -1).mean(axis=1)
    assert np.argmax(x["support_labels"][0], axis=-1).tolist() == [0, 0, 1, 1, 2, 2]
    differences = np.asarray(conv_learner.backbone(query))[:, None] - means
    expected = -np.square(differences).sum(-1)
    np.testing.assert_allclose(conv_learner(x)[0], expected, atol=1e-4)


def test_a_query_is_answered_the_same_whatever_the_others(pictures, conv_learner):
    x, _ = one(pictures.episodes(3, 2, 4))
    conv_learner(x, training=True)  # moves the running statistics
    alone = {**x, "query": x["query"][:, :1]}
    np.testing.assert_allclose(conv_learner(x)[:, :1], conv_learner(alone), atol=1e-5)


def test_support_and_query_share_statistics_in_training(pictures, conv_learner):
    x, _ = one(pictures.episodes(3, 2, 4))
    alone = {**x, "query": x["query"][:, :1]}
    together = conv_learner(x, training=True)[:, :1]
    apart = conv_learner(alone, training=True)
    assert np.abs(together - apart).max() > 1e-3


def test_a_padded_and_an_unpadded_episode_give_equal_logits(pictures, conv_learner):
    x, _ = one(pictures.episodes(3, 2, 4))
    padded = {
        **x,
        "support": np.concatenate([x["support"], x["support"][:, :2]], axis=1),
        "support_labels": np.pad(x["support_labels"], [(0, 0), (0, 2), (0, 0)]),
    }
    np.testing.assert_allclose(conv_learner(padded), conv_learner(x), atol=1e-5)


def test_queries_that_are_padding_tell_a_transductive_head_nothing(vectors):
    # It looks at all queries, so the mask must get to it from the stream.
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Identity()])
    model = MetricModel(backbone, BDCSPNHead())
    stream = vectors.episodes((2, 4), (1, 3), 3, count=6)
    accuracies = []
    for x, y, _ in stream.as_numpy_iterator():
        real = x["query_mask"][0]
        ways = x["support_labels"].any(axis=1).sum()
        kept = x["support_labels"][0].any(axis=-1)
        plain = {
            "support": x["support"][:, kept],
            "support_labels": x["support_labels"][:, kept, :ways],
            "query": x["query"][:, real],
        }
        logits = np.asarray(model(plain))
        padded = np.asarray(model(x))[:, real, :ways]
        np.testing.assert_allclose(padded, logits, atol=1e-4)
        accuracies.append(np.mean(logits.argmax(-1) == y[:, real]))
    report = fsl.evaluation.evaluate(model, stream)
    np.testing.assert_allclose(report.accuracies, accuracies)
    model.compile()
    measured = model.evaluate(stream, return_dict=True, verbose=0)
    assert measured["accuracy"] == pytest.approx(np.mean(accuracies))


def test_memories_grow_and_shrink_by_the_head(conv_learner):
    model = conv_learner
    support = np.random.default_rng(0).random((1, 4, 16, 16, 1), "float32")
    labels = np.eye(2, dtype="float32")[None, [0, 1, 0, 1]]
    whole = model.remember(support, labels)
    merged = model.merge(
        model.remember(support[:, :2], labels[:, :2]),
        model.remember(support[:, 2:], labels[:, 2:]),
    )
    np.testing.assert_allclose(merged["sums"], whole["sums"], atol=1e-5)
    selected = model.select(model.widen(whole, 3), np.array([2, 1]))
    np.testing.assert_array_equal(selected["counts"], [[0, 2]])


def test_shapes(conv_learner):
    assert conv_learner.item_shape == (16, 16, 1)
    assert conv_learner.item_dtype == "float32"
    shape = conv_learner.compute_output_shape(
        {
            "support": (2, 5, 16, 16, 1),
            "support_labels": (2, 5, 3),
            "query": (2, 7, 16, 16, 1),
        }
    )
    assert shape == (2, 7, 3)


def test_incremental_is_what_the_head_can_do(conv_learner):
    class Refitted(PrototypeHead):
        incremental = "refit"

    assert conv_learner.incremental == "exact"
    assert MetricModel(conv_learner.backbone, Refitted()).incremental == "refit"


def test_configuration(conv_learner):
    assert_config_round_trip(MetricModel(conv_learner.backbone, PrototypeHead()))


class TestBackbonesThatDoNotFit:
    def test_unbuilt(self):
        backbone = keras.Sequential([keras.layers.Dense(3)])
        with pytest.raises(ValueError, match=r"built Keras model.*keras\.Input"):
            MetricModel(backbone, PrototypeHead())

    def test_no_model(self):
        with pytest.raises(ValueError, match=r"built Keras model.*Dense"):
            MetricModel(keras.layers.Dense(3), PrototypeHead())

    def test_feature_maps(self):
        backbone = fsl.backbones.Conv4((32, 32, 1), filters=4, pooling=None)
        with pytest.raises(ValueError, match=r"\(2, 2, 4\).*pooling or `Flatten`"):
            MetricModel(backbone, PrototypeHead())

    def test_no_head(self, conv_learner):
        with pytest.raises(ValueError, match=r"must be a head.*'prototype'"):
            MetricModel(conv_learner.backbone, "prototype")
