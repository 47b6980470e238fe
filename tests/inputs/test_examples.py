import itertools

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.inputs import Examples
from tests.shapes import NAMES, pictures, write


def gathered(examples, size=3):
    """All items and classes, and the lengths of the batches they came in."""
    batches = list(examples.batches(size))
    items, index, rows = (np.concatenate(part) for part in zip(*batches, strict=True))
    assert (np.diff(rows) > 0).all()
    return items, index, [len(batch) for batch, *_ in batches]


def vectors_of(items, labels, class_names=None):
    return Examples(items, labels, class_names, item_kind="array")


class TestExamples:
    def test_an_array_in_batches(self, preprocessing):
        images, labels = pictures(NAMES, count=2)
        examples = Examples(images, labels, None, preprocessing)
        items, index, lengths = gathered(examples)
        assert lengths == [3, 3, 2]
        np.testing.assert_array_equal(items, preprocessing(images))
        assert [examples.class_names[i] for i in index] == labels

    def test_files_that_cannot_be_read_take_their_labels_along(
        self, preprocessing, tmp_path
    ):
        images, labels = pictures(NAMES, count=2)
        paths = write(tmp_path, images, labels)
        for bad in (0, 4):
            paths[bad].write_bytes(b"no image")
        examples = Examples(paths, labels, None, preprocessing)
        with pytest.warns(UserWarning, match=r"2 of 8.*000\.png.*004\.png"):
            items, index, _ = gathered(examples)
        kept = [1, 2, 3, 5, 6, 7]
        np.testing.assert_array_equal(items, preprocessing(images[kept]))
        assert [examples.class_names[i] for i in index] == [labels[i] for i in kept]

    @pytest.mark.parametrize("batch", [None, 3])
    def test_a_dataset_that_shuffles_keeps_pictures_and_labels_together(
        self, preprocessing, batch
    ):
        images, labels = pictures(NAMES, count=3)
        dataset = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(12)
        if batch:
            dataset = dataset.batch(batch)
        examples = Examples(dataset, None, None, preprocessing)
        items, index, _ = gathered(examples)
        label_of = {
            item.tobytes(): label
            for item, label in zip(preprocessing(images).numpy(), labels, strict=True)
        }
        found = [label_of[item.tobytes()] for item in items]
        assert found == [examples.class_names[i] for i in index]
        assert sorted(found) == sorted(labels)

    def test_a_folder_of_class_folders(self, preprocessing, tmp_path):
        images, labels = pictures(sorted(NAMES), count=2)
        write(tmp_path, images, labels)
        examples = Examples(tmp_path, None, None, preprocessing)
        items, index, _ = gathered(examples)
        assert [examples.class_names[i] for i in index] == labels
        np.testing.assert_array_equal(items, preprocessing(images))

    def test_vectors(self):
        vectors = np.arange(12.0).reshape(6, 2)
        items, index, _ = gathered(
            Examples(vectors, [0, 0, 1, 1, 2, 2], None, item_kind="array")
        )
        np.testing.assert_array_equal(items, vectors)
        assert items.dtype == "float32"
        assert index.tolist() == [0, 0, 1, 1, 2, 2]

    def test_names_of_integers(self):
        vectors = np.zeros((2, 3))
        assert Examples(vectors, [1, 0], None, item_kind="array").class_names == [
            "0",
            "1",
        ]
        assert Examples(vectors, [1, 0], ["a", "b"], item_kind="array").class_names == [
            "a",
            "b",
        ]

    def test_the_source_of_each_example(self, preprocessing, paths, images):
        given = [paths[0], str(paths[1]), images[2], paths[3].read_bytes()]
        examples = Examples(given, "bar", None, preprocessing)
        (batch,) = examples.batches(4)
        found = [examples.source(row) for row in batch[2]]
        assert found == [str(paths[0]), str(paths[1]), 2, 3]

    def test_one_name_for_all(self, preprocessing, folder, images):
        examples = Examples(folder / "bar", "bar", ["beam", "bar"], preprocessing)
        items, index, _ = gathered(examples)
        np.testing.assert_array_equal(items, preprocessing(images[:2]))
        assert index.tolist() == [1, 1]

    def test_errors(self, preprocessing):
        dataset = tf.data.Dataset.from_tensor_slices((np.zeros((2, 3)), [0, 1]))
        for images, labels, message in [
            (dataset, [0, 1], "holds labels"),
            (dataset.repeat(), None, r"infinite.*`.take`"),
            (dataset.take(0), None, "no items"),
            (np.zeros((2, 3)), None, "`labels` are missing"),
        ]:
            with pytest.raises(ValueError, match=message):
                vectors_of(images, labels)

    def test_no_file_can_be_read(self, preprocessing, tmp_path):
        paths = [tmp_path / "a.png", tmp_path / "b.png"]
        for given in (paths, tf.data.Dataset.from_tensor_slices(list(map(str, paths)))):
            examples = Examples(given, ["bar", "bar"], None, preprocessing)
            with pytest.raises(ValueError, match=r"any of the 2 files.*a\.png"):
                list(examples.batches(4))


class TestMemory:
    def test_a_generator_of_arrays_is_read_as_it_is_used(self, images, preprocessing):
        read = itertools.count()
        labels = ["bar"] * 8
        for examples in (
            Examples(
                (images[next(read) % 8] for _ in range(8)), labels, None, preprocessing
            ),
            Examples(
                (images[next(read) % 8] for _ in range(8)), "bar", None, preprocessing
            ),
        ):
            before = next(read)
            batches = examples.batches(2)
            next(batches)
            assert next(read) - before == 3

    def test_a_dataset_of_known_classes_is_read_as_it_is_used(
        self, images, preprocessing
    ):
        read = []

        def elements():
            for number, image in enumerate(images):
                read.append(number)
                yield image, number % 2

        spec = (tf.TensorSpec(images.shape[1:], tf.uint8), tf.TensorSpec([], tf.int64))
        dataset = tf.data.Dataset.from_generator(elements, output_signature=spec)
        examples = Examples(dataset, None, ["even", "odd"], preprocessing)
        assert read == []
        numbers = np.concatenate([numbers for _, numbers, _ in examples.batches(2)])
        assert numbers.tolist() == [0, 1] * 4
