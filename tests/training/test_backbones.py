"""The table of backbones. A new one joins by its entry in `BACKBONES`."""

import inspect

import numpy as np
import pytest

from fsl_keras import backbones as layers
from fsl_keras.training import backbones
from fsl_keras.training.backbones import BACKBONES
from fsl_keras.training.learners import make_learner
from fsl_keras.training.sections import BackboneOptions, MethodOptions

# Arguments that make it small.
ARGUMENTS = {
    "conv4": {"filters": 4},
    "resnet12": {"filters": [2, 2, 2, 4]},
    "resnet18": {},
}
ITEM = (32, 32, 3)

each_backbone = pytest.mark.parametrize("name", BACKBONES)


@each_backbone
def test_its_options_are_those_of_the_class(name):
    entry = BACKBONES[name]
    parameters = inspect.signature(getattr(layers, entry.class_name)).parameters
    defaults = {
        key: list(p.default) if isinstance(p.default, tuple) else p.default
        for key, p in parameters.items()
        if p.default is not p.empty and key not in ("dtype", "name")
    }
    assert entry.options == defaults


@each_backbone
def test_it_gives_vectors_or_feature_maps(name):
    entry = BACKBONES[name]
    vectors = entry.make(ITEM, **ARGUMENTS[name])
    maps = entry.make(ITEM, **{**entry.feature_maps, **ARGUMENTS[name]})
    assert len(vectors.output_shape) == 2
    assert len(maps.output_shape) == 4


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "method"),
    [
        *(("resnet12", method) for method in ("frn", "relation", "maml", "feat")),
        *(("mobilenet", method) for method in ("frn", "relation", "feat")),
    ],
)
def test_methods_on_other_backbones(name, method):
    arguments = ARGUMENTS.get(name, {"weights": None, "alpha": 0.25})
    options = BackboneOptions(name, arguments=arguments)
    learner = make_learner(ITEM, MethodOptions(method), options, ways=2)
    generator = np.random.default_rng(0)
    support, query = (generator.random((1, n, *ITEM), "float32") for n in (2, 3))
    x = {"support": support, "support_labels": np.eye(2)[None], "query": query}
    assert learner(x).shape == (1, 3, 2)
    if name == "mobilenet":
        assert not learner.backbone.trainable_weights
        assert learner.trainable_weights


def test_a_label_says_how_wide_it_is():
    assert BACKBONES["conv4"].label({}) == "Conv4-64"
    assert BACKBONES["conv4"].label({"filters": [4, 8, 8, 16]}) == "Conv4-4-8-8-16"
    assert BACKBONES["resnet18"].label({}) == "ResNet18"
    assert backbones.get("mobilenet_v2").label({"alpha": 0.35}) == "mobilenet_v2"


def test_a_network_of_keras_applications_takes_rgb_images():
    with pytest.raises(ValueError, match=r"takes RGB images.*\(28, 28, 1\)"):
        backbones.get("mobilenet_v2").make((28, 28, 1), weights=None)
