import numpy as np
import pytest

import fsl_keras as fsl
from tests.models import checks


def plain():
    return fsl.models.MatchingNetwork(checks.backbone())


def in_full_context():
    return fsl.models.MatchingNetwork(checks.backbone(), full_context=True, steps=2)


@pytest.fixture(params=[plain, in_full_context])
def make_model(request):
    return request.param


@pytest.mark.slow
def test_training_lowers_the_loss(make_model, vectors):
    checks.assert_training_lowers_the_loss(make_model(), vectors)


def test_the_head_has_what_was_given():
    model = fsl.models.MatchingNetwork(
        checks.backbone(units=6), full_context=True, scale=3.0, steps=2
    )
    assert (model.head.units, model.head.steps) == (6, 2)
    assert float(model.head.scale) == 3.0
    assert model.incremental == "refit"
    assert fsl.models.MatchingNetwork(checks.backbone()).incremental == "exact"


def test_a_backbone_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"built Keras model.*'conv4'"):
        fsl.models.MatchingNetwork("conv4", full_context=True)


def test_attention_of_a_classifier_can_be_shown(vectors):
    model = fsl.models.MatchingNetwork(checks.backbone())
    x, _ = checks.arrays(vectors.episodes(3, 2, 4))
    state = model.adapt_state(x["support"], x["support_labels"])
    shares = model.head.attention(state, model.embed(x["query"]))
    by_class = np.asarray(shares) @ x["support_labels"]
    predicted = model.predict(x, verbose=0).argmax(-1)
    np.testing.assert_array_equal(by_class.argmax(-1), predicted)
