"""Whatever form images and labels come in, the same numbers come out."""

import io

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras.inputs import Elements, Examples
from fsl_keras.layers import ImagePreprocessing
from tests.inputs.reading import batches_of
from tests.shapes import picture


def texts(paths):
    return [str(path) for path in paths]


def slices(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays[0] if len(arrays) == 1 else arrays)


def shuffled_index(paths):
    """A Series whose index is not its order."""
    return pd.Series(texts(paths), index=np.arange(len(paths))[::-1] + 5)


# From the paths of eight image files, and the same as an array.
OF_PATHS = {
    "paths": lambda paths: paths,
    "strings": texts,
    "tuple": lambda paths: tuple(paths),
    "object array": lambda paths: np.asarray(paths, object),
    "unicode array": lambda paths: np.asarray(texts(paths)),
    "bytes array": lambda paths: np.asarray(texts(paths), "S"),
    "tensor": lambda paths: tf.constant(texts(paths)),
    "array of a tensor": lambda paths: tf.constant(texts(paths)).numpy(),
    "series": shuffled_index,
    "string series": lambda paths: shuffled_index(paths).astype("string"),
    "series of paths": lambda paths: pd.Series(paths),
    "index": lambda paths: pd.Index(texts(paths)),
    "data frame": lambda paths: pd.DataFrame({"file": paths}),
    "generator": lambda paths: (path for path in paths),
    "map": lambda paths: map(str, paths),
    "dict keys": lambda paths: dict.fromkeys(paths).keys(),
    "folder": lambda paths: paths[0].parents[1],
    "folder as string": lambda paths: str(paths[0].parents[1]),
    "table": lambda paths: paths[0].parents[2] / "labels.csv",
    "dataset of paths": lambda paths: slices(texts(paths)),
    "batches of paths": lambda paths: slices(texts(paths)).batch(3),
    "dataset of contents": lambda paths: slices(texts(paths)).map(tf.io.read_file),
    "bytes": lambda paths: [path.read_bytes() for path in paths],
    "bytes in memory": lambda paths: (io.BytesIO(p.read_bytes()) for p in paths),
    "pillow": lambda paths: [Image.open(path) for path in paths],
    "generator of pillow": lambda paths: (Image.open(path) for path in paths),
    "mixed": lambda paths: [
        paths[0],
        paths[1].read_bytes(),
        Image.open(paths[2]),
        np.asarray(Image.open(paths[3])),
        io.BytesIO(paths[4].read_bytes()),
        tf.constant(np.asarray(Image.open(paths[5]))),
        str(paths[6]),
        np.asarray(Image.open(paths[7])),
    ],
}
OF_IMAGES = {
    "array": lambda images: images,
    "tensor": tf.constant,
    "list": list,
    "generator": iter,
    "dataset": slices,
    "batches": lambda images: slices(images).batch(3),
    "pairs": lambda images: slices(images, np.arange(8)).batch(3),
    "triples": lambda images: slices(images, np.arange(8), np.ones(8)),
    "dictionaries": lambda images: slices({"image": images, "label": np.arange(8)}),
    "ragged": lambda images: tf.RaggedTensor.from_tensor(images, ragged_rank=2),
    "ragged batches": lambda images: (
        slices(images).map(lambda x: x[: tf.shape(x)[0]]).ragged_batch(3)
    ),
}


def gathered(images, preprocessing, size=3):
    batches = batches_of(images, preprocessing, size)
    assert max(map(len, batches)) <= size
    return np.concatenate(batches)


@pytest.mark.parametrize("form", OF_PATHS)
def test_files_without_labels(form, paths, images, preprocessing):
    given = OF_PATHS[form](paths)
    np.testing.assert_array_equal(gathered(given, preprocessing), preprocessing(images))


@pytest.mark.parametrize("form", OF_IMAGES)
def test_images_without_labels(form, images, preprocessing):
    given = OF_IMAGES[form](images)
    np.testing.assert_array_equal(gathered(given, preprocessing), preprocessing(images))


def test_paths_from_a_glob(folder, images, preprocessing):
    for given in (folder.glob("bar/*.png"), (folder / "bar").iterdir()):
        found = gathered(given, preprocessing)
        expected = preprocessing(images[:2]).numpy()
        assert {x.tobytes() for x in found} == {x.tobytes() for x in expected}


@pytest.mark.parametrize(
    "form",
    [
        lambda path: path,
        str,
        lambda path: path.read_bytes(),
        lambda path: bytearray(path.read_bytes()),
        lambda path: io.BytesIO(path.read_bytes()),
        lambda path: path.open("rb"),
        Image.open,
        lambda path: np.asarray(Image.open(path)),
        lambda path: tf.constant(np.asarray(Image.open(path))),
    ],
)
def test_one_image_is_a_list_of_one(form, paths, images, preprocessing):
    given = form(paths[0])
    expected = preprocessing(images[:1])
    np.testing.assert_array_equal(gathered(given, preprocessing), expected)
    examples = Examples(given, ["bar"], None, preprocessing)
    ((items, numbers, _),) = examples.batches(3)
    np.testing.assert_array_equal(items, expected)
    assert (numbers.tolist(), examples.class_names) == ([0], ["bar"])
    if hasattr(given, "close"):
        given.close()


