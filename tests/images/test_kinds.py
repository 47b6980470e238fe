import os

import pytest

from fsl_keras import images
from tests.images.test_images import FILES
from tests.images.test_pillow import BY_PILLOW

NAMES = {"jpeg": "JPEG", "webp": "WebP"}


@pytest.mark.parametrize("name", [*FILES, *BY_PILLOW])
def test_a_file_is_recognized_by_its_content(tmp_path, name):
    path = tmp_path / "without suffix"
    path.write_bytes(FILES[name] if name in FILES else BY_PILLOW[name]())
    word = name.split()[0].strip(",")
    assert images.kind_of_file(path) == NAMES.get(word, word.upper())


@pytest.mark.parametrize("contents", [b"", b"BM, a text", b"\0\0\0\x18ftypmp42", b"II"])
def test_other_files_are_of_no_kind(tmp_path, contents):
    path = tmp_path / "other.jpg"
    path.write_bytes(contents)
    assert images.kind_of_file(path) is None


def test_other_files_have_no_kind(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert images.kind_of_file(tmp_path / "pipe") is None
    assert images.kind_of_file(tmp_path) is None


def test_names_of_image_files():
    named = ["a.jfif", "a.JPE", "a.tif", "a.TIFF", "a.avif", "a.HEIC", "a.heif"]
    assert all(map(images.is_image_name, named))
