import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.datasets.tf_elements import holds_labels, tf_elements

LABELS = [0, 2, 1, 2, 0]
NAMES = ["egret", "heron", "ibis", "heron", "egret"]
ONE_HOT = np.eye(3, dtype="float32")[LABELS]
WEIGHTS = np.ones(5, "float32")


@pytest.fixture
def images():
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (5, 6, 7, 3), dtype="uint8")


def read(dataset, kind="image"):
    """The items and labels of a labelled Dataset."""
    items, labels = zip(*tf_elements(dataset, True, kind), strict=True)
    return list(items), np.stack(labels).tolist()


def slices(*arrays):
    return tf.data.Dataset.from_tensor_slices(arrays[0] if len(arrays) == 1 else arrays)


@pytest.mark.parametrize("batch", [None, 1, 2, 5])
class TestSinglesAndBatches:
    def batched(self, dataset, batch):
        return dataset.batch(batch) if batch else dataset

    @pytest.mark.parametrize("labels", [LABELS, NAMES, ONE_HOT])
    def test_pairs_and_triples(self, images, labels, batch):
        expected = [x.encode() for x in labels] if labels is NAMES else labels
        for arrays in ((images, labels), (images, labels, WEIGHTS)):
            items, found = read(self.batched(slices(*arrays), batch))
            np.testing.assert_array_equal(items, images)
            np.testing.assert_array_equal(found, expected)

    def test_dictionaries(self, images, batch):
        for element in (
            {"image": images, "label": LABELS},
            {"id": WEIGHTS, "Label": LABELS, "image": images, "file_name": NAMES},
            ({"image": images}, LABELS),
        ):
            items, found = read(self.batched(slices(element), batch))
            np.testing.assert_array_equal(items, images)
            assert found == LABELS

    @pytest.mark.parametrize("kind", ["text", None])
    def test_dictionaries_of_texts(self, batch, kind):
        for element in (
            {"text": NAMES, "label": LABELS},
            {"file_name": NAMES[::-1], "Intent": LABELS, "sentence": NAMES},
            ({"query": NAMES, "id": WEIGHTS}, LABELS),
        ):
            items, found = read(self.batched(slices(element), batch), kind)
            assert items == [name.encode() for name in NAMES]
            assert found == LABELS

    def test_images_alone(self, images, batch):
        for arrays in ((images,), ((images,),), (images, LABELS), ({"image": images},)):
            dataset = self.batched(slices(*arrays), batch)
            pairs = list(tf_elements(dataset, labelled=False))
            np.testing.assert_array_equal([item for item, _ in pairs], images)
            assert {label for _, label in pairs} == {None}

    def test_gray_images(self, images, batch):
        items, found = read(self.batched(slices(images[..., 0], LABELS), batch))
        np.testing.assert_array_equal(items, images[..., 0])
        assert found == LABELS

    def test_paths(self, batch):
        items, found = read(self.batched(slices(NAMES, LABELS), batch))
        assert items == [name.encode() for name in NAMES]
        assert {type(item) for item in items} == {np.bytes_}
        assert found == LABELS

    def test_vectors_and_texts(self, batch):
        vectors = np.arange(20.0).reshape(5, 4)
        for values, kind in ((vectors, "array"), (NAMES, "text")):
            dataset = self.batched(slices(values, LABELS), batch)
            items, found = read(dataset, kind)
            expected = [x.encode() for x in values] if values is NAMES else values
            np.testing.assert_array_equal(items, expected)
            assert found == LABELS
            pairs = tf_elements(dataset, labelled=False, kind=kind)
            np.testing.assert_array_equal([item for item, _ in pairs], expected)


def test_single_gray_images_with_one_hot_labels(images):
    items, found = read(slices(images[..., :1], ONE_HOT))
    np.testing.assert_array_equal(items, images[..., :1])
    np.testing.assert_array_equal(found, ONE_HOT)


def mixed():
    sizes = [(4, 5), (6, 3), (2, 2)]
    return [np.full((*size, 3), i, "uint8") for i, size in enumerate(sizes)]


@pytest.mark.parametrize("shape", [(None, None, 3), None])
def test_images_of_mixed_sizes(shape):
    spec = (tf.TensorSpec(shape, tf.uint8), tf.TensorSpec([], tf.int64))
    dataset = tf.data.Dataset.from_generator(
        lambda: zip(mixed(), LABELS, strict=False), output_signature=spec
    )
    if shape:
        ragged = dataset.ragged_batch(2)
        for given in (dataset, ragged):
            items, found = read(given)
            assert found == LABELS[:3]
            for item, image in zip(items, mixed(), strict=True):
                np.testing.assert_array_equal(item, image)
    else:
        assert [item.shape for item in read(dataset)[0]] == [x.shape for x in mixed()]


def test_a_dataset_is_read_once(images):
    passes = []

    def elements():
        passes.append(None)
        yield from zip(images, LABELS, strict=True)

    spec = (tf.TensorSpec([6, 7, 3], tf.uint8), tf.TensorSpec([], tf.int64))
    read(tf.data.Dataset.from_generator(elements, output_signature=spec))
    assert len(passes) == 1


def test_whether_there_are_labels(images):
    assert holds_labels(slices(images, LABELS))
    assert holds_labels(slices({"image": images, "class": LABELS}))
    assert not holds_labels(slices(images))
    assert not holds_labels(slices({"image": images}))


@pytest.mark.parametrize(
    ("element", "message"),
    [
        (np.zeros((2, 3, 3, 1)), "images without labels.*pairs `\\(image, label\\)`"),
        ({"image": np.zeros((2, 3, 3, 1))}, "images without labels"),
        ({"x": [1], "label": [0]}, r"No image found under the names \['x', 'label'\]"),
        (([0], [0], [0], [0]), "They have 4 parts"),
    ],
)
def test_errors_say_what_is_missing(element, message):
    with pytest.raises(ValueError, match=message):
        tf_elements(tf.data.Dataset.from_tensor_slices(element), labelled=True)


def test_a_dataset_without_end(images):
    with pytest.raises(ValueError, match=r"infinite.*`repeat\(\)`.*`.take`"):
        tf_elements(slices(images, LABELS).repeat(), labelled=True)
