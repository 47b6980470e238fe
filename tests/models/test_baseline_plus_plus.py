import numpy as np

from fsl_keras.models import BaselinePlusPlus
from tests.models import checks


def test_the_head_has_what_was_given():
    model = BaselinePlusPlus(
        checks.backbone(),
        steps=7,
        learning_rate=0.5,
        weight_decay=0.1,
        scale=4.0,
    )
    given = model.head.similarity, model.head.steps, model.head.learning_rate
    assert (*given, model.head.weight_decay) == ("cosine", 7, 0.5, 0.1)
    assert model.head.scale == 4.0
    assert model.incremental == "refit"


def test_no_logit_is_above_the_scale(vectors):
    model = BaselinePlusPlus(checks.backbone(), scale=4.0)
    x, _ = checks.arrays(vectors.episodes(3, 2, 4))
    x["query"] = x["support"]
    logits = np.asarray(model(x))
    assert np.abs(logits).max() <= 4.0 + 1e-5
    assert logits.max() > 3.0
