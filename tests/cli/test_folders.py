"""Folders and tables of images of every kind, with `fsl-keras adapt`."""

import json

import keras
import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl
from tests.shapes import picture, pictures, write


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    """Options that name a small learner, which was never trained."""
    keras.utils.set_random_seed(0)
    path = tmp_path_factory.mktemp("learner") / "learner.keras"
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
    fsl.models.PrototypicalNetwork(backbone).save(path)
    return f"--learner={path}"


@pytest.fixture
def adapt(run_cli, learner, tmp_path):
    """Runs `adapt` on a folder: the classifier, the output and the warnings."""

    def run(folder):
        path = tmp_path / "classifier.keras"
        status, out, err = run_cli("adapt", folder, learner, f"--output={path}")
        assert status == 0, err
        return keras.saving.load_model(path), out, err

    return run


def noise(count, size=(8, 8)):
    values = np.random.default_rng(0).integers(0, 256, (count, *size, 3))
    return values.astype("uint8")


def gif(path, count):
    """Writes a GIF of several frames, the first of which is a bar."""
    frames = [Image.fromarray(picture(n)) for n in ("bar", "disk", "beam")]
    frames[0].save(path, save_all=True, append_images=frames[1:count])
    return path


def test_one_picture_of_each_class(adapt, tmp_path):
    write(tmp_path / "photos [/of] birds", *pictures(["bar", "disk"], count=1))
    classifier, out, _ = adapt(tmp_path / "photos [/of] birds")
    assert classifier.class_names == ["bar", "disk"]
    assert "The accuracy cannot be estimated" in out
    assert "Not tested, with no second image: bar; disk\n" in out
    assert "Learned 2 classes from 2 different images" in out


def test_what_is_no_terminal_gets_lines_of_progress(adapt, tmp_path):
    write(tmp_path / "photos", *pictures(["bar", "disk"]))
    _, out, err = adapt(tmp_path / "photos")
    assert "images: 8 of 8\n" in err
    assert "images: 8 of 8" not in out
    assert "\r" not in out + err
    assert "\x1b" not in out + err


@pytest.mark.parametrize("quality", [None, 80])
def test_the_same_image_in_two_classes(adapt, tmp_path, quality):
    images, labels = pictures(["bar", "disk"], size=(48, 48))
    first, *_ = write(tmp_path / "photos", images, labels)
    copy = first.parents[1] / "disk" / "a copy.png"
    copy.write_bytes(first.read_bytes())
    if quality:
        copy = copy.with_suffix(".jpg")
        Image.open(first).save(copy, quality=quality)
        copy.with_suffix(".png").unlink()
    _, out, _ = adapt(tmp_path / "photos")
    line = "Nearly the same image in two classes, one of which is probably wrong"
    assert f"{line}: {first} and {copy}\n" in out


def test_the_first_frame_of_animations_is_used_with_one_warning(
    adapt, run_cli, tmp_path
):
    folder = tmp_path / "photos"
    write(folder, *pictures(["bar", "disk"], count=2))
    still = gif(folder / "bar" / "still.gif", count=1)
    moving = gif(folder / "bar" / "moving.gif", count=3)
    line = "Only the first frame is used of 1 of {} images, which are animated: {}."
    _, _, err = adapt(folder)
    assert err.count("animated") == err.count(line.format(6, moving)) == 1
    classifier = tmp_path / "classifier.keras"
    status, out, err = run_cli("predict", classifier, moving, still, "--json")
    assert status == 0
    assert line.format(2, moving) in err
    answers = [line for line in out.splitlines() if '"class_name"' in line]
    assert len(answers) == 2
    assert answers[0] == answers[1]
    _, _, err = run_cli("evaluate", classifier, folder)
    assert line.format(6, moving) in err


def test_an_unreadable_picture_of_a_new_class_is_left_out(adapt, run_cli, tmp_path):
    write(tmp_path / "photos", *pictures(["bar", "disk"], count=2))
    bad, *_ = write(tmp_path, *pictures(["beam"], count=3))
    bad.write_bytes(b"no image")
    adapt(tmp_path / "photos")
    path = tmp_path / "classifier.keras"
    status, out, err = run_cli("add-class", path, tmp_path / "beam")
    assert status == 0
    assert "It knows 3 classes" in out
    assert f"Skipped 1 of 3 files: {bad}: not a JPEG" in err
    assert len(keras.saving.load_model(path).task.examples()) == 6