def test_grey_images_need_no_channel(images, preprocessing):
    grey = images[..., 0]
    expected = preprocessing(grey[..., None])
    for given in (grey, list(grey), slices(grey).batch(3)):
        np.testing.assert_array_equal(gathered(given, preprocessing), expected)
    np.testing.assert_array_equal(gathered(grey[0], preprocessing), expected[:1])


def test_images_of_different_sizes(preprocessing):
    images = [picture("bar", (20, 20)), picture("disk", (40, 30))]
    spec = tf.TensorSpec((None, None, 3), tf.uint8)
    dataset = tf.data.Dataset.from_generator(lambda: images, output_signature=spec)
    for given in (images, iter(images), dataset, dataset.ragged_batch(2)):
        found = gathered(given, preprocessing)
        for item, image in zip(found, images, strict=True):
            np.testing.assert_array_equal(item, preprocessing(image[None])[0])


LABELS = {
    "list": lambda labels: labels,
    "array": np.asarray,
    "series": lambda labels: pd.Series(labels, index=range(8, 0, -1)),
    "category": lambda labels: pd.Categorical(labels),
    "tensor": tf.constant,
    "generator": iter,
}


@pytest.mark.parametrize("form", ["paths", "series", "generator", "bytes", "mixed"])
@pytest.mark.parametrize("form_of_labels", LABELS)
def test_images_with_labels(form, form_of_labels, paths, images, labels, preprocessing):
    given = OF_PATHS[form](paths)
    given = Examples(given, LABELS[form_of_labels](labels), None, preprocessing)
    assert_examples(given, preprocessing(images), labels)


WITH_LABELS = {
    "folder": lambda folder, *_: folder,
    "folder as string": lambda folder, *_: str(folder),
    "table": lambda folder, *_: folder.parent / "labels.csv",
    "data frame": lambda folder, images, labels: pd.DataFrame(
        {"path": sorted(folder.rglob("*.png")), "class": labels}, index=range(8, 0, -1)
    ),
    "pairs": lambda folder, images, labels: slices(images, labels),
    "batches": lambda folder, images, labels: slices(images, labels).batch(3),
    "shuffled": lambda folder, images, labels: slices(images, labels).shuffle(8),
    "triples": lambda folder, images, labels: slices(images, labels, np.ones(8)),
    "dictionaries": lambda folder, images, labels: slices(
        {"image": images, "label": labels}
    ),
    "paths": lambda folder, images, labels: slices(
        texts(sorted(folder.rglob("*.png"))), labels
    ),
    "pandas categories": lambda folder, images, labels: pd.DataFrame(
        {"path": sorted(folder.rglob("*.png")), "class": pd.Categorical(labels)}
    ),
}


@pytest.mark.parametrize("form", WITH_LABELS)
def test_images_that_bring_their_labels(form, folder, images, labels, preprocessing):
    given = WITH_LABELS[form](folder, images, labels)
    examples = Examples(given, None, None, preprocessing)
    assert_examples(examples, preprocessing(images), labels)


@pytest.mark.parametrize("batch", [None, 3])
def test_a_dataset_of_one_hot_labels(batch, images, labels, preprocessing):
    names = sorted(set(labels))
    one_hot = keras.utils.to_categorical([names.index(label) for label in labels])
    dataset = slices(images, one_hot)
    dataset = dataset.batch(batch) if batch else dataset
    numbered = Examples(dataset, None, None, preprocessing)
    assert numbered.class_names == ["0", "1", "2", "3"]
    named = Examples(dataset, None, names, preprocessing)
    assert_examples(named, preprocessing(images), labels)


@pytest.mark.parametrize("label_mode", ["int", "categorical"])
def test_what_keras_reads_of_a_folder(label_mode, folder, images, labels):
    # It holds floats up to 255, and shuffles at every pass.
    dataset = keras.utils.image_dataset_from_directory(
        folder,
        image_size=images.shape[1:3],
        label_mode=label_mode,
        batch_size=3,
        verbose=False,
    )
    preprocessing = ImagePreprocessing((16, 16), 1, value_range=(0, 255))
    examples = Examples(dataset, None, None, preprocessing)
    assert examples.class_names == sorted(set(labels))
    expected = preprocessing(images.astype("float32"))
    assert_examples(examples, expected, labels)


def assert_examples(examples, items, labels):
    """Examples are these items with these labels, in any order but together."""
    batches = list(examples.batches(3))
    assert max(len(batch) for batch, *_ in batches) == 3
    found, numbers, rows = map(np.concatenate, zip(*batches, strict=True))
    assert rows.tolist() == list(range(8))
    names = [examples.class_names[number] for number in numbers]
    expected = zip(np.asarray(items), labels, strict=True)
    expected = sorted((item.tobytes(), label) for item, label in expected)
    pairs = zip(found, names, strict=True)
    assert sorted((item.tobytes(), name) for item, name in pairs) == expected


