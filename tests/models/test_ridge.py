import math

import pytest

import fsl_keras as fsl
from tests.models import checks


def test_training_lowers_the_loss(vectors):
    model = fsl.models.RidgeRegressionNetwork(checks.backbone(), regularization=10.0)
    checks.assert_training_lowers_the_loss(model, vectors)
    # Not only the embedding has been learned.
    assert abs(float(model.head.scale) - 10.0) > 1e-2
    assert abs(float(model.head.log_regularization) - math.log(10.0)) > 1e-3


def test_the_head_has_what_was_given():
    model = fsl.models.RidgeRegressionNetwork(
        checks.backbone(), regularization=2.0, scale=3.0, learned=False
    )
    assert float(model.head.log_regularization) == pytest.approx(math.log(2))
    assert float(model.head.scale) == 3.0
    assert model.head.trainable_weights == []
    assert model.incremental == "refit"
