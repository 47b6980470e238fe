"""What the command refuses before it begins to work, and models of other layers."""

import sys

import keras
import pytest

import fsl_keras as fsl

LAYER = """
import keras

@keras.saving.register_keras_serializable("mine")
class Twice(keras.layers.Layer):
    def call(self, inputs):
        return 2 * inputs
"""


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    path = tmp_path_factory.mktemp("learner") / "learner.keras"
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=2)
    fsl.models.PrototypicalNetwork(backbone).save(path)
    return path


@pytest.mark.parametrize(
    ("command", "suffix"),
    [
        (["adapt", "nowhere", "--output"], ".keras"),
        (["add-class", "nowhere.keras", "nowhere", "--output"], ".keras"),
        (["embed", "nowhere", "--output"], ".npz"),
        (["export", "nowhere.keras", "--format=litert"], ".tflite"),
        (["export", "nowhere.keras", "--format=onnx"], ".onnx"),
        (["export", "nowhere.keras"], None),
        (["evaluate", "nowhere.keras", "nowhere", "--output"], None),
        (["train", "--output"], None),
        (["reproduce", "siamese_conv4_omniglot", "--output"], None),
    ],
)
def test_what_cannot_be_written_is_refused_first(
    run_cli, monkeypatch, tmp_path, command, suffix
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("", encoding="utf-8")
    name = f"birds{suffix or ''}"
    (tmp_path / "folder" / name).mkdir(parents=True)
    is_folder = command[0] in ("train", "reproduce") or command == [
        "export",
        "nowhere.keras",
    ]
    refused = [f"file/{name}", "/proc/birds" + (suffix or "")]
    if suffix:
        refused += ["birds", "birds.h5"]
    if not is_folder:
        refused.append(f"folder/{name}")
    before = sorted(tmp_path.rglob("*"))
    for target in refused:
        status, out, err = run_cli(*command, target)
        assert status == 1
        assert out == ""
        assert err.count("\n") == 1
        assert target in err
        assert "nowhere" not in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_name_is_proposed(run_cli):
    _, _, err = run_cli("adapt", "nowhere", "--output", "birds")
    assert "must end in .keras" in err
    assert "birds.keras" in err


@pytest.mark.parametrize("option", ["--unknown-threshold", "--false-reject-rate"])
@pytest.mark.parametrize("value", ["90", "-0.1", "nan"])
def test_a_rate_is_from_0_to_1(run_cli, option, value):
    status, _, err = run_cli("adapt", "nowhere", f"{option}={value}")
    assert status == 2
    assert "from 0 to 1" in err
    assert option in err


def test_json_and_csv_are_refused_before_a_model_is_loaded(run_cli):
    for command in (["predict", "a.keras", "a.png"], ["evaluate", "a.keras"]):
        status, _, err = run_cli(*command, "--json", "--csv")
        assert status == 2
        assert "not both" in err


@pytest.fixture
def other_layers(tmp_path):
    """A learner of a layer that its module registers, and the module."""
    module = tmp_path / "my_layers.py"
    module.write_text(LAYER, encoding="utf-8")
    scope = {}
    exec(LAYER, scope)
    backbone = keras.Sequential(
        [keras.Input((28, 28, 1)), scope["Twice"](), keras.layers.Flatten()]
    )
    path = tmp_path / "learner.keras"
    fsl.models.PrototypicalNetwork(backbone).save(path)
    yield path, module
    keras.saving.get_custom_objects().pop("mine>Twice", None)


def test_layers_of_other_modules_are_imported(run_cli, other_layers, monkeypatch):
    path, module = other_layers
    registered = keras.saving.get_custom_objects()
    command = ["evaluate", path, "--episodes=2"]
    del registered["mine>Twice"]
    status, _, err = run_cli(*command)
    assert status == 1
    assert "Could not locate class 'Twice'" in err
    assert "--import" in err
    assert err.count("\n") == 1
    status, out, err = run_cli(*command, "--import", module)
    assert status == 0, err
    assert "5-way 1-shot" in out
    del registered["mine>Twice"]
    monkeypatch.syspath_prepend(module.parent)
    monkeypatch.delitem(sys.modules, "my_layers")
    status, _, err = run_cli(*command, "--import", "my_layers")
    assert status == 0, err


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("nowhere.py", "FileNotFoundError"),
        ("no_such_module", "No module named 'no_such_module'"),
    ],
)
def test_a_module_that_cannot_be_imported(run_cli, learner, name, reason):
    status, _, err = run_cli("evaluate", learner, "--import", name)
    assert status == 1
    assert f"--import {name}" in err
    assert reason in err
