import itertools
import zlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras import ClassDataset
from fsl_keras.episodes import MetaDatasetShots
from tests.checks import assert_same_batches, run_python
from tests.datasets.conftest import picture

NAMES = ["grey heron", "Ägretta", "цапля 鷺"]


def vectors(classes=6, size=5):
    """Items that are the numbers of their rows, the classes taking turns."""
    rows = np.arange(float(classes * size))[:, None]
    return ClassDataset.from_arrays(rows, np.arange(len(rows)) % classes)


def first(dataset):
    return next(dataset.as_numpy_iterator())


class TestFromArrays:
    def test_items_are_grouped_by_their_labels(self):
        data = ClassDataset.from_arrays(
            np.arange(5.0)[:, None], ["b", "a", "b", "c", "a"], name="letters"
        )
        assert len(data) == 3
        assert data.class_names == ["a", "b", "c"]
        assert data.class_sizes.tolist() == [2, 2, 1]
        assert data.item_shape == (1,)
        assert data.class_items("b").tolist() == [[0], [2]]
        assert data.summary() == (
            "letters: 3 classes of 1 to 2 items, 5 in all, shape (1,)"
        )
        assert repr(data) == f"<ClassDataset {data.summary()}>"

    def test_uint8_images_stay_uint8_and_are_drawn_in_the_unit_range(self):
        pictures = np.stack([picture(i) for i in range(4)])
        data = ClassDataset.from_arrays(pictures, [0, 0, 1, 1])
        assert data.item_shape == (12, 10, 3)
        assert data.class_items("1").dtype == "uint8"
        np.testing.assert_array_equal(data.class_items("1"), pictures[2:])
        x, _ = first(data.episodes(ways=2, shots=1, queries=1))
        assert x["support"].dtype == "float32"
        stored = np.concatenate([x["support"][0], x["query"][0]]) * 255
        drawn = np.sort(stored.reshape(4, -1), axis=0)
        np.testing.assert_allclose(
            drawn, np.sort(pictures.reshape(4, -1), axis=0), atol=1e-3
        )

    def test_float_images_in_the_unit_range_stay_as_they_are(self):
        pictures = np.random.default_rng(0).random((4, 3, 5, 1))
        data = ClassDataset.from_arrays(pictures, [0, 0, 1, 1])
        assert data.class_items("0").dtype == "float32"
        np.testing.assert_allclose(data.class_items("0"), pictures[:2], rtol=1e-6)

    @pytest.mark.parametrize("dtype", ["uint8", "float32"])
    def test_gray_images_may_lack_their_channel(self, dtype):
        data = ClassDataset.from_arrays(np.ones((3, 4, 5), dtype), [0, 1, 1])
        assert data.item_shape == (4, 5, 1)

    def test_value_range_says_what_is_white(self):
        pictures = np.asarray([0.0, 51.0, 255.0]).reshape(3, 1, 1, 1)
        data = ClassDataset.from_arrays(pictures, [0, 0, 0], value_range=(0, 255))
        np.testing.assert_allclose(
            data.class_items("0").ravel(), [0, 0.2, 1], rtol=1e-6
        )

    def test_vectors_may_hold_any_number(self):
        data = ClassDataset.from_arrays(np.asarray([[-3, 900], [7, 0]]), [0, 1])
        assert data.class_items("0").tolist() == [[-3, 900]]
        assert data.class_items("0").dtype == "float32"

    def test_items_may_be_strings(self):
        data = ClassDataset.from_arrays(["so", "да", "no", "нет"], ["y", "y", "n", "n"])
        assert data.item_shape == ()
        x, _ = first(data.episodes(ways=2, shots=1, queries=1))
        assert x["support"].shape == (1, 2)
        texts = {text.decode() for text in (*x["support"][0], *x["query"][0])}
        assert texts == {"so", "да", "no", "нет"}

    @pytest.mark.parametrize(
        ("images", "labels", "message"),
        [
            (np.full((2, 3, 3, 1), 200.0), [0, 1], r"value_range=\(0, 255\)"),
            (np.full((2, 3, 3, 1), 200), [0, 1], r"value_range=\(0, 255\)"),
            (np.full((2, 3, 3, 1), -0.5), [0, 1], r"Received: -0\.5 to -0\.5"),
            (np.asarray([[0, 1], [np.inf, 1]]), [0, 1], r"Items \[1\] hold NaN"),
            (np.zeros((2, 3, 3, 1)), [0.0, 1.0], "Received floats"),
            (np.zeros((2, 3, 3, 1)), [0, -1], "negative"),
            (np.zeros((2, 3, 3, 1)), [0, 1, 1], "for 2 images"),
        ],
    )
    def test_errors_say_what_was_given(self, images, labels, message):
        with pytest.raises(ValueError, match=message):
            ClassDataset.from_arrays(images, labels)

    @pytest.mark.parametrize("shape", [(3, 4, 4), (3, 4, 4, 1)])
    def test_images_with_nan_are_named(self, shape):
        pictures = np.zeros(shape)
        pictures[2, 1] = np.nan
        with pytest.raises(ValueError, match=r"NaN.*index 2\."):
            ClassDataset.from_arrays(pictures, [0, 0, 1])

    def test_a_class_without_items_is_named(self):
        with pytest.raises(ValueError, match=r"Classes without items: \['ibis'\]"):
            ClassDataset.from_arrays(np.zeros((1, 2)), [0], ["heron", "ibis"])


