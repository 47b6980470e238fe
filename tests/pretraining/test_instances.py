import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.pretraining import instance_episodes


@pytest.fixture
def unlabeled():
    """Images of one value each."""
    values = np.linspace(0.1, 1.0, 30).astype("float32")
    images = np.broadcast_to(values[:, None, None, None], (30, 8, 8, 1))
    return fsl.ClassDataset.from_arrays(images, np.arange(30) % 2)


def test_support_and_queries_of_a_class_are_views_of_one_item(unlabeled):
    shift = RandomAffine(0.0, 0.0, 0.0, translation_factor=0.2)
    episodes = instance_episodes(
        unlabeled, ways=6, shots=2, queries=3, augmentation=shift, seed=1, count=2
    )
    for x, y in episodes:
        support, query = (np.asarray(x[part])[0] for part in ("support", "query"))
        assert support.shape == (12, 8, 8, 1)
        assert query.shape == (18, 8, 8, 1)
        labels = np.asarray(x["support_labels"])[0].argmax(-1)
        # A translated image keeps its center.
        values = {
            way: {
                round(float(image[4, 4, 0]), 3)
                for images, of in ((support, labels), (query, np.asarray(y)[0]))
                for image in images[of == way]
            }
            for way in range(6)
        }
        assert [len(found) for found in values.values()] == [1] * 6
        assert len(set.union(*values.values())) == 6
        # And the views differ.
        assert (
            np.abs(query[0] - query[1]).max() > 0
            or np.abs(query[0] - query[2]).max() > 0
        )


def test_the_report_names_the_protocol(unlabeled):
    episodes = instance_episodes(unlabeled, 5, augmentation=RandomAffine(), count=1)
    assert episodes.protocol["dataset"] == "arrays, each item a class"


def test_without_augmentation_the_task_is_trivial(unlabeled):
    with pytest.raises(ValueError, match="needs an augmentation"):
        instance_episodes(unlabeled, 5)


def test_too_few_items(unlabeled):
    with pytest.raises(ValueError, match="31"):
        instance_episodes(unlabeled, 31, augmentation=RandomAffine())
