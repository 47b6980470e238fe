"""`synchronized` reaches every batch normalization of a backbone."""

import keras
import numpy as np
import pytest

from fsl_keras.backbones import Conv4, ResNet12, ResNet18
from fsl_keras.models import MAML


def small(cls, **arguments):
    filters = {Conv4: {"filters": 2}, ResNet12: {"filters": (2, 2, 2, 2)}}
    return cls((16, 16, 1), **filters.get(cls, {}), **arguments)


@pytest.mark.parametrize("cls", [Conv4, ResNet12, ResNet18])
@pytest.mark.parametrize("synchronized", [False, True])
def test_every_normalization_has_it(cls, synchronized):
    backbone = small(cls, synchronized=synchronized)
    norms = [layer for layer in backbone.layers if hasattr(layer, "moving_mean")]
    assert len(norms) >= 4
    assert {layer.synchronized for layer in norms} == {synchronized}
    assert backbone.get_config()["synchronized"] is synchronized
    copy = cls.from_config(backbone.get_config())
    assert copy.synchronized is synchronized


def test_on_one_device_it_changes_nothing():
    images = np.random.default_rng(0).random((6, 16, 16, 1), "float32")
    plain, shared = small(Conv4), small(Conv4, synchronized=True)
    shared.set_weights(plain.get_weights())
    one, other = (model(images, training=True) for model in (plain, shared))
    np.testing.assert_allclose(one, other, atol=1e-5)
    for weight, same in zip(plain.get_weights(), shared.get_weights(), strict=True):
        np.testing.assert_allclose(weight, same, atol=1e-5)


def test_a_task_with_statistics_of_its_own_cannot_share_them():
    backbone = small(Conv4, synchronized=True)
    logits = keras.layers.Dense(3)(backbone.output)
    network = keras.Model(backbone.input, logits)
    with pytest.raises(ValueError, match=r"`synchronized=False`\. Received: .* conv1"):
        MAML(network)
