import subprocess
import sys
import tempfile

import pytest

from fsl_keras.files.temporary import TemporaryFolder


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_is_removed_with_its_files_and_its_lock(parent):
    with TemporaryFolder("x") as path:
        assert path.parent == parent
        assert path.stat().st_mode & 0o777 == 0o700
        (path / "a").touch()
    assert list(parent.iterdir()) == []
    folder = TemporaryFolder("x")
    folder.remove()
    folder.remove()
    folder = TemporaryFolder("x")
    del folder
    assert list(parent.iterdir()) == []


def test_folders_in_use_and_of_other_names_stay(parent):
    one, other = TemporaryFolder("x"), TemporaryFolder("y")
    with TemporaryFolder("x"):
        assert one.path.exists()
        assert other.path.exists()


def test_folders_of_killed_processes_are_removed(parent):
    code = f"""
import os, signal, tempfile
tempfile.tempdir = {str(parent)!r}
from fsl_keras.files.temporary import TemporaryFolder
folder = TemporaryFolder("x")
(folder.path / "a").touch()
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], check=False)
    assert done.returncode < 0
    assert len(list(parent.iterdir())) == 2
    with TemporaryFolder("x") as path:
        assert sorted(parent.iterdir()) == [path, path.with_suffix(".lock")]
