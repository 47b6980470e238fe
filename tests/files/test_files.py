import contextlib
import errno
import os
import pathlib
import resource
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import files
from fsl_keras.files import (
    cache_folder,
    keep,
    read_json,
    replacing,
    write_json,
)
from fsl_keras.files.outputs import SAVED_MODEL
from fsl_keras.training.callbacks import Checkpoint, restore
from tests.shapes import THREE, make_learner, pictures


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_folder(path, text):
    """Writes a folder with the files of a SavedModel."""
    (path / "variables").mkdir(parents=True)
    (path / "variables" / "variables.index").write_text(text)
    (path / "saved_model.pb").write_text(text)


def read_folder(path):
    index, graph = path / "variables" / "variables.index", path / "saved_model.pb"
    assert index.read_text() == graph.read_text()
    return graph.read_text()


def test_a_new_file_takes_its_place(tmp_path):
    path = tmp_path / "deep" / "er" / "report.json"
    with replacing(path) as temporary:
        assert temporary.suffix == ".json"
        assert temporary.parent == path.parent
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(path.parent) == ["report.json"]


def test_an_old_file_stays_until_the_new_one_is_written(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with replacing(str(path)) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["report.json"]


@pytest.mark.parametrize(
    "error",
    [ValueError(), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")],
    ids=["exception", "kill", "full disk"],
)
def test_an_old_file_outlives_an_error_in_the_middle(tmp_path, error):
    path = tmp_path / "model.keras"
    path.write_bytes(b"old")

    def write():
        with replacing(path) as temporary, temporary.open("wb") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["model.keras"]


def test_a_new_folder_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "birds"
    write_folder(path, "old")
    (path / "fingerprint.pb").write_text("")
    with replacing(path, SAVED_MODEL) as temporary:
        write_folder(temporary, "new")
        assert read_folder(path) == "old"
    assert read_folder(path) == "new"
    assert names(path) == ["saved_model.pb", "variables"]
    assert names(tmp_path) == ["birds"]


def test_an_old_folder_outlives_a_full_disk(tmp_path):
    path = tmp_path / "birds"
    write_folder(path, "old")

    def write():
        with replacing(path, SAVED_MODEL) as temporary:
            write_folder(temporary, "half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert read_folder(path) == "old"
    assert names(tmp_path) == ["birds"]


@pytest.mark.parametrize(
    ("write", "read", "kind"),
    [
        (write_folder, read_folder, SAVED_MODEL),
        (pathlib.Path.write_text, pathlib.Path.read_text, None),
    ],
)
def test_what_was_there_stays_if_nothing_was_written(tmp_path, write, read, kind):
    path = tmp_path / "birds"
    write(path, "old")
    with pytest.raises(FileNotFoundError, match="birds"), replacing(path, kind):
        pass
    assert read(path) == "old"
    assert names(tmp_path) == ["birds"]


def test_two_writers_do_not_meet(tmp_path):
    path = tmp_path / "report.json"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # it ended last
    assert names(tmp_path) == ["report.json"]


def test_the_cache_lies_where_the_environment_says(tmp_path, monkeypatch):
    monkeypatch.setenv("FSL_KERAS_HOME", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("FSL_KERAS_HOME")
    assert cache_folder() == pathlib.Path.home() / ".fsl_keras"


def test_a_user_without_a_home_has_a_cache(monkeypatch):
    monkeypatch.delenv("FSL_KERAS_HOME")
    monkeypatch.delenv("HOME")
    # A number that no user of this machine has, as in many containers.
    monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert cache_folder().name == "fsl_keras-54321"


def test_what_cannot_be_cached_is_not_lost(tmp_path):
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "features.npz"
    with pytest.warns(UserWarning, match=r"The features cannot be cached .*HOME"):
        keep(path, lambda temporary: temporary.write_text("features"), "The features")


def test_json_is_utf_8_under_any_locale(tmp_path):
    content = {"класс": "цапля", "not UTF-8": os.fsdecode(b"egret-\xff")}
    path = tmp_path / "report.json"
    code = """
import sys
from fsl_keras.files import read_json, write_json
print(sys.flags.utf8_mode, open(sys.argv[1]).encoding)
write_json(sys.argv[2], read_json(sys.argv[1]))
"""
    write_json(path, content)
    assert "цапля" in path.read_text(encoding="utf-8")
    copy = tmp_path / "copy.json"
    done = without_package(
        code, path, copy, env={"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"}
    )
    assert done.stdout == "0 ANSI_X3.4-1968\n", done.stderr
    assert read_json(copy) == content


def test_json_has_lists_of_numbers_and_strings_on_one_line(tmp_path):
    content = {"text": "a [b\n c]", "list": [1, 2.5, "x"], "nested": [{"a": []}]}
    write_json(tmp_path / "report.json", content)
    lines = (tmp_path / "report.json").read_text(encoding="utf-8").splitlines()
    assert ' "list": [ 1, 2.5, "x" ],' in lines
    assert read_json(tmp_path / "report.json") == content


def without_package(code, *arguments, env=None):
    """Runs code that imports modules of the package, but not the package.

    That takes a twentieth of a second, as TensorFlow is not imported.
    """
    begin = (
        "import sys, types\n"
        "package = types.ModuleType('fsl_keras')\n"
        f"package.__path__ = [{str(pathlib.Path(files.__file__).parents[1])!r}]\n"
        "sys.modules['fsl_keras'] = package\n"
    )
    command = [sys.executable, "-X", "utf8=0", "-c", begin + code]
    return subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **(env or {})},
    )


@contextlib.contextmanager
def full_disk(room):
    """While it lasts, no file grows above so many bytes: writing fails, really."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def compiled_learner():
    learner = make_learner()
    learner.compile()
    learner.optimizer.build(learner.trainable_variables)
    return learner


def epoch_ends(folder, model):
    checkpoint = Checkpoint(folder, "checkpoint.keras", done=1)
    checkpoint.set_model(model)
    checkpoint.on_epoch_end(1, {"loss": 0.5})


class TestWhatWasThereOutlivesAFullDisk:
    """Writing through what people call, into a place where the last good one lies."""

    @pytest.fixture
    def learner(self):
        return compiled_learner()

    def test_a_checkpoint(self, learner, tmp_path):
        epoch_ends(tmp_path, learner)
        good = learner.get_weights()
        learner.set_weights([weight + 1 for weight in good])
        room = (tmp_path / "checkpoint.keras").stat().st_size - 1
        with full_disk(room), pytest.raises(OSError):  # noqa: PT011
            epoch_ends(tmp_path, learner)
        assert names(tmp_path) == ["checkpoint.keras", "history.json"]
        restore(learner, tmp_path / "checkpoint.keras")
        for weight, same in zip(learner.get_weights(), good, strict=True):
            np.testing.assert_array_equal(weight, same)

    def test_a_learner_and_a_classifier(self, learner, tmp_path):
        images, labels = pictures(THREE)
        for model in (learner, learner.adapt(images, labels)):
            path = tmp_path / "model.keras"
            model.save(path)
            good = path.read_bytes()
            with full_disk(len(good) - 1), pytest.raises(OSError):  # noqa: PT011
                model.save(path)
            assert path.read_bytes() == good
            assert names(tmp_path) == ["model.keras"]

    @pytest.mark.slow
    def test_an_export(self, learner, tmp_path):
        images, labels = pictures(THREE)
        classifier = learner.adapt(images, labels)
        classifier.export(tmp_path / "birds")
        graph = (tmp_path / "birds" / "saved_model.pb").read_bytes()
        with full_disk(len(graph) - 1), pytest.raises((OSError, tf.errors.OpError)):
            classifier.export(tmp_path / "birds")
        assert names(tmp_path) == ["birds"]
        assert (tmp_path / "birds" / "saved_model.pb").read_bytes() == graph
        exported = tf.saved_model.load(tmp_path / "birds")
        served = exported.serve(images[:1, ..., :1])
        assert served["probabilities"].shape == (1, 3)


KILLED = """
import pathlib, resource, signal, sys
from tests.files.test_files import compiled_learner, epoch_ends

learner = compiled_learner()
epoch_ends(pathlib.Path(sys.argv[1]), learner)
print("written", flush=True)
# The system kills a process that exceeds this limit, in the middle of a file.
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
room = pathlib.Path(sys.argv[1], "checkpoint.keras").stat().st_size - 1
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
epoch_ends(pathlib.Path(sys.argv[1]), learner)
print("not killed")
"""


@pytest.mark.slow
def test_the_last_checkpoint_outlives_a_kill_in_the_middle_of_the_next(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGXFSZ, done.stderr
    assert done.stdout == "written\n"
    (half,) = tmp_path.glob(".*.keras")
    assert half.stat().st_size < (tmp_path / "checkpoint.keras").stat().st_size
    learner = keras.saving.load_model(tmp_path / "checkpoint.keras")
    expected = make_learner().get_weights()
    for weight, same in zip(learner.get_weights(), expected, strict=True):
        np.testing.assert_array_equal(weight, same)
