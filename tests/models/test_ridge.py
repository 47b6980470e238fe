import math

import pytest

import fsl_keras as fsl
from tests.models import checks


def dual():
    """An embedding longer than the support set of most episodes."""
    return fsl.models.RidgeRegressionNetwork(checks.backbone(16))


def primal():
    """A shorter one."""
    return fsl.models.RidgeRegressionNetwork(checks.backbone(3))


@pytest.fixture(params=[dual, primal])
def make_model(request):
    return request.param


def test_training_lowers_the_loss(vectors):
    model = fsl.models.RidgeRegressionNetwork(checks.backbone(), regularization=10.0)
    checks.assert_training_lowers_the_loss(model, vectors)
    # Not only the embedding has been learned.
    assert abs(float(model.head.scale) - 10.0) > 1e-2
    assert abs(float(model.head.log_regularization) - math.log(10.0)) > 1e-3


def test_saving(make_model, vectors, tmp_path):
    checks.assert_saves(make_model(), vectors, tmp_path / "learner.keras")


def test_episodes_of_any_size(make_model, vectors):
    checks.assert_takes_episodes_of_any_size(make_model(), vectors)


def test_classifiers(make_model, vectors, tmp_path):
    checks.assert_adapts(make_model(), vectors, tmp_path)


def test_xla_of_the_dual_form(vectors):
    checks.assert_trains_under_xla(dual, vectors)


def test_the_head_has_what_was_given():
    model = fsl.models.RidgeRegressionNetwork(
        checks.backbone(), regularization=2.0, scale=3.0, learned=False
    )
    assert float(model.head.log_regularization) == pytest.approx(math.log(2))
    assert float(model.head.scale) == 3.0
    assert model.head.trainable_weights == []
    assert model.incremental == "refit"
