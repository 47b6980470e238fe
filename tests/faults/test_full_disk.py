"""A full disk or a read-only folder: an error of one line, and nothing is lost."""

import contextlib
import os
import re
import subprocess
import tempfile

import pytest

import fsl_keras as fsl
from fsl_keras.app import Embedder, Session
from fsl_keras.app.downloads import download
from fsl_keras.app.texts import upload_of
from fsl_keras.app.uploads import Upload
from fsl_keras.continual import HerdingExemplars
from fsl_keras.features import read_shards
from tests.app.pictures import array, encoded, uploads
from tests.checks import rows
from tests.continual.test_fine_tuning import SESSIONS
from tests.continual.test_fine_tuning import learner as continual_learner
from tests.files.test_files import full_disk
from tests.shapes import make_learner, pictures, write

# What the errors say.
FULL = r"cannot be written: .*\. Free some space, or choose another folder\.$"
READ_ONLY = r"(?i)read-only|permission"


@contextlib.contextmanager
def read_only(folder):
    """While it lasts, nothing in a folder can be written, even by an administrator."""
    if os.geteuid():
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
        for path in folders:
            path.chmod(0o555)
        try:
            yield
        finally:
            for path in folders:
                path.chmod(0o755)
        return
    if subprocess.run(["mount", "--bind", folder, folder], check=False).returncode:
        pytest.skip("an administrator needs the right to mount, or writes anywhere")
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def contents(folder):
    """The bytes of all files in a folder, hidden ones too."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def room_below(folder):
    """How many bytes a file may have, so that the largest one lacks its last byte."""
    return max(map(len, contents(folder).values())) - 1


def line_of(result):
    """The error of a command, which is one line."""
    status, _, errors = result
    assert status == 1, errors
    assert "Traceback" not in errors
    (line,) = [line for line in errors.splitlines() if line.startswith("Error: ")]
    assert line == errors.splitlines()[-1]
    return line


def commands(inputs, output):
    """By name, a command that writes into a folder, and one that writes there again."""
    photos, classifier = inputs / "photos", output / "shapes.keras"
    frame = sorted((photos / "frame").iterdir())
    adapt = ["adapt", photos, f"--learner={inputs / 'learner.keras'}", "--output"]
    add = ["add-class", classifier, *frame, "--name"]
    learn = ["learn", photos, f"--folder={output / 'learner'}"]
    embed = ["embed", inputs / "texts.csv", f"--output={output / 'texts.npz'}"]
    return {
        "adapt": ([*adapt, classifier], [*adapt, classifier]),
        "add-class": ([*adapt, classifier], [*add, "other"]),
        "learn": ([*learn, f"--learner={inputs / 'learner.keras'}"], learn),
        "embed": (embed, embed),
    }


@pytest.fixture(scope="module")
def learner():
    return make_learner(channels=3)


@pytest.fixture(scope="module")
def inputs(learner, tmp_path_factory):
    """Photographs of four shapes, texts, and a learner that was never trained."""
    folder = tmp_path_factory.mktemp("inputs")
    write(folder / "photos", *pictures(["bar", "beam", "disk", "frame"], count=2))
    lines = [f"text {number},class {number % 3}" for number in range(12)]
    (folder / "texts.csv").write_text("\n".join(["text,label", *lines]))
    learner.save(folder / "learner.keras")
    return folder


@pytest.fixture(scope="module", params=["adapt", "add-class", "learn", "embed"])
def written(request, inputs, tmp_path_factory, run_cli):
    """A folder that a command has written into, and a command that does it again."""
    output = tmp_path_factory.mktemp("output")
    first, again = commands(inputs, output)[request.param]
    status, _, errors = run_cli(*first)
    assert status == 0, errors
    return output, again


def test_a_command_on_a_full_disk(written, run_cli):
    output, command = written
    before = contents(output)
    with full_disk(room_below(output)):
        line = line_of(run_cli(*command))
    assert f"{output}" in line
    assert re.search(FULL, line)
    assert contents(output) == before


def test_a_command_in_a_read_only_folder(written, run_cli):
    output, command = written
    before = contents(output)
    with read_only(output):
        line = line_of(run_cli(*command))
    assert f"{output}" in line
    assert re.search(READ_ONLY, line)
    assert contents(output) == before


def test_the_folder_in_which_keras_unpacks_is_full(inputs, tmp_path, run_cli):
    command = ["export", inputs / "learner.keras", tmp_path / "saved_model"]
    with full_disk(0):
        line = line_of(run_cli(*command))
    assert re.search(f"{tempfile.gettempdir()} {FULL}", line)


def test_a_part_of_the_features_goes_on_when_there_is_room(inputs, tmp_path, run_cli):
    output = tmp_path / "features"
    command = ["embed", inputs / "texts.csv", f"--output={output}", "--shard"]
    assert run_cli(*command, "0/2")[0] == 0
    before = contents(output)
    with full_disk(room_below(output)):
        line = line_of(run_cli(*command, "1/2"))
    assert f"{output / 'shard-1-of-2.npy'} cannot be written" in line
    kept = contents(output)
    assert {name: kept.pop(name) for name in before} == before
    # What was computed, which the next call continues.
    assert sorted(kept) == ["shard-1-of-2.json", "shard-1-of-2.partial"]
    with read_only(output):
        line_of(run_cli(*command, "1/2"))
    assert run_cli(*command, "1/2")[0] == 0
    assert not list(output.glob("*.partial")) + list(output.glob("*.lock"))
    assert read_shards(output).class_sizes.tolist() == [4, 4, 4]


@pytest.mark.slow
def test_a_run_goes_on_when_there_is_room(tmp_path, run_cli):
    folder = tmp_path / "run"
    command = [
        *("train", f"--output={folder}", "--ways=5", "--steps=2"),
        *("--set=train.steps_per_epoch=1", "--set=train.validation_episodes=2"),
        *("--set=train.queries=1", "--set=backbone.filters=2"),
        *("--set=test.protocols=[[5, 1]]", "--set=test.episodes=2"),
        "--set=test.calibration_episodes=2",
    ]
    with full_disk(2**13):
        line = line_of(run_cli(*command))
    assert f"{folder / 'checkpoint.keras'} cannot be written" in line
    assert sorted(contents(folder)) == ["history.json", "options.json"]
    with read_only(folder):
        line = line_of(run_cli(*command, "--resume"))
    assert re.search(READ_ONLY, line)
    with full_disk(2**16):
        line = line_of(run_cli(*command, "--resume"))
    # The list of training classes makes it larger than a checkpoint.
    assert f"{folder / 'learner.keras'} cannot be written" in line
    before = contents(folder)
    assert "checkpoint.keras" in before
    assert "report.json" not in before
    assert run_cli(*command, "--resume")[0] == 0
    # It was trained, and is not trained again.
    assert contents(folder)["checkpoint.keras"] == before["checkpoint.keras"]
    assert (folder / "report.json").exists()


@pytest.fixture(scope="module")
def classifier(learner):
    images, labels = pictures(["bar", "beam", "disk"], size=(16, 16))
    return learner.adapt(images, labels)


# A file that an old export has, by format.
EXPORTS = {
    "tf_saved_model": "saved_model/saved_model.pb",
    "litert": "shapes.tflite",
    "onnx": "shapes.onnx",
    "web": "page/classifier.onnx",
}


@pytest.fixture
def exported(tmp_path, request):
    """The path and the format of an old export."""
    old = tmp_path / EXPORTS[request.param]
    old.parent.mkdir(exist_ok=True)
    old.write_text("old")
    return old if old.parent == tmp_path else old.parent, request.param


@pytest.mark.parametrize(
    "exported", rows(EXPORTS, ["litert", "onnx", "web"]), indirect=True
)
def test_an_export_to_a_full_disk(classifier, exported):
    path, format = exported
    if format in ("onnx", "web"):
        pytest.importorskip("tf2onnx", reason="needs the extra onnx")
    before = contents(path.parent)
    with full_disk(2**13), pytest.raises(OSError, match=FULL):
        classifier.export(path, format)
    assert contents(path.parent) == before


@pytest.mark.parametrize("exported", EXPORTS, indirect=True)
def test_an_export_to_a_read_only_folder(inputs, exported, run_cli):
    path, format = exported
    with read_only(path.parent):
        command = ("export", inputs / "learner.keras", path, f"--format={format}")
        assert re.search(READ_ONLY, line_of(run_cli(*command)))


def test_a_session_of_continual_learning(tmp_path):
    path = tmp_path / "state.npz"
    memory = HerdingExemplars(10**4)
    learner = continual_learner(exemplars=memory, steps=1)
    classifier = learner.adapt(*SESSIONS[0])
    classifier.save(path)
    before = contents(tmp_path)
    classifier.add_examples(*SESSIONS[1])
    for fault in (full_disk(len(before[path.name]) // 2), read_only(tmp_path)):
        with fault, pytest.raises(OSError, match=f"{tmp_path}"):
            classifier.save(path)
    assert contents(tmp_path) == before
    assert learner.restore(path).class_names == sorted(set(SESSIONS[0][1]))


@pytest.fixture(scope="module")
def photographs(learner):
    session = Session(Embedder("small", learner))
    session.teach("red", uploads("red", range(3)))
    yield session
    session.close()


@pytest.fixture(scope="module")
def texts():
    encoder = fsl.backbones.HashedTextEncoder()
    learner = fsl.models.TransferLearner(encoder, "ridge")
    session = Session(Embedder("hashed", learner))
    session.teach("card", [upload_of("where is my card " * 100)])
    yield session
    session.close()


@pytest.mark.parametrize(
    ("kind", "format"),
    [
        ("photographs", "Keras (.keras)"),
        ("photographs", "Web page (.zip)"),
        ("photographs", "Pictures in folders (.zip)"),
        ("texts", "Texts and labels (.csv)"),
    ],
)
def test_a_download_of_the_page(request, kind, format):
    session = request.getfixturevalue(kind)
    if format.startswith("Web"):
        pytest.importorskip("tf2onnx", reason="needs the extra onnx")
    path = download(session, format)
    before = contents(session.folder)
    with full_disk(len(before[path.name]) * 3 // 4), pytest.raises(OSError, match=FULL):
        download(session, format)
    assert contents(session.folder) == before


def test_pictures_that_are_taught_on_the_page(photographs):
    before = contents(photographs.folder)
    given = [*uploads("blue", [0]), Upload("large.png", encoded(array("blue", 1, 128)))]
    with full_disk(len(given[1].contents) - 1), pytest.raises(OSError, match=FULL):
        photographs.teach("blue", given)
    assert photographs.class_names == ["red"]
    assert contents(photographs.folder) == before
    photographs.teach("blue", given)
    assert photographs.class_names == ["red", "blue"]
