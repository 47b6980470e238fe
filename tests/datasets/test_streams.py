import functools
import itertools

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from tests.checks import assert_same_batches

LABELS = np.arange(61) % 6


def numbered():
    """Sixty-one items of six classes, each the number of its row."""
    return ClassDataset.from_arrays(np.arange(61.0)[:, None], LABELS)


def noise(items, seed):
    return items + tf.random.stateless_uniform(tf.shape(items), seed)


def test_each_pass_of_batches_sees_each_item_once_in_a_new_order():
    items = np.concatenate(
        [
            items[:, 0]
            for items, _ in numbered().batches(7, count=28).as_numpy_iterator()
        ]
    )
    passes = items[: 3 * 61].reshape(3, 61)
    np.testing.assert_array_equal(np.sort(passes), [np.arange(61)] * 3)
    for one, other in itertools.combinations(passes, 2):
        assert (one == other).mean() < 0.2
    assert (passes[0] == np.arange(61)).mean() < 0.2


def test_batches_bear_the_labels_of_their_items():
    for items, labels in numbered().batches(16, count=5).as_numpy_iterator():
        assert labels.dtype == "int32"
        np.testing.assert_array_equal(labels, LABELS[items[:, 0].astype(int)])


def test_pairs_say_whether_the_classes_are_the_same():
    seen = []
    for (a, b), same in numbered().pairs(500, count=4).as_numpy_iterator():
        a, b = a[:, 0].astype(int), b[:, 0].astype(int)
        assert same.dtype == "float32"
        np.testing.assert_array_equal(LABELS[a] == LABELS[b], same == 1)
        assert (a != b).all()
        assert set(same) == {0, 1}
        seen.append((a, b, same))
    a, b, same = (np.concatenate(part) for part in zip(*seen, strict=True))
    assert abs(same.mean() - 0.5) < 0.056  # five standard deviations
    for items in (a, b):
        assert set(items) == set(range(61))
        counts = np.bincount(LABELS[items])
        assert np.abs(counts - 2000 / 6).max() < 84


def test_every_pair_of_a_class_of_two_is_both_its_items():
    data = ClassDataset.from_arrays(np.arange(4.0)[:, None], [0, 0, 1, 1])
    for (a, b), same in data.pairs(50, count=2).as_numpy_iterator():
        a, b = a[same == 1, 0].astype(int), b[same == 1, 0].astype(int)
        np.testing.assert_array_equal(b, a ^ 1)


class TestGroupsOfAClass:
    def ids(self, count, labels=LABELS, batch_size=None):
        """The rows of some batches, a whole pass each by default."""
        size = len(labels)
        data = ClassDataset.from_arrays(np.arange(float(size))[:, None], labels)
        stream = data.batches(batch_size or size, per_class=4, count=count)
        return [items[:, 0].astype(int) for items, _ in stream.as_numpy_iterator()]

    def test_each_pass_sees_each_item_once_in_a_new_order(self):
        passes = self.ids(3)
        np.testing.assert_array_equal(np.sort(passes), [np.arange(61)] * 3)
        for one, other in itertools.combinations(passes, 2):
            assert (one == other).mean() < 0.2

    def test_batches_are_of_different_classes_in_groups_of_this_number(self):
        labels = np.arange(72) % 6
        for ids in self.ids(6, labels, batch_size=24):
            groups = labels[ids].reshape(6, 4)
            assert (groups == groups[:, :1]).all()
            assert set(groups[:, 0]) == set(range(6))

    def test_groups_differ_by_one_item_where_a_class_cannot_be_divided(self):
        labels = np.repeat([0, 1], 5)
        for ids in self.ids(5, labels):
            for group in np.split(labels[ids], [3, 6, 8]):
                assert len(set(group)) == 1

    def test_which_items_are_a_group_changes_with_the_pass(self):
        groups = []
        for ids in self.ids(8):
            of_class = ids[LABELS[ids] == 1].tolist()
            groups.append(frozenset(of_class[:4]))
        assert len(set(groups)) > 4

    def test_a_batch_may_be_larger_than_the_data(self):
        ids = np.concatenate(self.ids(2, batch_size=90))
        np.testing.assert_array_equal(
            np.sort(ids[:122].reshape(2, 61)), [range(61)] * 2
        )

    def test_fewer_items_than_a_group(self):
        data = ClassDataset.from_arrays(np.arange(3.0)[:, None], ["a", "a", "b"])
        for items, labels in data.batches(3, per_class=8, count=4).as_numpy_iterator():
            assert sorted(items[:, 0]) == [0, 1, 2]
            np.testing.assert_array_equal(labels, items[:, 0] == 2)
            assert labels[1] == 0  # those of "a" are neighbors

    def test_a_group_of_nothing_is_refused(self):
        with pytest.raises(ValueError, match="per_class=0"):
            numbered().batches(4, per_class=0)


