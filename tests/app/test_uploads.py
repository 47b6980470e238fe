"""Uploads within limits: pictures, archives, and what is neither."""

import pathlib
import zipfile

import pytest

from fsl_keras.app.uploads import Limits, read_uploads
from tests.app.pictures import png, write_archive


def read(*paths, **limits):
    uploads, skipped = read_uploads(paths, Limits(**limits))
    return [(u.name, u.folder) for u in uploads], dict(skipped)


def test_files_are_read_as_they_are(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png("red", 0))
    (upload,), skipped = read_uploads([path], Limits())
    assert (upload.name, upload.contents, upload.folder) == ("a.png", png("red", 0), "")
    assert skipped == []


def test_an_archive_gives_the_folder_of_each_picture(tmp_path):
    files = {
        "birds/heron/1.png": b"x",
        "egret/2.JPG": b"y",
        "3.png": b"z",
        "egret/notes.txt": b"n",
        "__MACOSX/egret/._2.JPG": b"m",
        "egret/.DS_Store": b"d",
    }
    found, skipped = read(write_archive(tmp_path / "birds.zip", files))
    assert found == [("1.png", "heron"), ("2.JPG", "egret"), ("3.png", "")]
    assert skipped == {"egret/notes.txt": "not the name of a picture"}


@pytest.mark.parametrize(
    "name", ["../a.png", "/etc/a.png", "x/../../a.png", "..\\a.png", "C:\\a.png"]
)
def test_paths_that_lead_out_of_an_archive_are_skipped(tmp_path, name):
    archive = write_archive(tmp_path / "a.zip", {name: b"x", "ok/b.png": b"y"})
    found, skipped = read(archive)
    assert found == [("b.png", "ok")]
    assert list(skipped.values()) == ["its path leads out of the archive"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_a_bomb_is_not_unpacked(tmp_path):
    bomb = write_archive(tmp_path / "a.zip", {"b.png": bytes(3 * 2**20)})
    assert bomb.stat().st_size < 10_000
    found, skipped = read(bomb, picture_bytes=2**20)
    assert found == []
    assert skipped == {"b.png": "larger than 1 MB"}


def test_an_archive_that_understates_a_size_is_damaged(tmp_path):
    path = write_archive(tmp_path / "a.zip", {"b.png": bytes(2**20)})
    size = (2**20).to_bytes(4, "little")
    contents = path.read_bytes()
    assert contents.count(size) == 2  # before the member, and in the table
    path.write_bytes(contents.replace(size, (5).to_bytes(4, "little")))
    found, skipped = read(path)
    assert found == []
    assert skipped["b.png"].startswith("cannot be unpacked")


def test_many_members_stop_at_the_limit_of_all(tmp_path):
    files = {f"{i}.png": bytes(2**19) for i in range(8)}
    found, skipped = read(write_archive(tmp_path / "a.zip", files), upload_bytes=2**20)
    assert len(found) == 2
    assert skipped == {"6 more files": "an upload has at most 500 pictures and 1 MB"}


def test_a_thousand_files_are_counted(tmp_path):
    files = {f"{i}.png": b"x" for i in range(1000)}
    found, skipped = read(write_archive(tmp_path / "a.zip", files))
    assert len(found) == 500
    assert skipped == {
        "500 more files": "an upload has at most 500 pictures and 500 MB"
    }


def test_archives_within_archives_are_not_opened(tmp_path):
    inner = write_archive(tmp_path / "inner.zip", {"b.png": b"x"})
    outer = write_archive(tmp_path / "a.zip", {"inner.zip": inner.read_bytes()})
    assert read(outer) == ([], {"inner.zip": "not the name of a picture"})


def test_damaged_and_encrypted_archives(tmp_path):
    path = write_archive(tmp_path / "a.zip", {"b.png": b"x" * 100})
    contents = bytearray(path.read_bytes())
    contents[contents.index(b"PK\x01\x02") + 8] |= 1  # the flag of encryption
    path.write_bytes(contents)
    _, skipped = read(path)
    assert "encrypted" in skipped["b.png"]
    cut = tmp_path / "cut.zip"
    cut.write_bytes(path.read_bytes()[:-30])
    (upload,), _ = read_uploads([cut], Limits())
    assert upload.name == "cut.zip"  # without its table it is no archive


def test_what_is_no_file_is_named(tmp_path):
    assert read(tmp_path / "gone.png") == ([], {"gone.png": "not a file"})
    assert read(tmp_path) == ([], {tmp_path.name: "not a file"})


def test_a_picture_that_could_be_read_as_an_archive_is_a_picture(tmp_path):
    path = tmp_path / "a.png"
    archive = write_archive(tmp_path / "b.zip", {"b.png": b"x"}).read_bytes()
    path.write_bytes(png("red", 0) + archive)
    assert zipfile.is_zipfile(path)
    assert read(pathlib.Path(path)) == ([("a.png", "")], {})
