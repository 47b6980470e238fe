import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.backbones import Conv4
from fsl_keras.episodes import DirichletQueries
from fsl_keras.evaluation.variants import embedded_once, variants


def network():
    return Conv4((16, 16, 1), filters=4)


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    items = rng.integers(0, 256, (24, 16, 16, 1), "uint8")
    return fsl.ClassDataset.from_arrays(items, np.arange(24) // 6)


def of_feature_maps():
    # Feature maps have the rank of images.
    backbone = Conv4((16, 16, 1), filters=4, pooling=None, pooled_blocks=2)
    return fsl.models.RelationNetwork(backbone)


def of_vectors():
    return fsl.models.PrototypicalNetwork(network())


@pytest.mark.parametrize("make", [of_vectors, of_feature_maps])
def test_a_learner_tested_on_embeddings_is_the_learner(make, data):
    learner = make()
    learner.training_classes = ("0", "9")
    on_embeddings, embeddings = embedded_once(learner, data)
    reports = [
        fsl.evaluation.evaluate(model, items.episodes(3, 1, 4, seed=2, count=6))
        for model, items in ((learner, data), (on_embeddings, embeddings))
    ]
    np.testing.assert_array_equal(*(report.accuracies for report in reports))
    assert [report.protocol["overlap"] for report in reports] == [1, 1]


@pytest.fixture(scope="module")
def maml():
    return fsl.models.MAML(
        keras.Sequential([*network().layers, keras.layers.Dense(3)]), inner_steps=1
    )


def test_a_learner_of_whole_items_is_tested_on_them(maml, data):
    assert embedded_once(maml, data) == (maml, data)


def test_a_learner_of_batch_statistics_is_also_tested_inductively(maml):
    (own, queries), (alone, same) = variants(maml, 15)
    assert own is maml
    assert (own.kind, alone.kind) == ("transductive", "inductive")
    assert queries == same == 15


def test_a_transductive_head_is_also_tested_on_imbalanced_queries():
    learner = fsl.models.TransferLearner(network(), fsl.heads.TIMHead())
    (_, equal), (same, unequal) = variants(learner, 15)
    assert same is learner
    assert equal == 15
    assert isinstance(unequal, DirichletQueries)


def test_an_inductive_learner_is_tested_once():
    learner = fsl.models.PrototypicalNetwork(network())
    assert variants(learner, 15) == [(learner, 15)]
