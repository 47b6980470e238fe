import subprocess
import sys
import tempfile

import pytest

from fsl_keras.files.locks import locked


@pytest.fixture(autouse=True)
def parent(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def holding(parent, path):
    """A process that holds the lock of a path until it is killed."""
    code = f"""
import tempfile, time
tempfile.tempdir = {str(parent)!r}
from fsl_keras.files.locks import locked
with locked({str(path)!r}):
    print("locked", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    for line in process.stdout:
        if line == b"locked\n":
            return process
    raise AssertionError("the process ended")


def test_another_process_waits_and_a_killed_one_holds_nothing(parent):
    path = parent / "a.keras"
    with holding(parent, path) as process:
        with (
            pytest.raises(OSError, match=r"Another process is changing .*a\.keras"),
            locked(path, wait=0),
        ):
            pass
        with locked(parent / "b.keras", wait=0):
            pass
        process.kill()
    with locked(path, wait=0):
        assert not path.exists()


def test_names_of_one_file_have_one_lock(parent, monkeypatch):
    monkeypatch.chdir(parent)
    (parent / "link").symlink_to("a.keras")
    with locked("a.keras"):
        for name in (parent / "a.keras", "./a.keras", "link"):
            with pytest.raises(OSError, match="Another process"), locked(name, wait=0):
                pass
