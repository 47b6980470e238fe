import io
import pathlib
import types

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras.inputs.elements import is_single, plain, source_of
from tests.shapes import picture


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "bar.png"
    Image.fromarray(picture("bar")).save(path)
    return path


class Upload(io.BytesIO):
    """What Streamlit gives for an uploaded file."""

    name = "upload.png"


class AsyncUpload:
    """What FastAPI gives for an uploaded file."""

    filename = "async.png"

    def __init__(self, contents):
        self.file = io.BytesIO(contents)

    async def read(self):
        raise AssertionError("needs an event loop")


class TestPlain:
    def test_paths_stay(self, path):
        for given in (path, str(path), np.str_(path)):
            assert plain(given, 0) == str(path)

    def test_numpy_bytes_and_string_tensors_are_paths_or_contents(self, path):
        contents = path.read_bytes()
        for form in (np.bytes_, tf.constant):
            assert plain(form(str(path).encode()), 0) == str(path)
            assert plain(form("цапля.png".encode()), 0) == "цапля.png"
            assert plain(form(contents), 0) == contents
        assert plain(np.bytes_(b""), 0) == b""

    def test_the_home_folder(self, monkeypatch, tmp_path):
        monkeypatch.setenv("HOME", str(tmp_path))
        for given in ("~/bar.png", pathlib.Path("~/bar.png")):
            assert plain(given, 0) == tmp_path / "bar.png"

    @pytest.mark.parametrize("read_before", [False, True])
    def test_the_contents_of_files(self, path, read_before):
        contents = path.read_bytes()
        with open(path, "rb") as file:
            given = [file, io.BytesIO(contents), Upload(contents)]
            for one in given:
                if read_before:
                    one.read()
                assert plain(one, 0) == contents
        for one in (contents, bytearray(contents), memoryview(contents)):
            assert plain(one, 0) == contents
        assert plain(AsyncUpload(contents), 0) == contents

    def test_a_stream_that_cannot_go_back(self, path):
        contents = path.read_bytes()
        stream = types.SimpleNamespace(
            read=lambda: contents, seekable=lambda: False, seek=None
        )
        assert plain(stream, 0) == contents

    def test_arrays_and_pillow_images(self):
        array = picture("bar")
        for given in (array, array[..., 0], tf.constant(array), array.tolist()):
            np.testing.assert_array_equal(plain(given, 0), given)
        image = Image.fromarray(array)
        assert plain(image, 0) is image

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (None, "index 7 is a NoneType: None. Expected the path"),
            (float("nan"), "index 7 is a float: nan"),
            (pd.NA, "index 7 is a NAType"),
            (3, "index 7 is a int"),
            (("a.png", "bar"), "index 7 is a tuple.*pass labels separately"),
            (np.zeros(4), r"index 7 is a ndarray of shape \(4,\) and type float64"),
            (np.zeros((1, 2, 3, 3)), r"of shape \(1, 2, 3, 3\)"),
            (" ", "index 7 is missing: its path is empty"),
            ("https://example.org/a.png", "is a URL, which is not downloaded"),
            ("S3://bucket/a.png", "is a URL"),
            ("data:image/png;base64,iVBOR", "is a URL"),
            (io.StringIO("text"), r'index 7 is open as text.*"rb"'),
        ],
    )
    def test_what_is_no_image(self, given, message):
        with pytest.raises(ValueError, match=message):
            plain(given, 7)


def test_sources(path):
    array = picture("bar")
    assert source_of(path, 7) == path
    assert source_of(np.bytes_(b"a.png"), 7) == "a.png"
    with open(path, "rb") as file, Image.open(path) as image:
        assert source_of(file, 7) == str(path)
        assert source_of(image, 7) == str(path)
    assert source_of(Upload(b""), 7) == "upload.png"
    assert source_of(AsyncUpload(b""), 7) == "async.png"
    for given in (array, b"contents", io.BytesIO(), Image.fromarray(array), None):
        assert source_of(given, 7) == 7


def test_single_images(path):
    image = Image.fromarray(picture("bar"))
    for given in (path, str(path), b"", io.BytesIO(), image):
        assert is_single(given)
    for given in ([path], np.zeros((2, 2, 3)), pd.Series(["a.png"]), iter([path])):
        assert not is_single(given)
