"""What can be the backbone of a learner, and what is refused when one is made."""

import keras
import numpy as np
import pytest
from keras import layers

from fsl_keras.backbones.check import check_backbone
from fsl_keras.heads import PrototypeHead
from fsl_keras.models import MAML, MetricModel, TransferLearner
from fsl_keras.pretraining import SupervisedPretraining
from tests.checks import assert_same_predictions_after_saving

ITEM = (8, 8, 3)


class Unregistered(layers.Layer):
    def call(self, x):
        return x


class WithoutConfig(layers.Layer):
    def __init__(self, made_of, **kwargs):
        super().__init__(**kwargs)
        self.made_of = made_of

    def call(self, x):
        return x


@keras.saving.register_keras_serializable(package="tests")
class Registered(layers.Layer):
    def call(self, x):
        return 2 * x


@keras.saving.register_keras_serializable(package="tests")
class RegisteredModel(keras.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(4)

    def build(self, shape):
        self.dense.build(shape)

    def call(self, x):
        return self.dense(x)


def double(x):
    return 2 * x


def of(*through):
    """A functional model through some layers."""
    item = x = keras.Input(ITEM)
    for layer in (layers.Flatten(), *through):
        x = layer(x)
    return keras.Model(item, x, name="mine")


def called():
    model = RegisteredModel(name="mine")
    model(np.zeros((1, 4), "float32"))
    return model


def several(outputs):
    """A functional model whose outputs are made of its item and a vector."""
    item = keras.Input(ITEM, name="item")
    return keras.Model(item, outputs(item, layers.Flatten()(item)), name="mine")


def of_two():
    a, b = keras.Input(ITEM, name="left"), keras.Input(ITEM, name="right")
    return keras.Model([a, b], layers.Flatten()(a + b), name="mine")


REFUSED = {
    "no size": (
        lambda: keras.applications.MobileNetV2(
            weights=None, include_top=False, pooling="avg", alpha=0.35
        ),
        r"\(None, None, 3\).*give the backbone an `input_shape`",
    ),
    "not built": (lambda: keras.Sequential([layers.Dense(2)]), r"keras\.Input"),
    "a lambda": (
        lambda: of(layers.Lambda(lambda x: x / 2)),
        r"'mine' has a Python lambda.*keras\.ops.*register_keras_serializable",
    ),
    "a lambda as activation": (
        lambda: of(layers.Dense(2, activation=lambda x: x / 2)),
        "a Python lambda",
    ),
    "a layer": (
        lambda: of(Unregistered()),
        r"'Unregistered', which is not registered.*register_keras_serializable",
    ),
    "a function": (lambda: of(layers.Lambda(double)), "'double', which is not regist"),
    "an activation": (lambda: of(layers.Dense(2, activation=double)), "'double'"),
    "a layer in a model in it": (
        lambda: keras.Sequential([keras.Input(ITEM), of(Unregistered())]),
        "'Unregistered', which is not registered",
    ),
    "no get_config": (
        lambda: of(WithoutConfig(object())),
        r"cannot be saved: .*WithoutConfig.*get_config",
    ),
    "a dictionary": (
        lambda: several(lambda item, x: {"P1": item, "features": x}),
        r"the outputs \['P1', 'features'\].*backbone\.output\['P1'\]",
    ),
    "a list": (
        lambda: several(lambda item, x: [x, item]),
        r"one output.*backbone\.output\[0\]",
    ),
    "two inputs": (of_two, r"the inputs \['left', 'right'\]"),
    "a subclass": (called, r"subclass.*keras\.Model\(item, backbone\(item\)\)"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused_when_a_learner_is_made(kind):
    make, message = REFUSED[kind]
    with pytest.raises(ValueError, match=message):
        TransferLearner(make())


def test_every_learner_refuses_it():
    for make in (
        lambda network: MetricModel(network, PrototypeHead()),
        lambda network: SupervisedPretraining(network, classes=3),
        MAML,
    ):
        with pytest.raises(ValueError, match="'Unregistered', which is not registered"):
            make(of(Unregistered(), layers.Dense(3)))


def test_feature_maps_are_refused_where_the_head_takes_vectors():
    backbone = keras.applications.MobileNetV2(
        weights=None, include_top=False, input_shape=(32, 32, 3), alpha=0.35
    )
    with pytest.raises(ValueError, match=r"vectors.*\(1, 1, 1280\): end the backbone"):
        TransferLearner(backbone)


def wrapped():
    item = keras.Input((4,))
    return keras.Model(item, RegisteredModel()(item))


def augmented():
    return keras.Sequential(
        [
            keras.Input(ITEM),
            layers.RandomFlip(),
            layers.Rescaling(2.0, -1.0),
            layers.Conv2D(4, 3),
            layers.GlobalAveragePooling2D(),
        ]
    )


TAKEN = {
    "a Sequential model with preprocessing layers": augmented,
    "a registered layer": lambda: of(Registered(), layers.Dense(4, "relu")),
    "a functional model around a subclassed one": wrapped,
    "operations": lambda: several(lambda item, x: keras.ops.relu(x[:, ::2])),
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", TAKEN)
def test_taken_and_saved(kind, tmp_path):
    learner = TransferLearner(TAKEN[kind]())
    rng = np.random.default_rng(0)
    items = rng.random((6, *learner.item_shape), "float32")
    classifier = learner.adapt(items, ["a", "b", "c"] * 2)
    assert_same_predictions_after_saving(classifier, items, tmp_path / "mine.keras")


def test_what_is_registered_in_a_scope_is_taken():
    with keras.saving.custom_object_scope({"Unregistered": Unregistered}):
        check_backbone(of(Unregistered()))


def test_a_classification_top_is_warned_of():
    backbone = of(layers.Dense(10, activation="softmax"))
    with pytest.warns(UserWarning, match=r"'mine' ends in a softmax.*include_top"):
        TransferLearner(backbone)
