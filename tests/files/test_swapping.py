"""Links, permissions, mount points, and what killed processes leave."""

import errno
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from fsl_keras.files import replacing, swapping
from fsl_keras.files.outputs import SAVED_MODEL
from tests.files.test_files import names, read_folder, without_package, write_folder


def write_new(path, kind=None):
    with replacing(path, kind) as temporary:
        if kind:
            write_folder(temporary, "new")
        else:
            temporary.write_text("new")


def mode(path):
    return path.stat().st_mode & 0o7777


class TestLinks:
    def test_what_a_link_leads_to_is_replaced(self, tmp_path):
        target = tmp_path / "data" / "report-1.json"
        target.parent.mkdir()
        target.write_text("old")
        link = tmp_path / "report.json"
        link.symlink_to(target)
        write_new(link)
        assert link.is_symlink()
        assert target.read_text() == link.read_text() == "new"
        assert names(tmp_path) == ["data", "report.json"]
        assert names(target.parent) == ["report-1.json"]

    def test_a_link_to_a_folder(self, tmp_path):
        write_folder(tmp_path / "data" / "birds", "old")
        link = tmp_path / "birds"
        link.symlink_to(tmp_path / "data" / "birds")
        write_new(link, SAVED_MODEL)
        assert link.is_symlink()
        assert read_folder(tmp_path / "data" / "birds") == "new"
        assert names(tmp_path / "data") == ["birds"]

    def test_a_file_in_a_linked_folder(self, tmp_path):
        (tmp_path / "data").mkdir()
        (tmp_path / "link").symlink_to("data")
        write_new(tmp_path / "link" / "report.json")
        assert (tmp_path / "data" / "report.json").read_text() == "new"

    def test_a_dangling_link(self, tmp_path):
        link = tmp_path / "report.json"
        link.symlink_to(tmp_path / "not" / "yet.json")
        write_new(link)
        assert link.is_symlink()
        assert (tmp_path / "not" / "yet.json").read_text() == "new"


class TestPermissions:
    @pytest.fixture(autouse=True)
    def umask(self):
        before = os.umask(0o027)
        yield
        os.umask(before)

    @pytest.mark.parametrize("bits", [0o664, 0o600, 0o644])
    def test_a_file_keeps_its_mode(self, tmp_path, bits):
        path = tmp_path / "report.json"
        path.write_text("old")
        path.chmod(bits)
        write_new(path)
        assert path.read_text() == "new"
        assert mode(path) == bits

    def test_a_folder_keeps_its_mode(self, tmp_path):
        path = tmp_path / "birds"
        write_folder(path, "old")
        path.chmod(0o2775)
        write_new(path, SAVED_MODEL)
        assert read_folder(path) == "new"
        assert mode(path) == 0o2775

    def test_a_new_file_follows_the_umask(self, tmp_path):
        write_new(tmp_path / "report.json")
        assert mode(tmp_path / "report.json") == 0o640

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
    def test_a_file_keeps_its_owner(self, tmp_path):
        path = tmp_path / "report.json"
        path.write_text("old")
        os.chown(path, 1234, 4321)
        write_new(path)
        assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


class TestMountPoints:
    @pytest.fixture
    def mount(self, tmp_path):
        """Mounts a file or folder at another."""
        mounted = []

        def mount(source, target):
            command = ["mount", "--bind", source, target]
            if subprocess.run(command, check=False, capture_output=True).returncode:
                pytest.skip("bind mounts need the rights of an administrator")
            mounted.append(target)

        yield mount
        for target in mounted:
            subprocess.run(["umount", target], check=True)

    def test_an_empty_folder_is_filled(self, tmp_path, mount):
        source, target = tmp_path / "source", tmp_path / "birds"
        source.mkdir()
        target.mkdir()
        mount(source, target)
        write_new(target, SAVED_MODEL)
        assert read_folder(source) == "new"
        assert names(source) == ["saved_model.pb", "variables"]
        assert names(tmp_path) == ["birds", "source"]

    def test_an_export_that_is_mounted_stays(self, tmp_path, mount):
        source, target = tmp_path / "source", tmp_path / "birds"
        write_folder(source, "old")
        target.mkdir()
        mount(source, target)
        with pytest.raises(OSError, match=r"birds is a mount point.*Empty it"):
            write_new(target, SAVED_MODEL)
        assert read_folder(source) == "old"
        assert names(tmp_path) == ["birds", "source"]

    def test_a_file(self, tmp_path, mount):
        for name in ("source.json", "report.json"):
            (tmp_path / name).write_text("old")
        mount(tmp_path / "source.json", tmp_path / "report.json")
        with pytest.raises(OSError, match="is a mount point"):
            write_new(tmp_path / "report.json")
        assert (tmp_path / "source.json").read_text() == "old"


@pytest.fixture
def no_exchange(monkeypatch):
    """A system that cannot exchange two folders in one step."""
    monkeypatch.setattr(swapping, "_exchange", lambda one, other: False)


