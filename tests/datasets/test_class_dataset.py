import itertools
import zlib

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.datasets import with_rotations
from fsl_keras.episodes import MetaDatasetShots
from fsl_keras.layers.augmentation import RandomFlip
from tests.checks import run_python


def vectors(classes=6, size=5):
    """Items that are the numbers of their rows, the classes taking turns."""
    rows = np.arange(float(classes * size))[:, None]
    return ClassDataset.from_arrays(rows, np.arange(len(rows)) % classes)


def first(dataset):
    return next(dataset.as_numpy_iterator())


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


class TestTexts:
    """Texts that begin with the name of their class."""

    @pytest.fixture
    def data(self):
        texts = [f"{'äbcdef'[row % 6]} {row}" for row in range(30)]
        return ClassDataset.from_arrays(texts, [text[0] for text in texts], name="talk")

    def test_the_summary_names_texts_and_no_shape(self, data):
        assert data.summary() == "talk: 6 classes of 5 texts, 30 in all"
        assert (data.item_shape, data.item_dtype) == ((), "string")
        assert vectors().item_dtype == "float32"

    def test_episodes_hold_strings_of_their_classes(self, data):
        for x, y in data.episodes(3, 2, 2, seed=5, count=5).as_numpy_iterator():
            assert (x["support"].shape, x["query"].shape) == ((1, 6), (1, 6))
            ways = x["support_labels"][0].argmax(-1)
            class_of_way = {
                way: text.decode()[0]
                for way, text in zip(ways, x["support"][0], strict=True)
            }
            assert len(set(class_of_way.values())) == 3
            for text, way in zip(x["query"][0], y[0], strict=True):
                assert text.decode()[0] == class_of_way[way]

    def test_batches_hold_each_text_once(self, data):
        items, labels = zip(*data.batches(6, count=5).as_numpy_iterator(), strict=True)
        texts = [text.decode() for text in np.concatenate(items)]
        assert len(set(texts)) == 30
        for text, label in zip(texts, np.concatenate(labels), strict=True):
            assert data.class_names[label] == text[0]

    def test_pairs_say_whether_texts_are_of_one_class(self, data):
        (a, b), same = first(data.pairs(40))
        assert {*same} == {0, 1}
        for one, other, is_same in zip(a, b, same, strict=True):
            assert (one.decode()[0] == other.decode()[0]) == is_same
            assert one != other

    def test_subsets_and_parts_hold_their_texts(self, data):
        part = data.subset(["ä", "c"])
        assert part.class_items("ä").tolist() == [f"ä {row}" for row in range(0, 30, 6)]
        names = [name for part in data.split_classes() for name in part.class_names]
        assert sorted(names) == data.class_names

    def test_a_function_may_augment_texts_and_layers_for_images_are_refused(self, data):
        def shouted(texts, seed):
            del seed
            return tf.strings.upper(texts, encoding="utf-8")

        items, _ = first(data.batches(30, augmentation=shouted))
        assert {text.decode()[0] for text in items} == set("ÄBCDEF")
        with pytest.raises(
            ValueError, match=r"RandomFlip takes images \[..., H, W, C\]"
        ):
            data.episodes(2, 1, 1, augmentation=RandomFlip())
        with pytest.raises(ValueError, match=r"need images in memory"):
            with_rotations(data)


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