@pytest.mark.slow
def test_one_class_of_many_pictures(adapt, tmp_path):
    write(tmp_path / "photos", noise(1000), ["heron"] * 1000)
    classifier, out, _ = adapt(tmp_path / "photos")
    assert classifier.class_names == ["heron"]
    assert "Leave-one-out accuracy" not in out
    assert "that takes two classes" in out
    assert "Learned 1 classes from 1000 different images" in out


@pytest.mark.slow
def test_many_classes_of_one_or_two_pictures(adapt, tmp_path):
    labels = [f"bird {number:03}" for number in range(200)]
    write(tmp_path / "photos", noise(300), labels + labels[100:])
    classifier, out, _ = adapt(tmp_path / "photos")
    assert classifier.class_names == labels
    assert "200 images)" in out
    assert "bird 009; and 90 more" in out
    assert "Learned 200 classes from 300 different images" in out


def table_of(folder, paths, name="labels.csv"):
    """Writes a CSV file of images and labels next to their folder."""
    rows = [f"{path.relative_to(folder.parent)},{path.parent.name}" for path in paths]
    table = folder.parent / name
    table.write_text("\n".join(["file,label", *rows]), encoding="utf-8")
    return table


def test_a_table_in_the_place_of_a_folder(adapt, run_cli, tmp_path):
    folder = tmp_path / "photos"
    paths = write(folder, *pictures(["bar", "disk"], count=2))
    of_folder, out, _ = adapt(folder)
    of_table, same, _ = adapt(table_of(folder, paths))
    assert same == out
    images = pictures(["bar", "disk"], seed=50)[0]
    np.testing.assert_array_equal(
        of_table.predict(images, verbose=0), of_folder.predict(images, verbose=0)
    )
    classifier = tmp_path / "classifier.keras"
    expected = run_cli("evaluate", classifier, folder)
    assert run_cli("evaluate", classifier, folder.parent / "labels.csv") == expected


def test_folders_and_tables_are_predicted(adapt, run_cli, tmp_path):
    folder = tmp_path / "photos"
    paths = write(folder, *pictures(["bar", "disk"], count=2))
    adapt(folder)
    classifier, table = tmp_path / "classifier.keras", table_of(folder, paths[:1])
    for given, expected in [
        ([folder], paths),
        ([folder / "bar", paths[3]], [*paths[:2], paths[3]]),
        ([table], paths[:1]),
    ]:
        status, out, _ = run_cli("predict", classifier, *given, "--json")
        assert status == 0
        found = json.loads(out)["predictions"]
        assert [row["file"] for row in found] == [str(path) for path in expected]
        assert [row["class_name"] for row in found] == [p.parent.name for p in expected]
    status, out, _ = run_cli(
        "predict", classifier, folder, tmp_path / "nowhere.png", "--json"
    )
    assert status == 1
    assert len(json.loads(out)["predictions"]) == 4
    assert json.loads(out)["skipped"][0]["file"] == str(tmp_path / "nowhere.png")


def test_a_class_is_added_from_files(adapt, run_cli, tmp_path):
    write(tmp_path / "photos", *pictures(["bar", "disk"], count=2))
    adapt(tmp_path / "photos")
    classifier = tmp_path / "classifier.keras"
    files = write(tmp_path / "more", *pictures(["beam"], count=3))
    status, _, err = run_cli("add-class", classifier, *files)
    assert status == 1
    assert "--name" in err
    status, _, err = run_cli("add-class", classifier, *files, "--name=beam")
    assert status == 0, err
    loaded = keras.saving.load_model(classifier)
    assert loaded.class_names == ["bar", "disk", "beam"]
    assert len(loaded.task.examples()) == 7


def test_the_parts_of_a_data_set_are_refused(run_cli, learner, tmp_path):
    for part in ("train", "val"):
        write(tmp_path / "photos" / part, *pictures(["bar", "disk"], count=1))
    status, _, err = run_cli("adapt", tmp_path / "photos", learner)
    assert status == 1
    assert f"Did you mean {tmp_path / 'photos' / 'train'}?" in err


def test_images_are_cropped(adapt, run_cli, learner, tmp_path):
    write(tmp_path / "photos", *pictures(["bar", "disk"], count=2))
    path = tmp_path / "cropping.keras"
    arguments = (learner, f"--output={path}", "--resize=crop")
    status, _, err = run_cli("adapt", tmp_path / "photos", *arguments)
    assert status == 0, err
    assert keras.saving.load_model(path).preprocessing.resize == "crop"
