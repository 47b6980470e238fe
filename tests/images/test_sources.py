"""What is no readable file is skipped with its reason, and the others are read."""

import os
import socket

import numpy as np
import pytest

from fsl_keras.images import read
from fsl_keras.layers import ImagePreprocessing
from tests.images.test_images import FILES


def reason(source):
    images, kept, skipped = read([FILES["png"], source], (3, 4), 3)
    assert images.shape == (1, 3, 4, 3)
    assert kept.tolist() == [0]
    ((name, reason),) = skipped
    assert name == str(source)
    return reason


def test_a_missing_file(tmp_path):
    assert reason(tmp_path / "gone.png") == "no such file"
    assert reason(tmp_path / "gone" / "a.png") == "no such file"


def test_a_link_to_nowhere(tmp_path):
    (tmp_path / "link.png").symlink_to(tmp_path / "gone.png")
    assert reason(tmp_path / "link.png") == "a link to a file that does not exist"


def test_links_in_a_circle(tmp_path):
    (tmp_path / "a.png").symlink_to(tmp_path / "b.png")
    (tmp_path / "b.png").symlink_to(tmp_path / "a.png")
    assert "symbolic links" in reason(tmp_path / "a.png")


def test_a_folder(tmp_path):
    assert reason(tmp_path) == "a folder, not a file"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    assert reason(tmp_path / "pipe.png") == "a named pipe, not a file"


def test_a_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the names of sockets are short
    with socket.socket(socket.AF_UNIX) as opened:
        opened.bind("socket.png")
        assert reason(tmp_path / "socket.png") == "a socket, not a file"


def test_a_device():
    assert reason("/dev/zero") == "a device, not a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_no_permission(tmp_path):
    path = tmp_path / "secret.png"
    path.write_bytes(FILES["png"])
    path.chmod(0)
    assert reason(path) == "no permission to read it"


@pytest.mark.parametrize("name", ["a" * 300 + ".png", "a\0b.png"])
def test_a_name_that_no_file_has(tmp_path, name):
    assert reason(tmp_path / name) in (
        "File name too long",
        "no file has such a name: embedded null byte",
        "no file has such a name: stat: embedded null character in path",
    )


def test_contents_and_paths_give_the_same_numbers(tmp_path):
    paths = [tmp_path / str(index) for index, _ in enumerate(FILES)]
    for path, contents in zip(paths, FILES.values(), strict=True):
        path.write_bytes(contents)
    by_path = read(paths, (8, 9), 1, invert=True)
    by_contents = read(list(FILES.values()), (8, 9), 1, invert=True)
    np.testing.assert_array_equal(by_path[0], by_contents[0])
    assert by_path[1].tolist() == by_contents[1].tolist() == list(range(len(FILES)))


def test_contents_that_are_skipped_have_their_index():
    sources = [b"", FILES["png"], b"text"]
    _, kept, skipped = read(sources, (3, 4), 3)
    assert kept.tolist() == [1]
    assert [name for name, _ in skipped] == ["item of index 0", "item of index 2"]
    layer = ImagePreprocessing((3, 4), 3)
    with pytest.raises(
        ValueError, match=r"2 of 3 .*item of index 0: the file is empty"
    ):
        layer.from_bytes(sources)


def test_neither_path_nor_contents():
    with pytest.raises(TypeError, match=r"ndarray at index 1.*from_list"):
        read([FILES["png"], np.zeros((2, 2))], (3, 4), 3)
    with pytest.raises(ValueError, match="list of paths"):
        read(FILES["png"], (3, 4), 3)
