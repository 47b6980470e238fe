import json
import os
import pathlib

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras import presets
from fsl_keras.model_selection.base_classes import BaseCalibration
from tests.checks import random_classes, run_python

CALIBRATION = BaseCalibration(
    2.0, [0.0, 1.0], [-1.0, 0.5], (10, 10), 0.9, (1.0, 0.5), "made up"
)


def learner():
    keras.utils.set_random_seed(0)
    return fsl.models.FEAT(fsl.backbones.Conv4((16, 16, 1), filters=4))


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A folder, its learner and an episode."""
    folder = tmp_path_factory.mktemp("presets") / "mine"
    model = learner()
    model.training_classes = ("Greek/alpha", "Greek/beta", "other")
    model.base_calibration = CALIBRATION
    presets.save(model, folder, {"description": "Of a test.", "cpu_minutes": 1.5})
    x, _ = next(iter(random_classes(3, 4).episodes(3, 1, 2, seed=0)))
    return folder, model, x


def copy_of(folder, path):
    path.mkdir()
    for file in folder.iterdir():
        (path / file.name).write_bytes(file.read_bytes())
    return path


def change(path, **changes):
    """Changes JSON values, as people do: metadata are left without their digest."""
    known = {**json.loads(path.read_text()), **changes}
    known.pop("digest", None)
    path.write_text(json.dumps(known))


def test_metadata_that_were_changed_by_accident_are_refused(stored, tmp_path):
    path = copy_of(stored[0], tmp_path / "copy") / "metadata.json"
    known = json.loads(path.read_text())
    path.write_text(json.dumps({**known, "model": "MatchingNetwork"}))
    with pytest.raises(ValueError, match=r"does not fit its digest.*remove the digest"):
        presets.metadata(path.parent)
    change(path, model="MatchingNetwork")
    assert presets.metadata(path.parent)["model"] == "MatchingNetwork"


@pytest.mark.slow
def test_a_preset_gives_the_same_answers_in_a_fresh_process(stored, tmp_path):
    folder, model, x = stored
    arrays = {name: value.numpy() for name, value in x.items()}
    np.savez(tmp_path / "episode.npz", **arrays)
    code = (
        "import sys, numpy as np, fsl_keras as fsl\n"
        "model = fsl.from_preset(sys.argv[1])\n"
        "x = dict(np.load(sys.argv[2]))\n"
        "np.save(sys.argv[3], model.predict(x, verbose=0))"
    )
    run_python(code, folder, tmp_path / "episode.npz", tmp_path / "logits.npy")
    np.testing.assert_allclose(
        np.load(tmp_path / "logits.npy"), model.predict(x, verbose=0), rtol=1e-6
    )


def test_it_comes_back_uncompiled_with_what_is_known_of_it(stored):
    loaded = fsl.from_preset(stored[0])
    assert not loaded.compiled
    assert loaded.training_classes == ("Greek/alpha", "Greek/beta", "other")
    assert loaded.base_calibration.at(0.5).temperature == 2.0


def test_the_folder_tells_versions_and_what_was_given(stored):
    told = presets.metadata(stored[0])
    assert told["versions"]["keras"] == keras.__version__
    assert told["model"] == "FEAT"
    assert told["cpu_minutes"] == 1.5
    assert "Of a test." in (stored[0] / "README.md").read_text()


def test_training_classes_are_stored_by_group_and_told_as_a_list(stored):
    text = (stored[0] / "metadata.json").read_text()
    assert '"Greek/": [ "alpha", "beta" ]' in text
    assert json.loads(text)["training_classes"][""] == ["other"]
    told = presets.metadata(stored[0])["training_classes"]
    assert told == ["Greek/alpha", "Greek/beta", "other"]
    assert "3, named in `metadata.json`" in (stored[0] / "README.md").read_text()


def test_training_classes_of_format_1_are_a_list(stored, tmp_path):
    folder = copy_of(stored[0], tmp_path / "old")
    names = ["Greek/alpha", "other"]
    change(folder / "metadata.json", format=1, training_classes=names)
    assert presets.metadata(folder)["training_classes"] == names
    assert fsl.from_preset(folder).training_classes == ("Greek/alpha", "other")


def test_an_evaluation_tells_the_overlap_with_training_classes(stored):
    data = random_classes(4, 4)
    data.class_names = ["Greek/alpha", "a", "b", "c"]
    episodes = data.episodes(2, 1, 2, seed=0, count=2)
    report = fsl.evaluation.evaluate(fsl.from_preset(stored[0]), episodes)
    assert report.protocol["overlap"] == 1
    assert report.protocol["training_classes"] == 3


def test_a_copy_knows_its_training_classes_too(stored):
    model = fsl.from_preset(stored[0])
    assert model.copy().training_classes == model.training_classes


@pytest.mark.slow
def test_it_trains_on(stored):
    model = fsl.from_preset(stored[0])
    before = model.get_weights()
    model.compile()
    model.fit(
        random_classes(4, 4).episodes(2, 1, 2, seed=0),
        steps_per_epoch=1,
        verbose=0,
    )
    assert any(
        (old != new).any() for old, new in zip(before, model.get_weights(), strict=True)
    )


@pytest.mark.slow
def test_a_classifier_is_a_preset_too(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (4, 16, 16, 1), dtype="uint8")
    classifier = learner().adapt(pictures, ["heron", "heron", "egret", "egret"])
    presets.save(classifier, tmp_path / "birds")
    loaded = fsl.from_preset(tmp_path / "birds")
    np.testing.assert_allclose(
        loaded.predict(pictures, verbose=0), classifier.predict(pictures, verbose=0)
    )
    assert loaded.class_names == ["egret", "heron"]


def test_names_that_are_not_utf_8(tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 1), dtype="uint8")
    names = [os.fsdecode(b"caf\xe9"), "чай"]
    presets.save(learner().adapt(pictures, names), tmp_path / "drinks")
    assert fsl.from_preset(tmp_path / "drinks").class_names == names


def test_the_backbone_alone(stored):
    backbone = presets.backbone(stored[0])
    app = keras.Sequential([keras.Input((16, 16, 1)), backbone, keras.layers.Dense(2)])
    assert app.output_shape == (None, 2)
    for mine, theirs in zip(
        backbone.get_weights(), stored[1].backbone.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(mine, theirs)


def test_the_head_alone_in_a_functional_app(stored):
    head = presets.head(stored[0])
    support, labels = keras.Input((None, 4)), keras.Input((None, None))
    query = keras.Input((None, 4))
    app = keras.Model([support, labels, query], head(support, labels, query))
    rng = np.random.default_rng(0)
    inputs = [rng.random((1, 3, 4)), np.eye(3)[None], rng.random((1, 5, 4))]
    inputs = [value.astype("float32") for value in inputs]
    np.testing.assert_allclose(
        app.predict(inputs, verbose=0), stored[1].head(*inputs), rtol=1e-5
    )


def test_the_head_learns_classes_and_ends_a_sequential_model(stored):
    vectors = np.random.default_rng(0).random((4, 4), "float32")
    nothing = keras.Sequential([keras.Input((4,)), keras.layers.Identity()])
    fitted = fsl.models.MetricModel(nothing, presets.head(stored[0]))
    fitted = fitted.adapt(vectors, ["heron", "heron", "egret", "egret"])
    pictures = keras.Input((16, 16, 1))
    app = keras.Sequential([pictures, presets.backbone(stored[0]), fitted])
    assert app.output_shape == (None, 2)
    found = app.predict(np.zeros((3, 16, 16, 1), "float32"), verbose=0)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, rtol=1e-5)


def test_parts_of_a_gradient_based_learner(tmp_path):
    network = keras.Sequential(
        [fsl.backbones.Conv4((16, 16, 1), filters=4), keras.layers.Dense(3)]
    )
    presets.save(fsl.models.MAML(network), tmp_path / "maml")
    backbone, head = (
        presets.backbone(tmp_path / "maml"),
        presets.head(tmp_path / "maml"),
    )
    x = np.random.default_rng(0).random((2, 16, 16, 1), "float32")
    np.testing.assert_allclose(head(backbone(x)), network(x), rtol=1e-5)


@pytest.mark.parametrize("learner", ["MAML", "ProtoMAML"])
def test_a_head_that_is_made_for_each_task_is_not_given_away(tmp_path, learner):
    network = fsl.backbones.Conv4((16, 16, 1), filters=4)
    shared = {"shared_head": True} if learner == "MAML" else {}
    model = getattr(fsl.models, learner)(network, **shared)
    presets.save(model, tmp_path / "maml")
    x = np.random.default_rng(0).random((2, 16, 16, 1), "float32")
    embedded = presets.backbone(tmp_path / "maml")(x)
    np.testing.assert_allclose(embedded, network(x), rtol=1e-5)
    with pytest.raises(ValueError, match=f"{learner} of .* made anew for each task"):
        presets.head(tmp_path / "maml")


def test_a_saved_model_on_demand(stored, tmp_path):
    presets.save(stored[1], tmp_path / "mine", saved_model=True)
    assert (tmp_path / "mine" / "saved_model" / "saved_model.pb").exists()


def test_an_unknown_name_brings_the_nearest():
    with pytest.raises(ValueError, match="prototypical_conv4_omniglot"):
        fsl.from_preset("prototypical_conv4_omniglt")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "metadata.json"])
def test_a_missing_file_is_named(stored, tmp_path, name):
    folder = copy_of(stored[0], tmp_path / "copy")
    (folder / name).unlink()
    with pytest.raises(FileNotFoundError, match=name):
        fsl.from_preset(folder)


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5"])
def test_a_damaged_file_is_named_with_its_checksum(stored, tmp_path, name):
    folder = copy_of(stored[0], tmp_path / "copy")
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"{name} is damaged: its SHA-256"):
        fsl.from_preset(folder)


def test_damaged_metadata_are_named(stored, tmp_path):
    folder = copy_of(stored[0], tmp_path / "copy")
    (folder / "metadata.json").write_text('{"format": 1')
    with pytest.raises(ValueError, match=r"metadata\.json is damaged"):
        fsl.from_preset(folder)


def test_a_preset_of_a_newer_version_says_so(stored, tmp_path):
    folder = copy_of(stored[0], tmp_path / "copy")
    versions = {"fsl-keras": "9.0"}
    change(folder / "metadata.json", format=presets.FORMAT + 1, versions=versions)
    with pytest.raises(ValueError, match=r"made by fsl_keras 9\.0 .*--upgrade"):
        fsl.from_preset(folder)


def test_weights_that_do_not_fit(stored, tmp_path):
    folder = tmp_path / "other"
    other = fsl.models.FEAT(fsl.backbones.Conv4((16, 16, 1), filters=8))
    presets.save(other, folder)
    files = presets.metadata(stored[0])["files"]
    mixed = copy_of(stored[0], tmp_path / "copy")
    path = mixed / "model.weights.h5"
    path.write_bytes((folder / path.name).read_bytes())
    weights = presets.metadata(folder)["files"][path.name]
    change(mixed / "metadata.json", files={**files, path.name: weights})
    with pytest.raises(ValueError, match="do not fit the model"):
        fsl.from_preset(mixed)


def test_an_old_preset_stays_where_the_new_one_fails(stored, tmp_path, monkeypatch):
    folder = copy_of(stored[0], tmp_path / "copy")
    model = learner()

    def full_disk(self, path):
        pathlib.Path(path).write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(type(model), "save_weights", full_disk)
    with pytest.raises(OSError, match="No space"):
        presets.save(model, folder)
    loaded = fsl.from_preset(folder).training_classes
    assert loaded == ("Greek/alpha", "Greek/beta", "other")
    assert [path.name for path in tmp_path.iterdir()] == ["copy"]


def test_the_zoo_is_small():
    def size(folder):
        return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())

    sizes = {name: size(presets.find(name)) for name in presets.list()}
    larger = {
        "relation_conv4_omniglot": 1.2e6,  # its head is as large as Conv-4
        "reptile_conv4_omniglot": 1.1e6,  # a mean square of gradients a weight
        # Of up to 192 filters.
        "simple_shot_conv4_mini_imagenet": 1.05e6,
        "prototypical_1_shot_conv4_mini_imagenet": 1.05e6,
        "prototypical_5_shot_conv4_mini_imagenet": 1.05e6,
        "frn_conv4_mini_imagenet": 1.05e6,
    }
    assert all(size < larger.get(name, 1e6) for name, size in sizes.items())
    assert sum(sizes.values()) < 13e6
