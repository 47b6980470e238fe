import os

import numpy as np
import pytest
from PIL import Image

from fsl_keras.inputs import Elements, item_batches
from tests.inputs.reading import batches_of
from tests.shapes import NAMES, picture


def readable(given, preprocessing, size):
    """Returns items, rows, skipped files and sources of what can be read."""
    skipped, sources = [], []
    batches = item_batches(
        Elements.unlabeled(given), preprocessing, size, skipped, sources
    )
    items, rows = map(np.concatenate, zip(*batches, strict=True))
    return items, rows, skipped, sources


def test_animated_files_are_named(preprocessing, tmp_path):
    path = tmp_path / "moving.gif"
    frames = [Image.fromarray(picture(name)) for name in NAMES]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    paths, named = [path, path], r"2 of 2 .*moving\.gif; .*moving\.gif"
    with pytest.warns(UserWarning, match=named):
        batch, *_ = readable(paths, preprocessing, 64)
    with pytest.warns(UserWarning, match=named):
        (same,) = batches_of(paths, preprocessing, size=64)
    np.testing.assert_array_equal(same, batch)


def test_files_that_cannot_be_read_are_skipped_and_named(
    preprocessing, paths, images, tmp_path
):
    os.mkfifo(tmp_path / "pipe.png")
    os.symlink(tmp_path / "nowhere.png", tmp_path / "link.png")
    bad = [
        tmp_path,
        tmp_path / "gone.png",
        tmp_path / "pipe.png",
        tmp_path / "link.png",
    ]
    given = [paths[0], *bad, b"no image", images[1], b"", paths[2]]
    items, rows, skipped, sources = readable(given, preprocessing, 4)
    np.testing.assert_array_equal(items, preprocessing(images[:3]))
    assert rows.tolist() == [0, 6, 8]
    assert [name for name, _ in skipped] == [
        *map(str, bad),
        "image of index 5",
        "image of index 7",
    ]
    assert all(reason for _, reason in skipped)
    assert sources == [paths[0], *bad, 5, 6, 7, paths[2]]


def test_many_files_are_read_in_their_order(preprocessing, paths, images):
    given = [*paths, "nowhere.png"] * 20
    items, rows, skipped, _ = readable(iter(given), preprocessing, 8)
    np.testing.assert_array_equal(items, np.tile(preprocessing(images), (20, 1, 1, 1)))
    assert rows.tolist() == [row for row in range(180) if row % 9 != 8]
    assert [name for name, _ in skipped] == ["nowhere.png"] * 20


def test_a_skipped_file_can_be_an_error(preprocessing, paths):
    for given in ([*paths, "nowhere.png"], ["nowhere.png", *paths]):
        with pytest.raises(ValueError, match=r"Cannot read 1 file: nowhere\.png"):
            batches_of(given, preprocessing, 4)


def test_large_arrays_are_preprocessed_one_by_one(preprocessing):
    images = [picture("bar", (300, 300)), picture("disk", (300, 300))]
    (batch,) = batches_of(images, preprocessing, 8)
    np.testing.assert_array_equal(batch, preprocessing(np.stack(images)))