def grouped(data):
    return functools.partial(data.batches, per_class=3)


DRAW = {
    "batches": lambda data: data.batches,
    "groups": grouped,
    "pairs": lambda data: data.pairs,
}


@pytest.mark.parametrize("kind", DRAW)
class TestAllStreams:
    def test_shapes_are_static(self, kind):
        spec = DRAW[kind](numbered())(9, augmentation=noise).element_spec
        item = tf.TensorSpec([9, 1], "float32")
        expected = {
            "batches": (item, tf.TensorSpec([9], "int32")),
            "groups": (item, tf.TensorSpec([9], "int32")),
            "pairs": ((item, item), tf.TensorSpec([9], "float32")),
        }
        assert spec == expected[kind]

    def test_a_stream_is_a_pure_function_of_seed_and_index(self, kind):
        def stream(**arguments):
            return DRAW[kind](numbered())(9, augmentation=noise, **arguments)

        whole = stream(seed=3, count=12)
        options = tf.data.Options()
        options.deterministic = False
        options.threading.private_threadpool_size = 5
        assert_same_batches(whole.with_options(options), whole)
        assert_same_batches(stream(seed=3, start=8).take(4), whole.skip(8))
        first, other = (
            tf.nest.flatten(next(iter(s)))[0] for s in (whole, stream(seed=4))
        )
        assert (np.floor(first) != np.floor(other)).any()

    def test_augmentation_may_be_an_object(self, kind):
        class Noise:
            transform = staticmethod(noise)

        draw = DRAW[kind](numbered())
        assert_same_batches(
            draw(9, count=2, augmentation=Noise()),
            draw(9, count=2, augmentation=noise),
        )

    def test_cardinality_is_the_number_of_batches(self, kind):
        draw = DRAW[kind](numbered())
        assert len(draw(9, count=3)) == len(draw(9, count=3, start=4)) == 3
        assert draw(9, start=5).cardinality() == tf.data.INFINITE_CARDINALITY

    @pytest.mark.parametrize(
        "arguments", [{"batch_size": 0}, {"count": 0}, {"start": -1}]
    )
    def test_numbers_out_of_range_are_refused(self, kind, arguments):
        ((name, value),) = arguments.items()
        with pytest.raises(ValueError, match=f"{name}={value}"):
            DRAW[kind](numbered())(**{"batch_size": 4, **arguments})


def test_pairs_need_two_classes_of_two_items():
    single = ClassDataset.from_arrays(np.zeros((3, 2)), ["a", "a", "ibis"])
    with pytest.raises(ValueError, match=r"with a single item: \['ibis'\]"):
        single.pairs(4)
    with pytest.raises(ValueError, match="There are 1 classes"):
        ClassDataset.from_arrays(np.zeros((3, 2)), ["a"] * 3).pairs(4)


def test_a_single_item_is_all_batches():
    data = ClassDataset.from_arrays(np.full((1, 2), 5.0), [0])
    items, labels = next(data.batches(3).as_numpy_iterator())
    assert items.tolist() == [[5, 5]] * 3
    assert labels.tolist() == [0, 0, 0]
