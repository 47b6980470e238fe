"""Files that older versions wrote, as `make_files.py` did, load and answer the same."""

import json
import pathlib

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from tests.checks import run_python
from tests.compat.make_files import images, outputs_of

FOLDER = pathlib.Path(__file__).with_name("files_0_1")
LATER = FOLDER / "later"
CONFIGS = json.loads((FOLDER / "configs.json").read_text())
EXPECTED = {folder: dict(np.load(folder / "outputs.npz")) for folder in (FOLDER, LATER)}
FILES = sorted(FOLDER.rglob("*.keras"))


def named(paths):
    return [str(path.relative_to(FOLDER).with_suffix("")) for path in paths]


each_file = pytest.mark.parametrize("path", FILES, ids=named(FILES))


def assert_same_outputs(folder, title, instance):
    outputs = outputs_of(*title.split("-", 1), instance)
    for number, output in enumerate(outputs):
        expected = EXPECTED[folder][f"{title}/{number}"]
        if expected.dtype.kind == "f":
            np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)
        else:
            np.testing.assert_array_equal(output, expected)


@each_file
def test_a_file_answers_as_when_it_was_written(path):
    assert_same_outputs(path.parent, path.stem, keras.saving.load_model(path))


@pytest.mark.parametrize("title", CONFIGS)
def test_a_configuration_computes_as_when_it_was_written(title):
    instance = keras.saving.deserialize_keras_object(CONFIGS[title])
    assert_same_outputs(FOLDER, title, instance)


def test_a_preset_answers_as_when_it_was_written():
    learner = fsl.from_preset(FOLDER / "preset")
    assert_same_outputs(FOLDER, "preset-prototypical", learner)
    assert learner.training_classes == ("ant", "bee")
    assert fsl.presets.metadata(FOLDER / "preset")["description"] == "Not trained."
    assert isinstance(fsl.presets.backbone(FOLDER / "preset"), fsl.backbones.Conv4)


@pytest.mark.parametrize("path", [p for p in FILES if p.stem.startswith("classifier")])
def test_an_old_classifier_learns_a_new_class(path):
    pictures, _ = images()
    classifier = keras.saving.load_model(path)
    if classifier.learner.incremental == "fixed_ways":
        pytest.skip("has a fixed number of classes")
    classifier.add_class("dog", 255 - pictures[:2])
    assert classifier.class_names == ["ant", "bee", "cow", "dog"]
    assert classifier.predict(pictures, verbose=0).shape == (6, 4)


def test_all_files_load_in_a_fresh_process_that_imports_the_package_alone():
    run_python(
        "import sys, fsl_keras, keras\n"
        "for path in sys.argv[1:]:\n"
        "    keras.saving.load_model(path)\n",
        *FILES,
    )
