"""Keras finds the classes of this package in files, whatever was imported before."""

import importlib
import pkgutil

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.imports.registration import classes
from tests.checks import run_python

# What a file holds, and what else must be found to load it.
MODELS = {
    "learner": lambda: fsl.models.FEAT(fsl.backbones.Conv4((16, 16, 1), filters=2)),
    "views": lambda: fsl.backbones.MultiView(fsl.backbones.Conv4((16, 16, 1), 2)),
    "layers": lambda: keras.Sequential(
        [keras.Input((3, 3, 1)), keras.layers.Flatten(), fsl.layers.CosineDense(2)]
    ),
    "head": lambda: fsl.models.MetricModel(
        fsl.backbones.Conv4((16, 16, 1), filters=2), fsl.heads.RidgeHead()
    ),
    "compiled": lambda: compiled(),
}
LOAD = """
import sys
{imports}
assert "fsl_keras.heads" not in sys.modules
for path in sys.argv[1:]:
    print(type(keras.saving.load_model(path)).__name__)
"""


def compiled():
    """A model of Keras with an optimizer and a loss of this package, trained a step."""
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    model.compile(fsl.optimizers.ConvMuon(1e-3), fsl.losses.OneHotSquaredError())
    model.train_on_batch(np.eye(2), np.eye(2))
    return model


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for name, make in MODELS.items():
        make().save(folder / f"{name}.keras")
    learner = keras.saving.load_model(folder / "learner.keras")
    images = np.zeros((2, 16, 16, 1), "uint8")
    learner.adapt(images, ["heron", "egret"]).save(folder / "classifier.keras")
    return sorted(folder.iterdir())


def test_every_registered_class_is_known_by_name():
    for module in pkgutil.walk_packages(fsl.__path__, "fsl_keras."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    registered = {
        name.removeprefix("fsl_keras>"): found.__module__
        for name, found in keras.saving.get_custom_objects().items()
        if name.startswith("fsl_keras>")
    }
    assert registered == classes()
    for name, module in classes().items():
        cls = getattr(importlib.import_module(module), name)
        assert keras.saving.get_registered_object(f"fsl_keras>{name}") is cls


@pytest.mark.parametrize(
    "imports",
    [
        "import fsl_keras\nimport keras",
        pytest.param("import keras\nimport fsl_keras", marks=pytest.mark.slow),
    ],
)
def test_files_load_in_a_fresh_process(files, imports):
    loaded = run_python(LOAD.format(imports=imports), *files).split()
    expected = ["FewShotClassifier", "Sequential", "MetricModel", "Sequential"]
    assert loaded == [*expected, "FEAT", "MultiView"]


@pytest.mark.slow
def test_a_class_may_move_after_a_file_was_written(files, tmp_path):
    import zipfile

    (file,) = [path for path in files if path.stem == "learner"]
    moved = tmp_path / "moved.keras"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(moved, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "config.json":
                assert b"fsl_keras.models.feat" in content
                content = content.replace(b"fsl_keras.models.feat", b"fsl_keras.gone")
                content = content.replace(b"fsl_keras.backbones.conv4", b"nowhere")
            new.writestr(name, content)
    code = LOAD.format(imports="import fsl_keras, keras")
    assert run_python(code, moved).split() == ["FEAT"]


@pytest.mark.slow
def test_a_name_that_keras_looks_up_is_made():
    code = """
import fsl_keras, keras
loss = keras.losses.get({"class_name": "fsl_keras>TripletLoss", "config": {}})
print(type(loss).__module__)
layer = keras.saving.get_registered_object("fsl_keras>CosineDense")(3)
print(isinstance(layer, fsl_keras.layers.CosineDense))
"""
    assert run_python(code).split() == ["fsl_keras.losses.triplet", "True"]
