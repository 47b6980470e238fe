import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.datasets.mapped_items import MappedItems


@pytest.fixture
def files(tmp_path):
    paths = [tmp_path / "a.npy", tmp_path / "b.npy"]
    np.save(paths[0], np.arange(6, dtype="float32").reshape(3, 2))
    np.save(paths[1], np.arange(6, 14, dtype="float32").reshape(4, 2))
    return paths


def test_rows_of_several_files_follow_each_other(files):
    items = MappedItems(files)
    assert (len(items), items.item_shape) == (7, (2,))
    rows = np.array([6, 0, 3, 2, 0])
    expected = np.arange(14, dtype="float32").reshape(7, 2)[rows]
    np.testing.assert_array_equal(items.take(rows), expected)
    np.testing.assert_array_equal(items.fetch(tf.constant(rows, "int32")), expected)


def test_files_of_other_arrays_are_refused(files):
    np.save(files[1], np.zeros((4, 3), "float32"))
    with pytest.raises(ValueError, match=r"b\.npy holds float32 items of shape \(3,\)"):
        MappedItems(files)
    np.save(files[0], np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"a\.npy holds float64"):
        MappedItems(files)
