import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.models import MetaBaseline
from tests.models import checks


def make_model():
    return MetaBaseline(checks.backbone())


def test_training_lowers_the_loss(vectors):
    model = make_model()
    checks.assert_training_lowers_the_loss(model, vectors)
    assert float(model.head.scale) != 10.0  # the scale is learned


@pytest.mark.slow
def test_a_classifier_becomes_a_few_shot_learner(pictures):
    keras.utils.set_random_seed(0)
    base = pictures.subset(range(5))
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
    pretraining = fsl.pretraining.SupervisedPretraining(backbone, len(base))
    pretraining.compile(keras.optimizers.Adam(1e-2))
    pretraining.fit(base.batches(20), steps_per_epoch=20, verbose=0)
    model = MetaBaseline(pretraining.backbone)
    model.compile()
    kernel = backbone.get_layer("conv2").kernel
    before = keras.ops.convert_to_numpy(kernel)
    fixed = base.episodes(4, 1, 3, tasks=4, count=8, seed=1)
    first = model.evaluate(fixed, return_dict=True, verbose=0)["loss"]
    episodes = base.episodes(4, 1, 3, tasks=4)
    model.fit(episodes, steps_per_epoch=40, verbose=0)
    last = model.evaluate(fixed, return_dict=True, verbose=0)["loss"]
    assert last < first
    assert np.abs(keras.ops.convert_to_numpy(kernel) - before).max() > 1e-4


def test_the_default_steps_are_small():
    model = make_model()
    model.compile()
    assert isinstance(model.optimizer, keras.optimizers.SGD)
    optimizer = model.optimizer.get_config()
    assert optimizer["learning_rate"] == pytest.approx(1e-3)
    assert (optimizer["momentum"], optimizer["weight_decay"]) == (0.9, 5e-4)


def test_the_scale_is_that_of_the_head():
    model = MetaBaseline(checks.backbone(), scale=3.0)
    assert (model.head.distance, float(model.head.scale)) == ("cosine", 3.0)
