"""A class loads, writes and lists the presets of its kind."""

import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras import presets
from tests.checks import run_python

ITEM = (16, 16, 1)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """The folders of a learner, of a classifier and of a backbone."""
    folder = tmp_path_factory.mktemp("presets")
    backbone = fsl.backbones.Conv4(ITEM, filters=2)
    learner = fsl.models.PrototypicalNetwork(fsl.backbones.MultiView(backbone))
    classifier = learner.adapt(np.zeros((2, *ITEM), "uint8"), ["egret", "heron"])
    models = {"learner": learner, "classifier": classifier, "backbone": backbone}
    for name, model in models.items():
        model.save_to_preset(folder / name, {"description": f"A {name}."})
    return {name: (folder / name, model) for name, model in models.items()}


@pytest.mark.parametrize(
    ("cls", "name"),
    [
        (fsl.models.PrototypicalNetwork, "learner"),
        (fsl.models.EpisodicModel, "learner"),
        (fsl.FewShotClassifier, "classifier"),
        (fsl.backbones.Conv4, "backbone"),
    ],
)
def test_it_comes_back_with_its_weights(stored, cls, name):
    folder, model = stored[name]
    loaded = cls.from_preset(folder)
    assert type(loaded) is type(model)
    assert presets.metadata(folder)["description"] == f"A {name}."
    for weight, same in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


@pytest.mark.parametrize(
    ("cls", "name", "attributes"),
    [
        (fsl.models.PrototypicalNetwork, "classifier", ["learner"]),
        (fsl.backbones.MultiView, "classifier", ["learner", "backbone"]),
        (fsl.backbones.Conv4, "learner", ["backbone", "backbone"]),
    ],
)
def test_a_part_of_a_preset_comes_alone(stored, cls, name, attributes):
    folder, part = stored[name]
    for attribute in attributes:
        part = getattr(part, attribute)
    loaded = cls.from_preset(folder)
    assert type(loaded) is cls
    for weight, same in zip(loaded.get_weights(), part.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def test_a_preset_of_another_class_is_refused(stored):
    with pytest.raises(
        ValueError,
        match=r"no MAML.*PrototypicalNetwork with .*Conv4.*of MAML: maml_conv4_omni",
    ):
        fsl.models.MAML.from_preset(stored["learner"][0])


def test_the_backbone_of_a_backbone_is_itself(stored):
    assert type(presets.backbone(stored["backbone"][0])) is fsl.backbones.Conv4
    with pytest.raises(ValueError, match="no head"):
        presets.head(stored["backbone"][0])


def test_a_class_lists_the_presets_that_it_loads():
    listed = fsl.models.PrototypicalNetwork.presets
    assert "prototypical_conv4_omniglot" in listed
    assert "maml_conv4_omniglot" not in listed
    assert fsl.models.EpisodicModel.presets == presets.list()
    assert fsl.FewShotClassifier.presets == []
    assert "frn_conv4_omniglot" in fsl.backbones.MultiOrientation.presets
    with pytest.raises(AttributeError, match="class alone"):
        fsl.backbones.Conv4(ITEM, filters=2).presets  # noqa: B018


@pytest.mark.slow
def test_listing_loads_no_weights():
    code = (
        "import h5py, fsl_keras as fsl\n"
        "h5py.File = None\n"
        "print(len(fsl.backbones.Conv4.presets))"
    )
    assert int(run_python(code)) == len(fsl.backbones.Conv4.presets)
