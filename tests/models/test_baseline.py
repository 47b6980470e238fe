import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.models import Baseline
from tests.models import checks


def test_the_head_has_what_was_given():
    model = Baseline(checks.backbone(), steps=7, learning_rate=0.5, weight_decay=0.1)
    given = model.head.similarity, model.head.steps, model.head.learning_rate
    assert (*given, model.head.weight_decay) == ("dot", 7, 0.5, 0.1)
    assert model.incremental == "refit"


@pytest.mark.slow
def test_pretraining_helps_with_new_classes(pictures):
    keras.utils.set_random_seed(0)
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
    new = pictures.subset(range(5, 8)).episodes(3, 1, 5, seed=1, count=40)
    model = Baseline(backbone)
    model.compile()
    before = model.evaluate(new, return_dict=True, verbose=0)
    base = pictures.subset(range(5))
    pretraining = fsl.pretraining.SupervisedPretraining(backbone, len(base))
    pretraining.compile(keras.optimizers.Adam(1e-2))
    pretraining.fit(base.batches(20), steps_per_epoch=40, verbose=0)
    after = model.evaluate(new, return_dict=True, verbose=0)
    assert after["accuracy"] > before["accuracy"]
    assert after["loss"] < before["loss"]


def test_the_logits_are_linear_in_the_embedding(vectors):
    model = Baseline(checks.backbone())
    x, _ = checks.arrays(vectors.episodes(3, 2, 4))
    state = model.adapt_state(x["support"], x["support_labels"])
    embedded = np.asarray(model.embed(x["query"]))[0]
    expected = embedded @ np.asarray(state["weights"])[0].T + state["biases"][0]
    np.testing.assert_allclose(model(x)[0], expected, rtol=1e-4, atol=1e-4)
