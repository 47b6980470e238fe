"""What existing files and folders an output may replace."""

import os
import socket

import pytest

from fsl_keras import presets
from fsl_keras.evaluation import EpisodeReport
from fsl_keras.files.outputs import (
    EXPORTED,
    JSON,
    KERAS,
    NPZ,
    PRESET,
    SAVED_MODEL,
    check_writable,
)
from tests.shapes import THREE, make_learner, pictures, write


@pytest.fixture
def photographs(tmp_path):
    """A folder of photographs, and a function that says whether all are there."""
    folder = tmp_path / "birds.keras"
    paths = write(folder, *pictures(THREE, count=2))
    return folder, lambda: all(path.is_file() for path in paths)


@pytest.fixture(scope="module")
def learner():
    return make_learner()


@pytest.fixture(scope="module")
def classifier(learner):
    return learner.adapt(*pictures(THREE, count=2))


class TestPhotographsAreNeverReplaced:
    @pytest.mark.slow
    def test_by_an_export(self, classifier, photographs):
        folder, are_all_there = photographs
        with pytest.raises(FileExistsError, match=r"not part of a SavedModel.*bar"):
            classifier.export(folder)
        assert are_all_there()

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("format", "suffix"), [("litert", "tflite"), ("onnx",) * 2]
    )
    def test_by_an_export_to_a_file(self, classifier, photographs, format, suffix):
        folder, _ = photographs
        folder = folder.rename(folder.with_suffix(f".{suffix}"))
        with pytest.raises(IsADirectoryError, match="is a folder"):
            classifier.export(folder, format)
        assert len(list(folder.rglob("*.png"))) == 6

    def test_by_the_export_of_a_learner(self, learner, photographs):
        folder, are_all_there = photographs
        with pytest.raises(FileExistsError, match="not part of a SavedModel"):
            learner.export(folder)
        assert are_all_there()

    def test_by_a_model(self, learner, classifier, photographs):
        folder, are_all_there = photographs
        for model in (learner, classifier):
            with pytest.raises(IsADirectoryError, match="is a folder"):
                model.save(folder)
            with pytest.raises(FileExistsError, match="not part of an unzipped"):
                model.save(folder, zipped=False)
        assert are_all_there()

    def test_by_a_report(self, photographs):
        folder, are_all_there = photographs
        report = EpisodeReport("any", [0.5, 1.0], {})
        with pytest.raises(IsADirectoryError, match="is a folder"):
            report.save(folder)
        image = next(folder.rglob("*.png"))
        with pytest.raises(FileExistsError, match="does not look like a JSON file"):
            report.save(image)
        assert are_all_there()
        assert image.read_bytes().startswith(b"\x89PNG")

    def test_by_a_preset(self, learner, photographs):
        folder, are_all_there = photographs
        with pytest.raises(FileExistsError, match="not part of a preset"):
            presets.save(learner, folder)
        assert are_all_there()


def test_an_export_replaces_an_export_and_an_empty_folder(classifier, tmp_path):
    folder = tmp_path / "birds"
    folder.mkdir()
    classifier.export(folder)
    (folder / ".DS_Store").write_text("")  # macOS leaves one where a folder was opened
    classifier.export(folder)
    assert not (folder / ".DS_Store").exists()
    assert (folder / "saved_model.pb").is_file()


def test_an_export_does_not_replace_a_folder_with_notes_of_the_user(
    classifier, tmp_path
):
    folder = tmp_path / "birds"
    classifier.export(folder)
    (folder / "notes.txt").write_text("keep")
    with pytest.raises(FileExistsError, match=r"replaced: notes\.txt\. Choose"):
        classifier.export(folder)
    assert (folder / "notes.txt").read_text() == "keep"


def test_a_preset_replaces_a_preset(learner, tmp_path):
    presets.save(learner, tmp_path / "mine", saved_model=True)
    presets.save(learner, tmp_path / "mine")
    assert not (tmp_path / "mine" / "saved_model").exists()


def test_shipped_presets_are_of_the_kind():
    for name in presets.list():
        PRESET.check_replaceable(presets.find(name))


@pytest.mark.parametrize(
    ("made", "kind", "message"),
    [
        (["README.md"], PRESET, "README.md"),
        (["config.json", "metadata.json", "data.csv"], PRESET, "data.csv"),
        (["saved_model.pb", "variables/a.jpg"], SAVED_MODEL, r"variables.a\.jpg"),
        (["saved_model.pb", "more/saved_model.pb"], SAVED_MODEL, "more"),
        (["assets/photograph.jpg"], SAVED_MODEL, "photograph"),
        ([f"{i}.jpg" for i in range(5)], SAVED_MODEL, r"2\.jpg and 2 more"),
    ],
)
def test_folders_that_are_not_of_a_kind(tmp_path, made, kind, message):
    for name in made:
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    with pytest.raises(FileExistsError, match=message):
        check_writable(tmp_path / "folder", kind)


def test_a_link_in_a_folder_is_not_part_of_an_export(tmp_path):
    (tmp_path / "photographs").mkdir()
    folder = tmp_path / "birds"
    folder.mkdir()
    (folder / "saved_model.pb").write_text("")
    (folder / "variables").symlink_to(tmp_path / "photographs")
    with pytest.raises(FileExistsError, match="variables"):
        check_writable(folder, SAVED_MODEL)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("birds", KERAS, r"must end in \.keras\. .*birds'. Use 'birds\.keras'"),
        ("birds.h5", KERAS, r"must end in \.keras"),
        ("birds.keras", JSON, r"must end in \.json"),
        ("features", NPZ, r"must end in \.npz"),
        ("birds.tflite", EXPORTED["onnx"], r"must end in \.onnx"),
    ],
)
def test_names_that_are_not_of_a_kind(tmp_path, name, kind, message):
    with pytest.raises(ValueError, match=message):
        check_writable(tmp_path / name, kind)


def test_a_model_is_refused_before_it_is_saved_under_a_wrong_name(learner, tmp_path):
    for name in ("birds", "birds.h5"):
        with pytest.raises(ValueError, match=rf"Received: '.*/{name}'"):
            learner.save(tmp_path / name)
    assert not any(tmp_path.iterdir())


def test_what_can_be_written_is_not_made_yet(tmp_path):
    check_writable(tmp_path / "deep" / "er" / "birds.keras", KERAS)
    check_writable(str(tmp_path / "birds"), SAVED_MODEL)
    assert not any(tmp_path.iterdir())


def test_parents_that_are_files(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError, match="file is a file, not a folder"):
        check_writable(tmp_path / "file" / "deep" / "birds.keras", KERAS)


def test_a_file_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "birds").write_text("keep")
    with pytest.raises(NotADirectoryError, match="is a file and a SavedModel is a fol"):
        check_writable(tmp_path / "birds", SAVED_MODEL)


def test_only_regular_files_are_replaced(tmp_path):
    os.mkfifo(tmp_path / "fifo.json")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket.json"))
        for path in (tmp_path / "fifo.json", tmp_path / "socket.json"):
            with pytest.raises(OSError, match="not a regular file"):
                check_writable(path, JSON)
    (tmp_path / "loop.json").symlink_to(tmp_path / "loop.json")
    with pytest.raises(OSError, match="is a link to itself"):
        check_writable(tmp_path / "loop.json", JSON)


@pytest.fixture
def as_nobody():
    """Runs as a user without rights, if the tests run as one who has all."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(tmp_path, as_nobody):
    with pytest.raises(PermissionError, match="in the folder /: Permission denied"):
        check_writable("/birds.keras", KERAS)
