import numpy as np

from fsl_keras.backbones import Conv4
from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.models import PrototypicalNetwork, SimpleShot
from fsl_keras.optimizers import ConvMuon
from fsl_keras.training.run_options import Options
from fsl_keras.training.stages import Stage, augmentation, seen_often
from tests.checks import random_classes


def test_characters_are_rotated_and_shifted_by_a_fraction_of_their_size():
    layer = augmentation((56, 56, 1))
    assert isinstance(layer, RandomAffine)
    assert layer.translation_factor == 1 / 14


def test_photographs_are_seen_mirrored_and_characters_are_not():
    views = [
        seen_often(Conv4(shape, filters=2)).views
        for shape in ((28, 28, 1), (84, 84, 3))
    ]
    assert [layer.flip for layer in views] == [False, True]


def test_photographs_are_mirrored_and_changed_in_colour_and_nothing_is_black_beside():
    layer = augmentation((84, 84, 3))
    left_is_white = np.zeros((64, 84, 84, 3), "float32")
    left_is_white[:, :, :42] = 1.0
    changed = layer.transform(left_is_white, (7, 0)).numpy()
    mirrored = changed[:, 42, 83].mean(axis=-1) > 0.5
    assert 16 < mirrored.sum() < 48
    white = np.full((64, 84, 84, 3), 0.8, "float32")
    changed = layer.transform(white, (7, 0)).numpy()
    # A picture of one colour stays one, whatever part of it is shown.
    first = changed[:, :1, :1].repeat(84, 1).repeat(84, 2)
    np.testing.assert_allclose(changed, first, rtol=1e-5)
    assert changed[:, 0, 0].std(axis=0).min() > 0.05


def test_training_episodes_of_a_pair_of_shots_have_between_these():
    options = Options(ways=2, shots=[1, 3], queries=2, tasks=16, augment=False)
    data = random_classes(3, 6, (16, 16, 1))
    learner = PrototypicalNetwork(Conv4((16, 16, 1), filters=2))
    x, *_ = next(iter(Stage("episodes", learner, data, options).examples(0)))
    shots = x["support_labels"].numpy().sum(axis=1)
    assert set(shots.ravel()) == {1.0, 2.0, 3.0}


def test_small_parts_of_photographs():
    layer = augmentation((84, 84, 3), size=60)
    assert layer.transform(np.ones((2, 84, 84, 3)), (7, 0)).shape == (2, 60, 60, 3)


def test_a_learner_of_episodes_trains_by_muon_where_asked():
    options = Options(optimizer="muon", filters=2)
    learner = PrototypicalNetwork(Conv4((16, 16, 1), filters=2))
    data = random_classes(3, 6, (16, 16, 1))
    optimizer = Stage("episodes", learner, data, options).compiled(0.5).optimizer
    assert isinstance(optimizer, ConvMuon)
    assert float(optimizer.learning_rate) == 0.5


def test_only_kernels_decay():
    options = Options(
        method="simple_shot", optimizer="sgd", weight_decay=0.1, filters=2
    )
    data = random_classes(3, 6, (16, 16, 1))
    learner = SimpleShot(Conv4((16, 16, 1), filters=2))
    model = Stage("batches", learner, data, options).compiled(1.0)
    before = model.get_weights()
    variables = model.trainable_variables
    model.optimizer.apply([0.0 * v for v in variables], variables)
    names = [variable.path for variable in model.weights]
    for name, old, new in zip(names, before, model.get_weights(), strict=True):
        left = 0.9 if name.endswith("/kernel") else 1.0
        np.testing.assert_allclose(new, left * old, rtol=1e-6, err_msg=name)
    assert sum(name.endswith("/kernel") for name in names) == 5
