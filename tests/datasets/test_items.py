import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras.datasets.folders import files_by_class
from fsl_keras.datasets.items import FileItems, MemoryItems
from fsl_keras.images import read

ROWS = [3, 0, 3]


def test_images_in_memory_are_fetched_in_the_unit_range():
    values = np.arange(4 * 4, dtype="uint8").reshape(4, 2, 2, 1) * 17
    items = MemoryItems(values)
    assert len(items) == 4
    assert items.item_shape == (2, 2, 1)
    fetched = items.fetch(tf.constant(ROWS))
    assert fetched.dtype == "float32"
    np.testing.assert_allclose(fetched, values[ROWS] / 255, rtol=1e-6)
    np.testing.assert_array_equal(items.take(ROWS), values[ROWS])


@pytest.mark.parametrize(
    "values",
    [
        np.linspace(-5, 900, 8, dtype="float32").reshape(4, 2),
        np.asarray(["so", "it", "goes", "да"], object),
    ],
    ids=["vectors", "strings"],
)
def test_other_items_are_fetched_as_they_are(values):
    items = MemoryItems(values)
    fetched = items.fetch(tf.constant(ROWS)).numpy().tolist()
    expected = values[ROWS].tolist()
    if values.ndim == 1:
        expected = [text.encode() for text in expected]
    assert fetched == expected
    assert items.take(ROWS).tolist() == values[ROWS].tolist()


@pytest.mark.slow
@pytest.mark.parametrize(("channels", "invert"), [(1, True), (3, False)])
def test_files_give_what_memory_gives(birds, channels, invert):
    paths = [path for files in files_by_class(birds).values() for path in files]
    values, _, _ = read(paths, (6, 7), channels, invert)
    in_files = FileItems(paths, (6, 7), channels, invert)
    in_memory = MemoryItems(values)
    assert len(in_files) == len(in_memory) == 12
    assert in_files.item_shape == in_memory.item_shape == (6, 7, channels)
    rows = tf.constant(ROWS)
    in_graph = tf.function(in_files.fetch)(rows)
    assert in_graph.shape == (3, 6, 7, channels)
    np.testing.assert_array_equal(in_graph, in_memory.fetch(rows))
    np.testing.assert_array_equal(in_files.take(ROWS), in_memory.take(ROWS))


def test_files_that_tensorflow_does_not_decode_give_what_memory_gives(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (2, 9, 8, 3), dtype="uint8")
    first, second = map(Image.fromarray, noise)
    paths = [tmp_path / f"a.{kind}" for kind in ("tiff", "avif", "png", "webp")]
    for path in paths:
        animation = {"save_all": True, "append_images": [second]}
        first.save(path, **animation if path.suffix == ".webp" else {})
    values, _, _ = read(paths, (6, 7), 3)
    in_files = FileItems(paths, (6, 7), 3)
    dataset = tf.data.Dataset.from_tensors(tf.range(4)).map(in_files.fetch)
    (fetched,) = dataset.as_numpy_iterator()
    np.testing.assert_array_equal(fetched, MemoryItems(values).fetch(tf.range(4)))
    np.testing.assert_array_equal(in_files.take(range(4)), values)


def test_a_file_that_broke_later_is_named(birds):
    paths = files_by_class(birds)["Ägretta"]
    items = FileItems(paths, (6, 7), 3)
    paths[2].write_bytes(b"")
    with pytest.raises(ValueError, match=r"no 2\.png cannot be read: .*empty"):
        items.take([0, 2])