class TestErrors:
    @pytest.mark.parametrize(
        ("images", "message"),
        [
            ([], "There are no images"),
            (iter([]), "There are no images"),
            (np.zeros((0, 4, 4, 3)), "There are no images"),
            ({"heron": ["a.png"]}, "cannot be read from a dict"),
            ({"a.png", "b.png"}, "cannot be read from a set"),
            (3, "cannot be read from a int"),
            (None, "cannot be read from a NoneType"),
            (np.zeros((2, 3, 4, 5, 3)), r"shape \(2, 3, 4, 5, 3\)"),
            (np.zeros(4), r"shape \(4,\)"),
            ("https://example.org/a.png", "is a URL"),
            (["a.png", None], "index 1 is a NoneType"),
            (pd.Series(["a.png", None]), "index 1 is a"),
            ([("a.png", "bar")], "pass labels separately"),
        ],
    )
    def test_what_holds_no_images(self, images, message, preprocessing):
        with pytest.raises(ValueError, match=message):
            batches_of(images, preprocessing, 4)

    def test_labels_that_are_missing(self, folder, paths, images, preprocessing):
        table = pd.DataFrame({"path": paths})
        for given, name in [
            (paths, "list"),
            (images, "ndarray"),
            (paths[0], "file"),
        ]:
            with pytest.raises(ValueError, match=f"`labels` are missing.*A {name}"):
                Examples(given, None, None, preprocessing)
        with pytest.raises(ValueError, match=r"are missing: the table .*label, class"):
            Examples(table, None, None, preprocessing)
        with pytest.raises(ValueError, match=r"without labels.*Make them pairs"):
            Examples(slices(images), None, None, preprocessing)

    def test_labels_that_are_there_twice(self, folder, images, labels, preprocessing):
        for form, name in [("pairs", "Dataset"), ("data frame", "DataFrame")]:
            given = WITH_LABELS[form](folder, images, labels)
            for other in (labels, "bar"):
                with pytest.raises(ValueError, match=f"The {name} holds labels"):
                    Examples(given, other, None, preprocessing)
        with pytest.raises(ValueError, match="The table holds labels"):
            Examples(folder.parent / "labels.csv", labels, None, preprocessing)

    def test_other_numbers_of_labels(self, paths, labels, preprocessing):
        with pytest.raises(ValueError, match=r"shape \(7,\) for 8 items"):
            Examples(paths, labels[:7], None, preprocessing)
        for count, message in [(7, "7 labels and more"), (9, "9 labels and 8 images")]:
            given = Examples(iter(paths), ["bar"] * count, None, preprocessing)
            with pytest.raises(ValueError, match=message):
                list(given.batches(3))

    def test_float_labels(self, images, preprocessing):
        for labels in (np.arange(8.0), np.arange(8.0)[:, None] % 2):
            with pytest.raises(ValueError, match="Received floats"):
                Examples(slices(images, labels).batch(3), None, None, preprocessing)

    def test_a_folder_that_is_not_there(self, tmp_path, preprocessing):
        with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
            Examples(tmp_path / "nowhere", None, None, preprocessing)

    def test_the_image_is_named_by_its_index(self, images, paths, preprocessing):
        floats = images.astype("float32") / 255
        floats[5, 2, 3, 0] = np.nan
        for given in (floats, list(floats), iter(floats), slices(floats)):
            with pytest.raises(ValueError, match=r"index \[5\] hold NaN"):
                batches_of(given, preprocessing, size=4)
        floats[5] = 3
        for given in (floats, [*paths[:5], floats[5]]):
            with pytest.raises(ValueError, match=r"image of index 5.*from 0 to 1"):
                batches_of(given, preprocessing, size=4)


def test_items_that_are_no_images():
    vectors = np.arange(12.0).reshape(6, 2)
    for given in (vectors, list(vectors), iter(vectors), pd.DataFrame(vectors)):
        (found,) = batches_of(given, None, 8)
        np.testing.assert_array_equal(found, vectors)
        assert found.dtype == "float32"
    (found,) = batches_of(vectors[0], None, 8)
    np.testing.assert_array_equal(found, vectors[:1])
    for given in (["a text", "b"], iter(["a text", "b"]), np.asarray(["a text", "b"])):
        assert np.concatenate(batches_of(given, None, 8)).tolist() == [
            "a text",
            "b",
        ]
    assert np.concatenate(batches_of("a text", None, 8)).tolist() == ["a text"]
    assert Elements.labeled(vectors, [0] * 6, item_kind="array").length == 6
    with pytest.raises(ValueError, match="`labels` are missing"):
        Examples("a text", None, None, item_kind="array")


def test_files_are_refused_if_items_are_not_images(paths, folder):
    for given, labels in [(paths, ["a"] * 8), (folder, None), (paths[0], "a")]:
        with pytest.raises(ValueError, match="files are not read"):
            Examples(given, labels, None, item_kind="array")
