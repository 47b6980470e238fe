"""From a folder of photographs to a classifier, with a network of Keras."""

import io
import re
import tarfile

import keras
import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl
from fsl_keras.cli.fine_tuning import first_trained
from tests.shapes import pictures, write


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """Options that name a small network and a file of weights, random ones."""
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("weights") / "random.weights.h5"
    application = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, weights=None
    )
    application.save_weights(path)
    return ["--backbone=mobilenet_v2", "--alpha=0.35", f"--weights={path}"]


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three classes of four images, a copy of one, and a class of one image."""
    folder = tmp_path_factory.mktemp("photos")
    images, labels = pictures(["bar", "beam", "disk"], size=(40, 50))
    # The shape is in different places, so that no two images are near duplicates.
    places = [(5 * (i % 4), 9 * (i % 4)) for i in range(len(images))]
    images = [
        np.roll(image, place, axis=(0, 1))
        for image, place in zip(images, places, strict=True)
    ]
    paths = write(folder, images, labels)
    Image.open(paths[0]).save(paths[0].with_name("copy.jpg"), quality=95)
    (folder / "frame").mkdir()
    Image.fromarray(pictures(["frame"], count=1)[0][0]).save(folder / "frame" / "0.png")
    return folder


@pytest.fixture(scope="module")
def adapted(run_cli, network, photos, tmp_path_factory):
    """The classifier of the photographs, and what the command printed."""
    path = tmp_path_factory.mktemp("adapted") / "birds.keras"
    status, out, err = run_cli("adapt", photos, *network, f"--output={path}")
    assert status == 0, err
    return path, out


@pytest.mark.slow
def test_adapt_writes_a_classifier_of_images_of_any_size(adapted, photos):
    classifier = keras.saving.load_model(adapted[0])
    assert classifier.class_names == ["bar", "beam", "disk", "frame"]
    assert classifier.learner.item_shape == (224, 224, 3)
    images, _ = pictures(["bar", "disk"], count=2, size=(30, 60))
    assert classifier.predict(images, verbose=0).shape == (4, 4)


@pytest.mark.slow
def test_adapt_prints_the_leave_one_out_report(adapted):
    _, out = adapted
    assert "Leave-one-out accuracy" in out
    assert "13 images)" in out
    assert "Not tested, with no second image: frame\n" in out
    (line,) = [text for text in out.splitlines() if "Nearly the same image" in text]
    assert "000.png" in line
    assert "copy.jpg" in line
    assert "Learned 4 classes from 14 different images" in out
    assert re.search(r"Head: \w+ \(\d+\.\d % in 5-fold cross-validation; \w+ ", out)


@pytest.mark.slow
def test_adapt_calibrates_for_a_rate_of_false_rejects(
    run_cli, network, photos, tmp_path
):
    path = tmp_path / "birds.keras"
    negatives = write(tmp_path, pictures(["frame"], seed=70)[0], ["none"] * 4)
    status, out, err = run_cli(
        "adapt",
        photos,
        *network,
        f"--output={path}",
        "--false-reject-rate=0.2",
        f"--negatives={negatives[0].parent}",
    )
    assert status == 0, err
    (line,) = [text for text in out.splitlines() if "Calibrated by nested" in text]
    assert "leave-one-out of 14 examples" in line
    assert "4 examples); AUROC of unknown classes" in line
    assert keras.saving.load_model(path).calibration.false_reject_rate == 0.2


@pytest.mark.slow
def test_adapt_takes_statistics_of_base_classes(run_cli, network, photos, tmp_path):
    path = tmp_path / "birds.keras"
    arguments = ["adapt", photos, *network, f"--base={photos}", f"--output={path}"]
    status, _, err = run_cli(*arguments, "--head=whitened")
    assert status == 0, err
    head = keras.saving.load_model(path).learner.head
    assert np.abs(head.whitening - np.eye(1280)).max() > 0
    status, _, err = run_cli(*arguments, "--head=ridge")
    assert status == 1
    assert "has no statistics of base classes, which --base computes" in err


def test_compare_recommends_a_backbone_and_a_head(run_cli, network, photos, tmp_path):
    path = tmp_path / "best.keras"
    status, out, err = run_cli(
        *("compare", photos, *network, "--views", "--head=cosine", "--head=ridge"),
        f"--output={path}",
    )
    assert status == 0, err
    learner = keras.saving.load_model(path).learner
    heads = {"RidgeHead": "ridge", "PrototypeHead": "cosine"}
    views = " --views" if isinstance(learner.backbone, fsl.backbones.MultiCrop) else ""
    head = heads[type(learner.head).__name__]
    assert f"Recommended: --backbone mobilenet_v2{views} --head {head}\n" in out
    assert "12 images of 4 classes" in out
    for name in ("mobilenet_v2", "mobilenet_v2 --views"):
        assert len([x for x in out.splitlines() if x.startswith(f"│ {name:20} │")]) == 2
    status, _, err = run_cli("compare", photos, *network, "--weights=b", "--head=ridge")
    assert status == 1
    assert "1 backbones and 2 weights" in err


@pytest.mark.slow
def test_add_class_leaves_the_other_classes_unchanged(
    run_cli, network, photos, tmp_path
):
    first, path = tmp_path / "first.keras", tmp_path / "birds.keras"
    status, _, err = run_cli(
        "adapt", photos, *network, "--head=cosine", f"--output={first}"
    )
    assert status == 0, err
    path.write_bytes(first.read_bytes())
    ibis = tmp_path / "ibis"
    write(tmp_path, pictures(["frame"], seed=50)[0], ["ibis"] * 4)
    (ibis / "notes.txt").write_text("no image")
    status, out, err = run_cli("add-class", path, ibis)
    assert status == 0
    assert "It knows 5 classes" in out
    assert "Skipped 1 of 5 files" in err
    before, after = (keras.saving.load_model(p) for p in (first, path))
    assert after.class_names == [*before.class_names, "ibis"]
    old, new = (np.asarray(model.task.state["prototypes"]) for model in (before, after))
    np.testing.assert_array_equal(new[:, :4], old)
    status, _, err = run_cli("add-class", path, ibis)
    assert status == 1
    assert "'ibis' is known already" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backbone=mobilenet_v9"], "Did you mean"),
        (
            ["--backbone=resnet50", "--weights=nowhere.h5"],
            "file. Received: weights='nowhere.h5'",
        ),
        (["--backbone=resnet50", "--learner=a.keras"], "not both"),
        (["--views"], "--views is for a --backbone"),
        (["--fine-tune"], "trains a network of --backbone, such as mobilenet_v2"),
        (["--backbone=vgg16", "--fine-tune"], "Give the beginning of the name of the"),
    ],
)
def test_a_mistake_is_one_line(run_cli, photos, arguments, message):
    status, _, err = run_cli("adapt", photos, *arguments)
    assert status == 1
    assert message in err
    assert err.count("\n") == 1


def test_embed_writes_the_features_of_every_image(run_cli, network, photos, tmp_path):
    path = tmp_path / "features.npz"
    status, out, err = run_cli("embed", photos, *network, f"--output={path}")
    assert status == 0, err
    assert "4 classes" in out
    with np.load(path) as stored:
        assert stored["features"].shape == (14, 1280)
        assert stored["class_names"].tolist() == ["bar", "beam", "disk", "frame"]
        names = stored["class_names"][stored["labels"]]
        for file, name in zip(stored["files"], names, strict=True):
            assert f"/{name}/" in file


def test_embed_computes_parts_of_archives(run_cli, network, photos, tmp_path):
    (tmp_path / "data").mkdir()
    for number, name in enumerate(["beam", "disk"]):
        with tarfile.open(tmp_path / "data" / f"{number}.tar", "w") as archive:
            for path in sorted((photos / name).iterdir())[:2]:
                archive.add(path, f"{name}-{path.name}")
                label = tarfile.TarInfo(f"{name}-{path.stem}.cls")
                label.size = len(name)
                archive.addfile(label, io.BytesIO(name.encode()))
    output = tmp_path / "features"
    for shard in ("1/2", "0/2"):
        status, out, err = run_cli(
            "embed", tmp_path / "data", *network, f"--output={output}", "--shard", shard
        )
        assert status == 0, err
        assert "up to 2 features of shape (1280,)" in out
    features = fsl.features.read_shards(output)
    assert features.summary() == (
        "features: 2 classes of 2 items, 4 in all, shape (1280,)"
    )
    for shard in ("4/4", "1", "a/b", "1/"):
        status, _, err = run_cli("embed", photos, *network, "--shard", shard)
        assert status == 1
        assert f"such as 0/4 for the first of four. Received: {shard}" in err


@pytest.fixture(scope="module")
def vit(tmp_path_factory):
    """The name of a small vision transformer of keras-hub, with random weights."""
    hub = pytest.importorskip("keras_hub", reason="needs keras-hub")
    folder = tmp_path_factory.mktemp("hub") / "vit"
    hub.models.ViTBackbone(
        image_shape=(16, 16, 3),
        patch_size=8,
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        mlp_dim=16,
    ).save_to_preset(folder)
    converter = hub.layers.ImageConverter(image_size=(16, 16), scale=1 / 255)
    converter.save_to_preset(folder)
    return f"keras_hub:{folder}"


def test_a_backbone_of_keras_hub(run_cli, photos, vit, tmp_path):
    output = tmp_path / "classifier.keras"
    status, _, err = run_cli("adapt", photos, "--backbone", vit, "--output", output)
    assert status == 0, err
    classifier = keras.saving.load_model(output)
    assert classifier.learner.item_shape == (16, 16, 3)
    for option, value in (("--alpha", "0.5"), ("--weights", "a.h5")):
        status, _, err = run_cli("adapt", photos, "--backbone", vit, option, value)
        assert status == 1
        assert "leave them out" in err


class TestFineTuning:
    def run(self, run_cli, photos, vit, output, monkeypatch, gain):
        """Fine-tunes where training is found better or worse by leaving out."""
        frozen, tuned = (
            fsl.model_selection.Candidate(name, np.array([1.0, 0.0, right]))
            for name, right in ((0.0, 0.0), (0.5, gain))
        )
        monkeypatch.setattr(
            fsl.model_selection,
            "cross_validate_fine_tuning",
            lambda *_, **__: [frozen, tuned],
        )
        status, out, err = run_cli(
            *("adapt", photos, "--backbone", vit, "--output", output),
            *("--fine-tune", "--unfreeze", "all", "--epochs", 1),
        )
        assert status == 0, err
        return out, keras.saving.load_model(output).learner.backbone.get_weights()

    @pytest.mark.slow
    def test_a_network_is_trained_only_if_that_is_better(
        self, run_cli, photos, vit, tmp_path, monkeypatch
    ):
        arguments = (run_cli, photos, vit, tmp_path / "a.keras", monkeypatch)
        out, frozen = self.run(*arguments, gain=0.0)
        assert "after fine-tuning (+0.0 ± 0.0): it stays frozen." in out
        assert "too high" not in out
        out, trained = self.run(*arguments, gain=1.0)
        assert "33.3 % of the images" in out
        assert "66.7 % after fine-tuning (+33.3 ± 65.3): it is trained." in out
        assert "trained on these images, so this estimate is too high" in out
        pairs = zip(frozen, trained, strict=True)
        assert any((a != b).any() for a, b in pairs)

    @pytest.mark.parametrize("name", ["MobileNetV2", "ResNet50"])
    def test_the_last_block_of_a_network_is_known(self, name):
        layer = first_trained(True, None, None, backbone=name, encoder=None)
        network = fsl.backbones.pretrained(name, None, input_shape=(32, 32, 3))
        names = [each.name for each in network.layers[-1].layers]
        first = next(i for i, each in enumerate(names) if each.startswith(layer))
        # The layers of one block, and of the end of the network.
        assert 8 <= len(names) - first <= 16
