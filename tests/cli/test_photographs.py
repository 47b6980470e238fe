"""From a folder of photographs to a classifier, with a network of Keras."""

import keras
import numpy as np
import pytest
from PIL import Image

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
    assert np.abs(keras.saving.load_model(path).learner.head.center).max() > 0
    status, _, err = run_cli(*arguments, "--head=ridge")
    assert status == 1
    assert "has no statistics of base classes, which --base computes" in err


def test_compare_recommends_a_backbone_and_a_head(run_cli, network, photos):
    status, out, err = run_cli(
        "compare", photos, *network, "--head=cosine", "--head=ridge"
    )
    assert status == 0, err
    assert "12 images of 4 classes" in out
    assert "Recommended: --backbone mobilenet_v2 --head" in out
    status, _, err = run_cli("compare", photos, *network, "--weights=b", "--head=ridge")
    assert status == 1
    assert "1 backbones and 2 weights" in err


@pytest.mark.slow
def test_add_class_leaves_the_other_classes_unchanged(
    run_cli, adapted, photos, tmp_path
):
    path = tmp_path / "birds.keras"
    path.write_bytes(adapted[0].read_bytes())
    ibis = tmp_path / "ibis"
    write(tmp_path, pictures(["frame"], seed=50)[0], ["ibis"] * 4)
    (ibis / "notes.txt").write_text("no image")
    status, out, err = run_cli("add-class", path, ibis)
    assert status == 0
    assert "It knows 5 classes" in out
    assert "Skipped 1 of 5 files" in err
    before, after = (keras.saving.load_model(p) for p in (adapted[0], path))
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
