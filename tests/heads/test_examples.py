import numpy as np
import pytest

from fsl_keras.heads import ExampleHead

# Classes 0, 1, 0 and, last, padding.
SUPPORT = np.array([[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]], "float32")
LABELS = np.array([[[1, 0], [0, 1], [1, 0], [0, 0]]], "float32")


def test_the_memory_is_the_support_set():
    memory = ExampleHead().remember(SUPPORT.astype("float16"), LABELS.astype("int32"))
    np.testing.assert_array_equal(memory["support"], SUPPORT)
    np.testing.assert_array_equal(memory["labels"], LABELS)
    assert all(np.asarray(value).dtype == "float32" for value in memory.values())


def test_memories_merge_one_behind_the_other():
    head = ExampleHead()
    parts = slice(None, 1), slice(1, None)
    first, second = (head.remember(SUPPORT[:, p], LABELS[:, p]) for p in parts)
    merged = head.merge(first, second)
    np.testing.assert_array_equal(merged["support"], SUPPORT)
    np.testing.assert_array_equal(merged["labels"], LABELS)


def test_a_wider_memory_has_columns_of_zeros():
    head = ExampleHead()
    wide = head.widen(head.remember(SUPPORT, LABELS), 4)
    np.testing.assert_array_equal(wide["support"], SUPPORT)
    np.testing.assert_array_equal(
        wide["labels"], np.pad(LABELS, [(0, 0)] * 2 + [(0, 2)])
    )


@pytest.mark.parametrize("shape", [(2,), (2, 1, 1)], ids=["vectors", "maps"])
def test_examples_of_classes_that_are_removed_are_dropped(shape):
    head = ExampleHead()
    memory = head.remember(SUPPORT.reshape(1, 4, *shape), LABELS)
    kept = head.select(memory, np.array([1]))
    np.testing.assert_array_equal(kept["labels"], [[[1]]])
    np.testing.assert_array_equal(kept["support"], np.reshape([3, 4], (1, 1, *shape)))
