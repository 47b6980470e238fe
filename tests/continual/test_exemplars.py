"""Memories of a few examples stay in their budget and keep what they promise."""

import numpy as np
import pytest

from fsl_keras.continual import HerdingExemplars, ReservoirExemplars
from fsl_keras.continual.exemplars import herd

MEMORIES = {"herding": HerdingExemplars, "reservoir": ReservoirExemplars}
each_memory = pytest.mark.parametrize("make", MEMORIES.values(), ids=MEMORIES)
BYTES = 4 * 4  # of an item of four float32


def session(names, count, seed=0):
    items = np.random.default_rng(seed).normal(size=(count * len(names), 4))
    return items.astype("float32"), [name for name in names for _ in range(count)]


@each_memory
def test_the_budget_is_never_exceeded(make):
    memory, sizes = make(10 * BYTES + 3), []
    for seed, names in enumerate((["ash"], ["birch", "cedar"], ["ash"], ["elm"])):
        memory.add(*session(names, 7, seed))
        assert len(memory.items) == len(memory.labels)
        sizes.append(memory.nbytes)
    assert sizes == [7 * BYTES, 10 * BYTES, 10 * BYTES, 10 * BYTES]


@each_memory
def test_all_examples_are_kept_where_they_fit(make):
    memory = make(100 * BYTES)
    items, labels = session(["ash", "birch"], 5)
    memory.add(items, labels)
    order = np.lexsort(memory.items.T)
    np.testing.assert_array_equal(memory.items[order], items[np.lexsort(items.T)])
    for item, label in zip(memory.items, memory.labels, strict=True):
        assert labels[np.flatnonzero((items == item).all(axis=1))[0]] == label


@each_memory
def test_a_memory_goes_on_in_another_process(make, tmp_path):
    whole, first, second = (make(5 * BYTES) for _ in range(3))
    before, after = session(["ash", "birch"], 9), session(["ash", "elm"], 9, seed=1)
    first.add(*before)
    first.save(tmp_path / "exemplars.npz")
    second.restore(tmp_path / "exemplars.npz")
    for memory, parts in ((whole, (before, after)), (second, (after,))):
        for part in parts:
            memory.add(*part)
    np.testing.assert_array_equal(second.items, whole.items)
    assert second.labels == whole.labels


class TestHerding:
    def test_by_hand(self):
        # The mean is 2: first 2 itself, then 1, since (2 + 1) / 2 is nearer than
        # (2 + 5) / 2, then 5, since (2 + 1 + 5) / 3 is nearer than (2 + 1 + 0) / 3.
        rows = herd(np.array([[0.0], [1.0], [2.0], [5.0]]), np.array([2.0]), 4)
        assert rows == [2, 1, 3, 0]

    def test_the_mean_of_the_exemplars_is_nearer_than_that_of_a_sample(self):
        rng = np.random.default_rng(0)
        items = rng.normal(size=(200, 4)).astype("float32")
        memory = HerdingExemplars(10 * BYTES)
        memory.add(items, ["ash"] * 200)
        units = items / np.linalg.norm(items, axis=1, keepdims=True)
        chosen = memory.items / np.linalg.norm(memory.items, axis=1, keepdims=True)
        distance = np.linalg.norm(chosen.mean(axis=0) - units.mean(axis=0))
        of_samples = [
            np.linalg.norm(rng.choice(units, 10).mean(axis=0) - units.mean(axis=0))
            for _ in range(50)
        ]
        assert distance < min(of_samples)

    def test_classes_share_the_places(self):
        memory = HerdingExemplars(10 * BYTES)
        memory.add(*session(["ash", "birch"], 20))
        before = memory.items
        memory.add(*session(["cedar"], 20, seed=1))
        assert memory.labels == ["ash"] * 4 + ["birch"] * 3 + ["cedar"] * 3
        # Those chosen first stay.
        np.testing.assert_array_equal(memory.items[:4], before[:4])
        np.testing.assert_array_equal(memory.items[4:7], before[5:8])

    def test_the_mean_of_a_class_that_comes_back_is_that_of_all_its_examples(self):
        parts = [session(["ash"], 20, seed=seed) for seed in (1, 2)]
        memory = HerdingExemplars(40 * BYTES)
        for part in parts:
            memory.add(*part)
        at_once = HerdingExemplars(40 * BYTES)
        at_once.add(np.concatenate([items for items, _ in parts]), ["ash"] * 40)
        np.testing.assert_array_equal(memory.items, at_once.items)

    def test_more_classes_than_places(self):
        memory = HerdingExemplars(2 * BYTES)
        memory.add(*session(["ash", "birch", "cedar"], 3))
        assert memory.labels == ["ash", "birch"]

    def test_embeddings_of_a_function_decide(self):
        # Only the last number counts, and its sign is all that is left of it.
        items = np.array([[9, 0, 0, 1], [0, 0, 0, -1], [0, 5, 0, 2]], "float32")
        memory = HerdingExemplars(BYTES, embed=lambda items: items[:, 3:])
        memory.add(items, ["ash"] * 3)
        np.testing.assert_array_equal(memory.items, items[:1])


class TestReservoir:
    def test_each_example_is_kept_equally_often(self):
        items = np.arange(20, dtype="float32")[:, None]
        kept = np.zeros(20)
        for seed in range(2000):
            memory = ReservoirExemplars(5 * 4, seed)
            memory.add(items[:12], ["ash"] * 12)
            memory.add(items[12:], ["birch"] * 8)
            kept[memory.items[:, 0].astype(int)] += 1
            labels = np.where(memory.items[:, 0] < 12, "ash", "birch").tolist()
            assert memory.labels == labels
        # 500 each, with a standard deviation of 19.
        np.testing.assert_allclose(kept, 500, atol=90)


class TestErrors:
    @each_memory
    @pytest.mark.parametrize("max_bytes", [0, -1])
    def test_no_budget(self, make, max_bytes):
        with pytest.raises(ValueError, match=f"above 0.*max_bytes={max_bytes}"):
            make(max_bytes)

    @each_memory
    def test_less_than_one_item(self, make):
        with pytest.raises(ValueError, match=r"takes 16 bytes.*max_bytes=15"):
            make(15).add(*session(["ash"], 2))

    @each_memory
    def test_items_of_another_shape_or_kind(self, make):
        memory = make(100 * BYTES)
        memory.add(*session(["ash"], 2))
        with pytest.raises(ValueError, match=r"of shape \(3,\) after .* of \(4,\)"):
            memory.add(np.zeros((1, 3), "float32"), ["ash"])
        with pytest.raises(ValueError, match="array of numbers"):
            memory.add(np.array(["a text"]), ["ash"])
        with pytest.raises(ValueError, match="and 1 labels"):
            memory.add(np.zeros((2, 4), "float32"), ["ash"])
