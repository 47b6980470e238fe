"""What holds for every learner on a frozen backbone."""

import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.models import FrozenFeatureModel
from tests.checks import assert_config_round_trip
from tests.models import checks


def centred(backbone):
    model = fsl.models.SimpleShot(backbone)
    base = np.random.default_rng(0).normal(size=(20, 4)).astype("float32")
    model.fit_base(fsl.ClassDataset.from_arrays(base, np.arange(20) % 2), cache=False)
    return model


MODELS = {
    "Baseline": fsl.models.Baseline,
    "Baseline++": fsl.models.BaselinePlusPlus,
    "SimpleShot": centred,
    "nearest neighbor": fsl.models.NearestNeighbor,
    "three neighbors": lambda backbone: fsl.models.NearestNeighbor(backbone, 3),
}


@pytest.fixture(params=MODELS.values(), ids=MODELS)
def make_model(request):
    return lambda: request.param(checks.backbone())


class TestFitIsRefused:
    def test_with_what_to_do(self, make_model, vectors):
        model = make_model()
        model.compile()
        before = model.get_weights()
        with pytest.raises(ValueError, match=r"SupervisedPretraining.*data\.batches"):
            model.fit(vectors.episodes(3, 1, 2), steps_per_epoch=1)
        with pytest.raises(ValueError, match=type(model).__name__):
            model.train_on_batch(*checks.arrays(vectors.episodes(3, 1, 2)))
        for weight, same in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, same)

    def test_there_is_nothing_to_optimize(self, make_model):
        model = make_model()
        model.compile()
        assert model.optimizer is None

    def test_the_message_names_the_classifier_to_pretrain_with(self):
        def refusal(model):
            with pytest.raises(ValueError, match="pretrain the backbone") as error:
                model.fit()
            return str(error.value)

        assert "'linear'" in refusal(fsl.models.Baseline(checks.backbone()))
        assert "'cosine'" in refusal(fsl.models.BaselinePlusPlus(checks.backbone()))


@pytest.mark.slow
def test_padded_episodes(make_model, vectors):
    model = make_model()
    model.compile()
    padded = vectors.episodes(ways=(2, 4), shots=(1, 3), queries=2, count=6)
    results = model.evaluate(padded, return_dict=True, verbose=0)
    shares = [
        (np.argmax(model(x), axis=-1) == y)[weight == 1].mean()
        for x, y, weight in padded.as_numpy_iterator()
    ]
    assert results["accuracy"] == pytest.approx(np.mean(shares), abs=1e-6)


@pytest.mark.slow
def test_classes_are_told_apart(make_model, vectors):
    report = fsl.evaluation.evaluate(make_model(), vectors.episodes(3, 5, 5, count=20))
    assert report.accuracy > 0.7
    assert report.protocol["kind"] == "inductive"


def test_the_earlier_name_is_a_transfer_learner():
    model = FrozenFeatureModel(checks.backbone(), fsl.heads.PrototypeHead("cosine"))
    assert_config_round_trip(model)
    assert isinstance(model, fsl.models.TransferLearner)
    assert [weight.name for weight in model.trainable_weights] == ["scale"]


def test_another_model_may_train_the_backbone(make_model, vectors):
    model = make_model()
    pretraining = fsl.pretraining.SupervisedPretraining(model.backbone, len(vectors))
    pretraining.compile(run_eagerly=True)
    before = model.backbone.get_weights()[0]
    pretraining.fit(vectors.batches(12, count=1), verbose=0)
    assert (model.backbone.get_weights()[0] != before).any()
