import numpy as np

from fsl_keras.backbones import Conv4
from fsl_keras.layers.augmentation import SequentialAugmentation
from fsl_keras.models import PrototypicalNetwork, SimpleShot
from fsl_keras.optimizers import ConvMuon
from fsl_keras.pretraining import BarlowTwins, instance_episodes, pseudo_classes
from fsl_keras.training.augmentation import views
from fsl_keras.training.sections import TrainOptions
from fsl_keras.training.stages import Stage
from tests.checks import random_classes

ITEM = (16, 16, 1)


def test_training_episodes_draw_between_the_fewest_and_the_most_shots():
    options = TrainOptions(ways=2, shots=(1, 3), queries=2, tasks=16, augment=False)
    learner = PrototypicalNetwork(Conv4(ITEM, filters=2))
    stage = Stage("episodes", learner, random_classes(3, 6, ITEM), options)
    x, *_ = next(iter(stage.examples(0)))
    shots = x["support_labels"].numpy().sum(axis=1)
    assert set(shots.ravel()) == {1.0, 2.0, 3.0}


def test_a_learner_of_episodes_can_train_by_muon():
    learner = PrototypicalNetwork(Conv4(ITEM, filters=2))
    options = TrainOptions(optimizer="muon")
    stage = Stage("episodes", learner, random_classes(3, 6, ITEM), options)
    optimizer = stage.compiled(0.5).optimizer
    assert isinstance(optimizer, ConvMuon)
    assert float(optimizer.learning_rate) == 0.5


def test_self_supervised_stages_read_no_labels():
    data = random_classes(3, 20, ITEM)
    options = TrainOptions(ways=4, queries=2, seed=1)
    learner = PrototypicalNetwork(Conv4(ITEM, filters=2))
    stage = Stage("views", learner, data, options, "BarlowTwins")
    model = stage.compiled(0.5)
    assert isinstance(model, BarlowTwins)
    assert model.backbone is learner.backbone
    assert isinstance(model.augmentation, SequentialAugmentation)
    assert float(model.optimizer.learning_rate) == 0.5
    items, _ = next(iter(stage.examples(0)))
    plain, _ = next(iter(data.batches(256, seed=1)))
    np.testing.assert_array_equal(items, plain)
    instances = Stage("instances", learner, data, options)
    assert instances.compiled(0.5) is learner
    x, _ = next(iter(instances.examples(3)))
    expected, _ = next(
        iter(instance_episodes(data, 4, 1, 2, views(ITEM), seed=1, start=3, count=1))
    )
    np.testing.assert_array_equal(x["query"], expected["query"])


def test_a_stage_of_pseudo_classes_groups_by_the_weights_it_starts_from():
    data = random_classes(3, 20, ITEM)
    options = TrainOptions(ways=2, queries=2, seed=1, augment=False)
    learner = PrototypicalNetwork(Conv4(ITEM, filters=2))
    stage = Stage("pseudo_classes", learner, data, options)
    assert stage.compiled(0.5) is learner
    expected = pseudo_classes(data, learner.backbone, min_size=3, seed=1)
    assert stage.data.class_names == expected.class_names
    learner.backbone.set_weights([0 * w for w in learner.backbone.get_weights()])
    x, _ = next(iter(stage.examples(0)))
    y, _ = next(iter(expected.episodes(2, 1, 2, seed=1)))
    np.testing.assert_array_equal(x["query"], y["query"])


def test_only_kernels_decay():
    options = TrainOptions(optimizer="sgd", weight_decay=0.1)
    learner = SimpleShot(Conv4(ITEM, filters=2))
    stage = Stage("batches", learner, random_classes(3, 6, ITEM), options)
    model = stage.compiled(1.0)
    assert model.optimizer.momentum == 0.9
    before = model.get_weights()
    variables = model.trainable_variables
    model.optimizer.apply([0.0 * v for v in variables], variables)
    names = [variable.path for variable in model.weights]
    for name, old, new in zip(names, before, model.get_weights(), strict=True):
        left = 0.9 if name.endswith("/kernel") else 1.0
        np.testing.assert_allclose(new, left * old, rtol=1e-6, err_msg=name)
    assert sum(name.endswith("/kernel") for name in names) == 5
