import sys

import keras
import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

import fsl_keras as fsl
from fsl_keras.pretraining import pseudo_classes


@pytest.fixture
def backbone():
    return keras.Sequential([keras.Input((2,)), keras.layers.Identity()])


@pytest.fixture
def unlabeled():
    """Points in five directions, of any length, in two classes that mean nothing."""
    rng = np.random.default_rng(0)
    angles = np.repeat(np.arange(5) * 2 * np.pi / 5, 8) + rng.normal(0, 0.05, 40)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    points *= rng.uniform(0.5, 3.0, (40, 1))
    return fsl.ClassDataset.from_arrays(points.astype("float32"), np.arange(40) % 2)


def directions(data):
    """The direction of each item, and its pseudo-class."""
    found = [
        [(number, np.arctan2(*item[::-1])) for item in data.class_items(name)]
        for number, name in enumerate(data.class_names)
    ]
    numbers, angles = np.concatenate(found).T
    return numbers, np.round(angles / (2 * np.pi / 5)) % 5


def test_items_in_one_direction_become_one_class(unlabeled, backbone):
    grouped = pseudo_classes(unlabeled, backbone, clusters=5)
    assert grouped.class_sizes.tolist() == [8] * 5
    assert grouped.name == "arrays, 5 clusters"
    numbers, true = directions(grouped)
    assert adjusted_rand_score(true, numbers) == 1.0


def test_each_item_is_in_one_class_at_most(unlabeled, backbone):
    grouped = pseudo_classes(unlabeled, backbone, clusters=12, min_size=3)
    rows = np.concatenate(grouped.class_rows)
    assert len(set(rows.tolist())) == len(rows) < 40
    assert grouped.class_sizes.min() >= 3


def test_a_tenth_of_the_items_are_clusters(unlabeled, backbone):
    assert "4 clusters" in pseudo_classes(unlabeled, backbone, min_size=1).name


def test_the_seed_draws_the_first_centers(unlabeled, backbone):
    def rows(seed):
        grouped = pseudo_classes(unlabeled, backbone, 12, min_size=1, seed=seed)
        return [rows.tolist() for rows in grouped.class_rows]

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)


def test_episodes_of_a_subset_are_of_its_items(unlabeled, backbone):
    """Rows are those of all items, and the subset has half of them."""
    half = unlabeled.subset([1])
    grouped = pseudo_classes(half, backbone, clusters=3, min_size=2)
    rows = np.concatenate(grouped.class_rows)
    assert set(rows.tolist()) <= set(half.class_rows[0].tolist())
    support = next(iter(grouped.episodes(2, 1, 1, count=1)))[0]["support"]
    items = unlabeled.class_items("1")
    assert all((items == point).all(1).any() for point in np.asarray(support)[0])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"clusters": 1}, "from 2 to the number of items, 40. Received: clusters=1"),
        ({"clusters": 41}, "Received: clusters=41"),
        ({"clusters": 5, "min_size": 0}, "Received: min_size=0"),
        ({"clusters": 5, "min_size": 9}, "Fewer than two of the 5 clusters"),
    ],
)
def test_arguments_out_of_range(unlabeled, backbone, arguments, message):
    with pytest.raises(ValueError, match=message):
        pseudo_classes(unlabeled, backbone, **arguments)


def test_a_collapsed_backbone_is_said(unlabeled):
    """All embeddings are alike: nothing to group."""
    collapsed = keras.Sequential(
        [keras.Input((2,)), keras.layers.Dense(3, kernel_initializer="zeros")]
    )
    with pytest.raises(ValueError, match="alike"):
        pseudo_classes(unlabeled, collapsed, clusters=5)


def test_without_scikit_learn(unlabeled, backbone, monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(ImportError, match=r'"fsl-keras\[clusters\]"'):
        pseudo_classes(unlabeled, backbone, clusters=5)
