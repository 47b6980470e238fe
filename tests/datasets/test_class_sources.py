import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras import ClassDataset
from tests.checks import assert_same_batches
from tests.datasets.conftest import picture

NAMES = ["grey heron", "Ägretta", "цапля 鷺"]


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

    def test_texts_are_kept_as_composed_strings(self):
        data = ClassDataset.from_arrays([b"so", "no", "u\u0308ber"], ["y", "n", "y"])
        assert data.class_items("y").tolist() == ["so", "über"]
        assert data.class_items("y").dtype == object
        series = pd.Series(["so", "no"], index=[7, 3])
        data = ClassDataset.from_arrays(series, pd.Series(["y", "n"]))
        assert data.class_items("y").tolist() == ["so"]

    @pytest.mark.parametrize(
        ("images", "labels", "message"),
        [
            (np.full((2, 3, 3, 1), 200.0), [0, 1], r"value_range=\(0, 255\)"),
            (np.full((2, 3, 3, 1), 200), [0, 1], r"value_range=\(0, 255\)"),
            (np.full((2, 3, 3, 1), -0.5), [0, 1], r"Received: -0\.5 to -0\.5"),
            (np.asarray([[0, 1], [np.inf, 1]]), [0, 1], r"Items \[1\] hold NaN"),
            (np.zeros((2, 3, 3, 1)), [0.0, 1.0], "Received floats"),
            (np.zeros((2, 3, 3, 1)), [0, -1], "negative"),
            (np.zeros((2, 3, 3, 1)), [0, 1, 1], "for 2 items"),
            (["a", "b"], [0, 1, 1], "for 2 items"),
            (
                ["a", None, 5, " "],
                [0] * 4,
                "3 of 4 texts .* row 1 is missing; row 2 is",
            ),
            (pd.Series(["a", np.nan]), [0, 0], "row 1 is missing"),
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


class TestFromTables:
    CONTENTS = (
        "text,category\nfirst,b\n,b\nsecond,a\nfirst,a\nsplit, here, a\nthird,7\n"
    )

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "talk.csv"
        path.write_text(self.CONTENTS, "utf-8")
        return path

    def test_texts_are_grouped_by_their_labels(self, path):
        with pytest.warns(UserWarning, match=r"^Skipped 2 of 6 rows: .*") as warned:
            data = ClassDataset.from_csv(path)
        assert warned[0].filename == __file__
        assert data.skipped[0] == ("talk.csv, line 3", "'text' is blank")
        assert [place for place, _ in data.skipped] == [
            "talk.csv, line 3",
            "talk.csv, line 6",
        ]
        assert data.summary() == "talk: 3 classes of 1 to 2 texts, 4 in all"
        items = {name: data.class_items(name).tolist() for name in data.class_names}
        assert items == {"7": ["third"], "a": ["second", "first"], "b": ["first"]}

    def test_a_data_frame_is_read_as_a_file_is(self, path):
        frame = pd.read_csv(path, skiprows=[5])
        with pytest.warns(UserWarning, match=r"^Skipped 1 of 5 rows: row 1") as warned:
            data = ClassDataset.from_dataframe(frame)
        assert warned[0].filename == __file__
        assert data.summary() == "dataframe: 3 classes of 1 to 2 texts, 4 in all"
        assert data.class_items("a").tolist() == ["second", "first"]

    def test_columns_may_be_named(self, tmp_path):
        path = tmp_path / "a.jsonl"
        path.write_text('{"text": "no", "said": "so", "by": "me"}\n', "utf-8")
        data = ClassDataset.from_csv(path, "said", "by", name="talk")
        assert data.summary() == "talk: 1 classes of 1 texts, 1 in all"
        assert data.class_items("me").tolist() == ["so"]

    def test_a_table_of_images_needs_their_size(self, birds):
        files = sorted(birds.rglob("no *"))
        lines = [
            f"{path.relative_to(birds.parent)},{path.parent.name}" for path in files
        ]
        path = birds.parent / "birds.csv"
        path.write_text("\n".join(["file,label", *lines, "no.png,ibis,"]), "utf-8")
        with (
            pytest.warns(UserWarning, match="Skipped 1 of 13 files") as warned,
            pytest.raises(ValueError, match=r"Classes without items: \['ibis'\]"),
        ):
            ClassDataset.from_csv(path, image_size=(12, 10))
        assert warned[0].filename == __file__
        path.write_text("\n".join(["file,label", *lines]), "utf-8")
        expected = ClassDataset.from_directory(birds, (4, 4), channels=1)
        frame = pd.DataFrame({"path": files, "class": [p.parent.name for p in files]})
        for data in (
            ClassDataset.from_csv(path, image_size=(4, 4), channels=1),
            ClassDataset.from_dataframe(frame, image_size=(4, 4), channels=1),
        ):
            assert data.class_names == sorted(NAMES)
            for name in NAMES:
                np.testing.assert_array_equal(
                    data.class_items(name), expected.class_items(name)
                )
                assert data.class_files(name) == expected.class_files(name)

    def test_errors_say_what_is_missing(self, path):
        with pytest.raises(ValueError, match=r"\['invert'\] are arguments .* images"):
            ClassDataset.from_csv(path, invert=True)
        with pytest.raises(ValueError, match=r"No image found .* \['text', 'category'"):
            ClassDataset.from_csv(path, image_size=(4, 4))
        with pytest.raises(ValueError, match=r"No label found under .* \['text'"):
            ClassDataset.from_dataframe(pd.DataFrame({"text": ["a"]}))
        with pytest.raises(ValueError, match=r"pandas DataFrame. Received: dict"):
            ClassDataset.from_dataframe({"text": ["a"], "label": ["b"]})
        with pytest.raises(FileNotFoundError, match=r"no file .*nothing\.csv"):
            ClassDataset.from_csv(path.with_name("nothing.csv"))


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
        assert data.class_items("д").tolist() == ["да"]
        elements = {"text": ["so", "да"], "label": [0, 1], "id": [7, 8]}
        for batch in (1, 2):
            dataset = tf.data.Dataset.from_tensor_slices(elements).batch(batch)
            data = ClassDataset.from_dataset(dataset, ["y", "д"])
            assert data.class_items("д").tolist() == ["да"]
        blank = tf.data.Dataset.from_tensor_slices((["so", ""], [0, 1]))
        with pytest.raises(ValueError, match=r"1 of 2 texts .* row 1 is blank"):
            ClassDataset.from_dataset(blank)

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
