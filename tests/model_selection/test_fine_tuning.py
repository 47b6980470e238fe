"""Leaving out tells whether fine-tuning helps."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.model_selection import (
    cross_validate,
    cross_validate_fine_tuning,
    recommended,
)
from fsl_keras.pretraining import fine_tune

TRAINING = {"epochs": 40, "learning_rate": 1e-2, "verbose": 0}


def examples(noise=2.0):
    """Three classes of eight in two dimensions, beside four of noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 3
    turns = 2 * np.pi * labels / 3
    own = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    own += 0.2 * rng.normal(size=own.shape)
    items = np.concatenate([own, noise * rng.normal(size=(24, 4))], axis=1)
    return items.astype("float32"), labels


def learner():
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, use_bias=False)]
    )
    return fsl.models.TransferLearner(backbone, "cosine", unfreeze="all")


@pytest.fixture(scope="module")
def found():
    """The learner, the candidates, and the weights from before."""
    model = learner()
    before = model.backbone.get_weights()
    candidates = cross_validate_fine_tuning(
        model, *examples(), interpolations=(0.5, 1.0), n_splits=2, **TRAINING
    )
    return model, candidates, before


def test_the_first_candidate_is_the_frozen_backbone(found):
    model, candidates, _ = found
    data = fsl.ClassDataset.from_arrays(*examples())
    (frozen,) = cross_validate({"frozen": model}, data, cache=False, n_splits=2)
    assert [candidate.name for candidate in candidates] == [0.0, 0.5, 1.0]
    np.testing.assert_array_equal(candidates[0].right, frozen.right)


def test_the_others_predict_each_fold_after_training_on_the_other_folds(found):
    _, candidates, _ = found
    items, labels = examples()
    # The items of each class are in the two folds by turns.
    kept = np.arange(24) // 3 % 2 == 1
    model = learner()
    fine_tune(model, items[kept], labels[kept], interpolation=0.5, **TRAINING)
    classifier = model.adapt(items[kept], labels[kept])
    logits = classifier.predict(items[~kept], verbose=0)
    right = (logits.argmax(axis=-1) == labels[~kept]).reshape(4, 3)
    # Class by class.
    np.testing.assert_array_equal(candidates[1].right.reshape(3, 4, 2)[..., 0], right.T)


def test_fine_tuning_is_recommended_where_it_helps(found):
    _, candidates, _ = found
    assert candidates[0].accuracy < 0.7
    assert recommended(candidates).name > 0


def test_the_frozen_backbone_is_recommended_among_equals():
    candidates = cross_validate_fine_tuning(
        learner(), *examples(noise=0.0), n_splits=2, epochs=1, verbose=0
    )
    assert [candidate.accuracy for candidate in candidates] == [1.0, 1.0]
    assert recommended(candidates).name == 0.0


def test_the_backbone_has_its_weights_again(found):
    model, _, before = found
    np.testing.assert_array_equal(model.backbone.get_weights()[0], before[0])


def test_the_backbone_has_its_weights_again_after_an_interruption():
    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyboardInterrupt

    model = learner()
    before = model.backbone.get_weights()
    with pytest.raises(KeyboardInterrupt):
        cross_validate_fine_tuning(model, *examples(), callbacks=[Stop()], verbose=0)
    np.testing.assert_array_equal(model.backbone.get_weights()[0], before[0])


def test_errors():
    items, labels = examples()
    with pytest.raises(ValueError, match=r"n_splits=1"):
        cross_validate_fine_tuning(learner(), items, labels, n_splits=1)
    with pytest.raises(ValueError, match=r"interpolations=\[0\]"):
        cross_validate_fine_tuning(learner(), items, labels, interpolations=[0])
    with pytest.raises(ValueError, match=r"none can be left out.*3 classes of 1 items"):
        cross_validate_fine_tuning(learner(), items[:3], labels[:3])
    frozen = fsl.models.TransferLearner(learner().backbone)
    with pytest.raises(ValueError, match=r"frozen.*`unfreeze`"):
        cross_validate_fine_tuning(frozen, items, labels)
