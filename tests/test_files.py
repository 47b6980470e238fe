import errno
import pathlib

import pytest

from fsl_keras.files import cache_folder, replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_folder(path, text):
    path.mkdir()
    (path / "weights.txt").write_text(text)


def test_a_new_file_takes_its_place(tmp_path):
    path = tmp_path / "deep" / "er" / "report.json"
    with replacing(path) as beside:
        assert beside.suffix == ".json"
        assert beside.parent == path.parent
        beside.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    assert names(path.parent) == ["report.json"]


def test_an_old_file_stays_until_the_new_one_is_written(tmp_path):
    path = tmp_path / "report.json"
    path.write_text("old")
    with replacing(str(path)) as beside:
        beside.write_text("new")
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
        with replacing(path) as beside, beside.open("wb") as file:
            file.write(b"half")
            raise error

    with pytest.raises(type(error)):
        write()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["model.keras"]


def test_a_new_folder_replaces_the_old_one_whole(tmp_path):
    path = tmp_path / "birds"
    write_folder(path, "old")
    (path / "only_in_the_old.txt").write_text("")
    with replacing(path) as beside:
        write_folder(beside, "new")
        assert (path / "weights.txt").read_text() == "old"
    assert (path / "weights.txt").read_text() == "new"
    assert names(path) == ["weights.txt"]
    assert names(tmp_path) == ["birds"]


def test_an_old_folder_outlives_a_full_disk(tmp_path):
    path = tmp_path / "birds"
    write_folder(path, "old")

    def write():
        with replacing(path) as beside:
            write_folder(beside, "half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write()
    assert (path / "weights.txt").read_text() == "old"
    assert names(tmp_path) == ["birds"]


@pytest.mark.parametrize("write", [write_folder, pathlib.Path.write_text])
def test_what_was_there_stays_if_nothing_was_written(tmp_path, write):
    path = tmp_path / "birds"
    write(path, "old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    old = path / "weights.txt" if path.is_dir() else path
    assert old.read_text() == "old"
    assert names(tmp_path) == ["birds"]


def test_a_file_may_replace_a_folder(tmp_path):
    path = tmp_path / "birds"
    write_folder(path, "old")
    with replacing(path) as beside:
        beside.write_text("new")
    assert path.read_text() == "new"
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
