import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.multimodal import paired_episodes


def data(items, labels, **kwargs):
    return fsl.ClassDataset.from_arrays(items, labels, **kwargs)


def numbers_and_names(classes=5, each=6):
    labels = np.repeat(np.arange(classes), each)
    numbers = np.arange(len(labels), dtype="float32")[:, None]
    return data(numbers, labels), data([f"{int(n)}" for n in numbers[:, 0]], labels)


def test_the_parts_of_an_item_stay_together():
    episodes = paired_episodes(
        numbers_and_names(), ways=3, shots=2, queries=2, tasks=2, seed=4, count=6
    )
    seen = set()
    for x, y in episodes:
        assert y.shape == (2, 6)
        for part in ("support", "query"):
            numbers, names = x[part]
            assert numbers.shape == (2, 6, 1)
            for number, name in zip(
                numbers.numpy().ravel(), names.numpy().ravel(), strict=True
            ):
                assert int(number) == int(name)
                seen.add(int(number))
    assert len(seen) > 20


def test_the_episodes_are_those_of_each_data_set():
    numbers, names = numbers_and_names()
    arguments = {"ways": 3, "shots": 1, "queries": 2, "seed": 7, "count": 2}
    both = paired_episodes([numbers, names], **arguments)
    alone = numbers.episodes(**arguments)
    for (x, y), (wanted, labels) in zip(both, alone, strict=True):
        np.testing.assert_array_equal(x["query"][0], wanted["query"])
        np.testing.assert_array_equal(x["support_labels"], wanted["support_labels"])
        np.testing.assert_array_equal(y, labels)


def test_other_classes_or_numbers_of_items_are_refused():
    numbers = data(np.zeros((18, 1), "float32"), ["a"] * 6 + ["b"] * 6 + ["c"] * 6)
    others = data(["x"] * 18, ["a"] * 6 + ["b"] * 6 + ["d"] * 6)
    with pytest.raises(ValueError, match=r"same classes .* \['c', 'd'\]"):
        paired_episodes([numbers, others], 2, 1, 1)
    fewer = data(["x"] * 17, ["a"] * 6 + ["b"] * 6 + ["c"] * 5)
    with pytest.raises(ValueError, match=r"class 'c' the first has 6 items, .* 5"):
        paired_episodes([numbers, fewer], 2, 1, 1)