@pytest.mark.usefixtures("no_exchange")
class TestWithoutExchange:
    def test_a_folder_is_replaced(self, tmp_path):
        write_folder(tmp_path / "birds", "old")
        write_new(tmp_path / "birds", SAVED_MODEL)
        assert read_folder(tmp_path / "birds") == "new"
        assert names(tmp_path) == ["birds"]

    def test_the_old_folder_comes_back_if_the_new_one_does_not(
        self, tmp_path, monkeypatch
    ):
        write_folder(tmp_path / "birds", "old")
        rename = os.replace

        def fail_for_the_new(source, target):
            if ".new-" in str(source):
                raise OSError(errno.EIO, "I/O error")
            rename(source, target)

        monkeypatch.setattr(os, "replace", fail_for_the_new)
        with pytest.raises(OSError, match="I/O error"):
            write_new(tmp_path / "birds", SAVED_MODEL)
        assert read_folder(tmp_path / "birds") == "old"
        assert names(tmp_path) == ["birds"]


KILLED = """
import os, pathlib, signal, sys
from fsl_keras.files import swapping
from fsl_keras.files import replacing
from fsl_keras.files.outputs import SAVED_MODEL

path, steps = pathlib.Path(sys.argv[1]), int(sys.argv[2])
if sys.argv[3] == "False":
    swapping._exchange = lambda one, other: False

def count(event, arguments):
    # Everything that changes the folder. `ctypes` exchanges two folders.
    global steps
    changes = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "ctypes.dlsym")
    if event in changes or event == "open" and arguments[1] == "w":
        steps -= 1
        if steps < 0:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
with replacing(path, SAVED_MODEL) as temporary:
    (temporary / "variables").mkdir(parents=True)
    (temporary / "variables" / "variables.index").write_text("new")
    (temporary / "saved_model.pb").write_text("new")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "exchanges",
    [
        pytest.param(
            True,
            marks=pytest.mark.skipif(
                sys.platform != "linux", reason="Linux exchanges folders in one step"
            ),
        ),
        False,
    ],
)
def test_a_process_that_is_killed_at_any_step_loses_no_export(tmp_path, exchanges):
    path = tmp_path / "birds"
    seen = set()
    for steps in range(30):
        shutil.rmtree(path, ignore_errors=True)
        write_folder(path, "old")
        done = without_package(KILLED, path, steps, exchanges)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        if not path.exists():
            assert not exchanges
        # The next write cleans up first, also if it fails then.
        with pytest.raises(FileNotFoundError), replacing(path, SAVED_MODEL):
            pass
        seen.add(read_folder(path))
        assert names(tmp_path) == ["birds"]
    assert done.returncode == 0, done.stderr
    assert steps > 8
    assert seen == {"old", "new"}


class TestLeftovers:
    def leave(self, path, role="new"):
        """Leaves what a killed process would have."""
        code = (
            "import pathlib; from fsl_keras.files import swapping; "
            f"print(swapping.hidden(pathlib.Path({str(path)!r}), {role!r}))"
        )
        left = pathlib.Path(without_package(code).stdout.strip())
        assert left.parent == path.parent
        return left

    def test_names_are_well_formed(self, tmp_path):
        name = swapping.hidden(tmp_path / "checkpoint.keras").name
        assert name.startswith(".checkpoint.new-")
        assert name.endswith(".keras")
        assert not name.startswith("..")

    def test_long_names(self, tmp_path):
        path = tmp_path / f"{'цапля' * 24}.json"  # of 245 bytes
        write_new(path)
        assert names(tmp_path) == [path.name]
        left = self.leave(path)
        left.write_text("half")
        write_new(path)
        assert names(tmp_path) == [path.name]

    def test_those_of_another_output_stay(self, tmp_path):
        others = [self.leave(tmp_path / n) for n in ("a.json", "b.keras", "ab.json")]
        for left in others[1:]:
            left.write_text("")
        others[0].write_text("")
        write_new(tmp_path / "a.json")
        assert names(tmp_path) == sorted([*(x.name for x in others[1:]), "a.json"])

    def test_those_of_a_living_process_stay(self, tmp_path):
        path = tmp_path / "report.json"
        with replacing(path) as first:
            first.write_text("half")
            write_new(path)
            assert first.read_text() == "half"

    def test_those_of_another_machine_stay_for_a_day(self, tmp_path, monkeypatch):
        path = tmp_path / "report.json"
        with monkeypatch.context() as patch:
            patch.setattr(swapping, "_machine", lambda: "0123abcd")
            left = swapping.hidden(path)
        left.write_text("half")
        write_new(path)
        assert left.exists()
        yesterday = left.stat().st_mtime - swapping.STALE_SECONDS - 60
        os.utime(left, (yesterday, yesterday))
        write_new(path)
        assert names(tmp_path) == ["report.json"]

    def test_an_old_folder_that_was_put_aside_comes_back(self, tmp_path):
        path = tmp_path / "birds"
        write_folder(self.leave(path, "old"), "old")
        with pytest.raises(FileNotFoundError), replacing(path, SAVED_MODEL):
            pass
        assert read_folder(path) == "old"

    def test_files_of_the_user_that_look_alike_stay(self, tmp_path):
        mine = tmp_path / ".report.new-version.json"
        mine.write_text("keep")
        write_new(tmp_path / "report.json")
        assert mine.read_text() == "keep"
