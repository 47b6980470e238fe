import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras.inputs import Examples, are_paths, batches_of, file_batches
from fsl_keras.layers import PicturePreprocessing
from tests.shapes import NAMES, picture, pictures, write


@pytest.fixture
def preprocessing():
    return PicturePreprocessing((16, 16), 1)


def gathered(examples, size=3):
    """All items and classes, and the lengths of the batches they came in."""
    batches = list(examples.batches(size))
    items, index, rows = (np.concatenate(part) for part in zip(*batches, strict=True))
    assert (np.diff(rows) > 0).all()
    return items, index, [len(batch) for batch, *_ in batches]


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
            paths[bad].write_bytes(b"no picture")
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
        items, index, _ = gathered(Examples(vectors, [0, 0, 1, 1, 2, 2], None, None))
        np.testing.assert_array_equal(items, vectors)
        assert items.dtype == "float32"
        assert index.tolist() == [0, 0, 1, 1, 2, 2]

    def test_names_of_integers(self):
        vectors = np.zeros((2, 3))
        assert Examples(vectors, [1, 0], None, None).class_names == ["0", "1"]
        assert Examples(vectors, [1, 0], ["a", "b"], None).class_names == ["a", "b"]

    def test_errors(self, preprocessing):
        dataset = tf.data.Dataset.from_tensor_slices((np.zeros((2, 3)), [0, 1]))
        for images, labels, message in [
            (dataset, [0, 1], "holds its labels"),
            (dataset.repeat(), None, "no end.*`.take`"),
            (dataset.take(0), None, "no elements"),
            (np.zeros((2, 3)), None, "`labels` are missing"),
            ("folder/a.png", ["a"], r"\['folder/a.png'\]"),
        ]:
            with pytest.raises(ValueError, match=message):
                Examples(images, labels, None, None)


class TestBatches:
    def test_pictures_of_different_sizes(self, preprocessing):
        images = [picture("bar", (20, 20)), picture("disk", (40, 30))]
        (batch,) = batches_of(images, preprocessing, size=64)
        for item, image in zip(batch, images, strict=True):
            np.testing.assert_array_equal(item, preprocessing(image[None])[0])

    def test_animated_files_are_named(self, preprocessing, tmp_path):
        path = tmp_path / "moving.gif"
        frames = [Image.fromarray(picture(name)) for name in NAMES]
        frames[0].save(path, save_all=True, append_images=frames[1:])
        paths, named = [path, path], r"2 of 2 pictures.*moving\.gif; .*moving\.gif"
        with pytest.warns(UserWarning, match=named):
            ((batch, _),) = file_batches(paths, preprocessing, 64, skipped=[])
        with pytest.warns(UserWarning, match=named):
            (same,) = batches_of(paths, preprocessing, size=64)
        np.testing.assert_array_equal(same, batch)

    def test_an_error_tells_from_where_its_index_counts(self, preprocessing):
        images = pictures(["bar"], count=6)[0].astype("float32") / 255
        images[5] = np.nan
        with pytest.raises(ValueError, match=r"from 4 on(.|\n)*index 1"):
            list(batches_of(images, preprocessing, size=4))

    def test_what_is_no_list(self, preprocessing, tmp_path):
        with pytest.raises(ValueError, match="not one alone"):
            list(batches_of(tmp_path / "a.png", preprocessing, size=4))
        with pytest.raises(ValueError, match="no images"):
            list(batches_of([], preprocessing, size=4))

    def test_paths_are_told_from_pictures(self, tmp_path):
        assert are_paths(["a.png"])
        assert are_paths((tmp_path / "a.png",))
        assert not are_paths([np.zeros((2, 2, 1))])
        assert not are_paths(np.zeros((2, 2, 2, 1)))
