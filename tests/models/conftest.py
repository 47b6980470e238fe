"""Small data sets and learners on which a training step takes milliseconds."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from tests.checks import with_shared_streams


@pytest.fixture(scope="session")
def pictures():
    """Eight classes of ten 16x16 pictures: large squares of grey, with noise."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 10)
    patterns = rng.random((8, 4, 4, 1)).repeat(4, axis=1).repeat(4, axis=2)
    noisy = patterns[labels] + 0.1 * rng.normal(size=(80, 16, 16, 1))
    return with_shared_streams(
        fsl.ClassDataset.from_arrays(np.clip(noisy, 0, 1).astype("float32"), labels)
    )


@pytest.fixture(scope="session")
def vectors():
    """Six classes of twelve vectors in four dimensions that overlap a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 12)
    centres = rng.normal(size=(6, 4)) * 2
    return with_shared_streams(
        fsl.ClassDataset.from_arrays(
            (centres[labels] + rng.normal(size=(72, 4))).astype("float32"), labels
        )
    )


@pytest.fixture
def conv_learner():
    keras.utils.set_random_seed(0)
    return fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((16, 16, 1), filters=4))


@pytest.fixture
def vector_learner():
    """A linear map of vectors: no statistics, no randomness in training."""
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(4, name="map")])
    return fsl.models.PrototypicalNetwork(backbone)