class TestFromDirectory:
    def test_each_folder_is_a_class(self, birds):
        data = ClassDataset.from_directory(birds, image_size=(12, 10))
        assert data.name == "birds"
        assert data.class_names == NAMES
        assert data.class_sizes.tolist() == [4, 4, 4]
        assert data.item_shape == (12, 10, 3)
        assert data.skipped == []
        # PNG keeps pictures as they are; the files of odd numbers are JPEG.
        np.testing.assert_array_equal(data.class_items("цапля 鷺")[0], picture(20))
        np.testing.assert_array_equal(data.class_items("цапля 鷺")[2], picture(22))

    def test_files_are_known_by_class_in_the_order_of_the_items(self, birds):
        (birds / "Ägretta" / "a bad.png").write_bytes(b"")
        for limit in (99, 10**6):
            with pytest.warns(UserWarning, match="Skipped 1 of 13"):
                data = ClassDataset.from_directory(birds, (7, 9), memory_limit=limit)
            files = [path.rsplit("/")[-1] for path in data.class_files("Ägretta")]
            assert files == ["no 0.png", "no 1.jpg", "no 2.png", "no 3.jpg"]
        in_memory = ClassDataset.from_arrays(np.zeros((2, 3)), [0, 1])
        with pytest.raises(ValueError, match="does not come from files"):
            in_memory.class_files("0")

    def test_the_old_name_of_the_image_size_is_understood(self, birds):
        with pytest.warns(UserWarning, match="`size` of `ClassDataset"):
            data = ClassDataset.from_directory(birds, size=(4, 4))
        assert data.item_shape == (4, 4, 3)

    @pytest.mark.slow
    def test_files_on_disk_give_the_same_episodes_bit_for_bit(self, birds):
        (birds / "Ägretta" / "bad.png").write_bytes(b"")
        arguments = {"image_size": (7, 9), "channels": 1, "invert": True}
        with pytest.warns(UserWarning, match="Skipped 1 of 13"):
            in_memory = ClassDataset.from_directory(birds, **arguments)
        with pytest.warns(UserWarning, match="Skipped 1 of 13"):
            on_disk = ClassDataset.from_directory(birds, memory_limit=99, **arguments)
        assert type(on_disk.items) is not type(in_memory.items)
        assert on_disk.skipped == in_memory.skipped
        assert on_disk.summary() == in_memory.summary()
        assert_same_batches(
            on_disk.episodes(2, 1, 2, seed=3, count=4),
            in_memory.episodes(2, 1, 2, seed=3, count=4),
        )
        np.testing.assert_array_equal(
            on_disk.class_items(NAMES[1]), in_memory.class_items(NAMES[1])
        )

    @pytest.mark.parametrize("memory_limit", [2**20, 0])
    def test_files_that_cannot_be_read_are_skipped_and_named(self, birds, memory_limit):
        folder = birds / "grey heron"
        (folder / "zero.png").write_bytes(b"")
        (folder / "text.png").write_text("not a picture")
        for whole in (folder / "no 0.png", folder / "no 1.jpg"):
            cut = whole.read_bytes()[: whole.stat().st_size // 2]
            whole.with_stem("cut").write_bytes(cut)
        (folder / "corrupt.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 99)
        skipped = r"Skipped 5 of 17 .*zero\.png: .*empty"
        with pytest.warns(UserWarning, match=skipped) as warned:
            data = ClassDataset.from_directory(
                birds, image_size=(12, 10), memory_limit=memory_limit
            )
        assert warned[0].filename == __file__
        assert {path.rsplit("/")[-1] for path, _ in data.skipped} == {
            "zero.png",
            "text.png",
            "cut.png",
            "cut.jpg",
            "corrupt.png",
        }
        assert all(reason for _, reason in data.skipped)
        assert data.class_sizes.tolist() == [4, 4, 4]
        np.testing.assert_array_equal(data.class_items("grey heron")[0], picture(0))

    def test_gray_transparent_and_16_bit_files_come_to_one_form(self, tmp_path):
        folder = tmp_path / "kinds" / "class"
        folder.mkdir(parents=True)
        kinds = {
            "grey": np.full((4, 4), 51, "uint8"),
            "sixteen": np.full((4, 4), 51 * 257, "uint16"),
            "transparent": np.full((4, 4, 4), [51, 51, 51, 0], "uint8"),
            "veiled": np.full((4, 4, 4), [51, 51, 51, 255], "uint8"),
        }
        for name, values in kinds.items():
            Image.fromarray(values).save(folder / f"{name}.png")
        data = ClassDataset.from_directory(tmp_path / "kinds", image_size=(4, 4))
        colours = data.class_items("class")[:, 0, 0].tolist()
        assert colours == [[51] * 3, [51] * 3, [255] * 3, [51] * 3]
        dark = ClassDataset.from_directory(tmp_path / "kinds", (2, 2), 1, invert=True)
        assert dark.class_items("class")[:, 0, 0, 0].tolist() == [204, 204, 0, 204]

    def test_animations_are_named(self, birds):
        path = birds / "Ägretta" / "moving.gif"
        frames = [Image.new("L", (8, 8), color) for color in (3, 200)]
        frames[0].save(path, save_all=True, append_images=frames[1:])
        with pytest.warns(
            UserWarning, match=r"first frame .* of 1 of 13 .*moving\.gif"
        ):
            ClassDataset.from_directory(birds, image_size=(4, 4))

    def test_a_class_of_unreadable_images_is_named(self, birds):
        (birds / "ibis").mkdir()
        (birds / "ibis" / "a.png").write_bytes(b"")
        with (
            pytest.warns(UserWarning, match="Skipped 1 of 13"),
            pytest.raises(ValueError, match=r"Classes without items: \['ibis'\]"),
        ):
            ClassDataset.from_directory(birds, image_size=(4, 4))


class TestFromDataset:
    def test_single_items_and_batches_are_the_same(self):
        pictures = np.stack([picture(i) for i in range(6)])
        dataset = tf.data.Dataset.from_tensor_slices((pictures, [1, 0, 1, 0, 1, 0]))
        single = ClassDataset.from_dataset(dataset, ["egret", "heron"])
        batched = ClassDataset.from_dataset(dataset.batch(4), ["egret", "heron"])
        for data in (single, batched):
            assert data.class_names == ["egret", "heron"]
            np.testing.assert_array_equal(data.class_items("heron"), pictures[::2])

    def test_labels_may_be_names_and_items_strings(self):
        dataset = tf.data.Dataset.from_tensor_slices((["so", "да"], ["y", "д"]))
        data = ClassDataset.from_dataset(dataset)
        assert data.class_names == ["y", "д"]
        assert data.class_items("д")[0].decode() == "да"

    def test_it_reads_what_keras_reads_from_a_folder(self, birds):
        dataset = keras.utils.image_dataset_from_directory(
            birds, image_size=(12, 10), batch_size=5, shuffle=False, verbose=False
        )
        data = ClassDataset.from_dataset(dataset)
        assert data.class_names == NAMES
        for label, name in enumerate(NAMES):
            items = data.class_items(name)
            assert items.dtype == "uint8"
            np.testing.assert_array_equal(items[0], picture(10 * label))

    def test_numbers_that_are_not_images_of_0_to_255_are_not_guessed_at(self):
        standardized = np.random.default_rng(0).normal(size=(4, 3, 3, 1))
        dataset = tf.data.Dataset.from_tensor_slices((standardized, [0, 0, 1, 1]))
        with pytest.raises(ValueError, match="values from 0 to 1"):
            ClassDataset.from_dataset(dataset)

    @pytest.mark.parametrize("batch", [None, 4])
    def test_the_forms_of_elements(self, batch):
        pictures = np.stack([picture(i) for i in range(6)])
        labels = [1, 0, 1, 0, 1, 0]
        vectors = pictures[:, 0, :2, 0].astype("float32")
        one_hot = np.eye(2, dtype="float32")[labels]
        for elements in (
            (pictures, labels, np.ones(6)),
            {"image": pictures, "label": labels, "id": labels},
            (pictures, one_hot),
            (vectors, one_hot),
        ):
            dataset = tf.data.Dataset.from_tensor_slices(elements)
            data = ClassDataset.from_dataset(dataset.batch(batch) if batch else dataset)
            assert data.class_names == ["0", "1"]
            is_vectors = isinstance(elements, tuple) and elements[0] is vectors
            items = vectors if is_vectors else pictures
            np.testing.assert_array_equal(data.class_items("1"), items[::2])

    def test_datasets_of_another_form_are_refused(self):
        items = tf.zeros((4, 3))
        slices = tf.data.Dataset.from_tensor_slices
        sizes = tf.data.Dataset.range(4).map(lambda i: (tf.zeros([i + 1, 2, 1]), i))
        for dataset, message in (
            (slices(items), "without labels.*Make them pairs"),
            (slices({"x": items, "label": [0, 0, 1, 1]}), "No image found"),
            (slices((items, tf.eye(4) / 2)), "one-hot"),
            (slices((items, tf.zeros(4))).batch(2), "floats"),
            (slices((items, [0, 0, 1, 1])).repeat(), "infinite"),
            (slices((items, [0, 0, 1, 1])).take(0), "no elements"),
            (sizes, r"differ in shape, such as \[\(1, 2, 1\), \(2, 2, 1\)\]"),
        ):
            with pytest.raises(ValueError, match=message):
                ClassDataset.from_dataset(dataset)


class TestSubsets:
    def test_a_subset_shares_the_items(self):
        data = vectors()
        part = data.subset(["4", "1"], name="part")
        assert part.class_names == ["4", "1"]
        assert part.name == "part"
        assert part.items is data.items
        np.testing.assert_array_equal(part.class_items("4"), data.class_items("4"))
        x, _ = first(part.episodes(ways=2, shots=3, queries=2))
        assert set(x["support"].ravel() % 6) == {1, 4}

    def test_classes_are_chosen_by_number_as_well(self):
        part = vectors().subset(np.asarray([5, 0]))
        assert part.class_names == ["5", "0"]
        assert part.name == "arrays"

    @pytest.mark.parametrize("unknown", ["7", 6, -1])
    def test_classes_that_do_not_exist_are_refused(self, unknown):
        with pytest.raises(
            ValueError, match=rf"no classes \[{unknown!r}\].*from 0 to 5"
        ):
            vectors().subset([1, unknown])

    def test_a_class_twice_is_refused(self):
        with pytest.raises(ValueError, match="different names"):
            vectors().subset(["1", "1"])

    def test_the_items_of_no_class_are_refused(self):
        with pytest.raises(ValueError, match="There is no class 'heron'"):
            vectors().class_items("heron")


class TestSplitClasses:
    def test_parts_have_their_shares_and_no_class_in_common(self):
        data = vectors(classes=50, size=2)
        parts = data.split_classes()
        assert [len(part) for part in parts] == [32, 8, 10]
        names = [set(part.class_names) for part in parts]
        assert set.union(*names) == set(data.class_names)
        assert sum(map(len, names)) == 50

    def test_parts_are_drawn_by_seed(self):
        data = vectors(classes=50, size=2)

        def names(seed):
            return data.split_classes((0.5, 0.5), seed)[0].class_names

        assert names(0) == names(0) != names(1)
        assert names(0) != data.class_names[:25]
        assert names(0) == sorted(names(0), key=int)  # in the order of the whole

    @pytest.mark.parametrize(
        ("classes", "fractions", "sizes"),
        [
            (3, (0.64, 0.16, 0.2), [1, 1, 1]),
            (4, (0.64, 0.16, 0.2), [2, 1, 1]),
            (5, (0.98, 0.01, 0.01), [3, 1, 1]),
            (5, (0.01, 0.01, 0.98), [1, 1, 3]),
            (7, (1.0,), [7]),
        ],
    )
    def test_every_part_of_a_small_set_has_a_class(self, classes, fractions, sizes):
        parts = vectors(classes).split_classes(fractions)
        assert [len(part) for part in parts] == sizes

    @pytest.mark.parametrize(
        ("fractions", "message"),
        [
            ((0.5, 0.4), "add up to 1"),
            ((1.2, -0.2), "positive"),
            ((0.25, 0.25, 0.25, 0.25), "3 classes cannot be divided into 4"),
        ],
    )
    def test_fractions_are_checked(self, fractions, message):
        with pytest.raises(ValueError, match=message):
            vectors(classes=3).split_classes(fractions)


class TestEpisodes:
    def test_items_are_those_of_the_classes_the_labels_say(self):
        for x, y in vectors().episodes(3, 2, 2, seed=5, count=20).as_numpy_iterator():
            ways = x["support_labels"][0].argmax(-1)
            class_of_way = dict(zip(ways, x["support"][0, :, 0] % 6, strict=True))
            assert len(set(class_of_way.values())) == 3
            assert x["query"][0, :, 0].tolist() != sorted(x["query"][0, :, 0])
            for item, way in zip(x["query"][0, :, 0], y[0], strict=True):
                assert item % 6 == class_of_way[way]

    def test_the_protocol_says_how_they_were_drawn(self):
        protocol = vectors().episodes(3, 2, 1, seed=5, start=8, count=20).protocol
        assert protocol == {
            "dataset": "arrays",
            "ways": 3,
            "shots": 2,
            "queries": 1,
            "episodes": 20,
            "seed": 5,
            "start": 8,
            "shard": None,
            "classes": ["0", "1", "2", "3", "4", "5"],
        }
        shots = MetaDatasetShots(max_support=20, max_shots=4)
        protocol = vectors().episodes((2, 3), shots, 1).protocol
        assert protocol["ways"] == (2, 3)
        assert protocol["shots"] == "MetaDatasetShots(max_support=20, max_shots=4)"

    def test_a_class_with_too_few_items_is_named(self):
        data = ClassDataset.from_arrays(np.zeros((5, 2)), ["a", "a", "b", "b", "ibis"])
        with pytest.raises(ValueError, match=r"needs 2 items.*'ibis' \(1\)"):
            data.episodes(2, 1, 1)

    @pytest.mark.slow
    def test_another_process_draws_the_same(self):
        code = "from tests.datasets.test_class_dataset import drawn; print(drawn())"
        assert run_python(code).strip() == str(drawn())


def noise(items, seed):
    return items + tf.random.stateless_uniform(tf.shape(items), seed)


def drawn():
    """The checksums of some of the numbers of all three streams."""
    data, arguments = vectors(), {"seed": 9, "start": 50, "augmentation": noise}
    streams = (
        data.episodes((2, 4), (1, 3), 1, count=6, tasks=2, **arguments),
        data.batches(4, count=3, **arguments),
        data.pairs(4, count=3, **arguments),
    )
    batches = itertools.chain(*(s.as_numpy_iterator() for s in streams))
    return [zlib.crc32(array) for batch in batches for array in tf.nest.flatten(batch)]
