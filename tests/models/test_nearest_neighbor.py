import keras
import numpy as np

from fsl_keras.models import NearestNeighbor
from tests.models import checks


def test_the_head_has_what_was_given():
    model = NearestNeighbor(checks.backbone(), neighbors=3, distance="cosine")
    assert (model.head.neighbors, model.head.distance) == (3, "cosine")
    assert model.incremental == "exact"


def test_pixels_are_compared_with_a_flatten_layer(pictures):
    pixels = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten()])
    model = NearestNeighbor(pixels)
    x, _ = checks.arrays(pictures.episodes(3, 2, 4))
    differences = x["query"][0][:, None] - x["support"][0]
    distances = np.square(differences).sum(axis=(2, 3, 4))
    of_class = x["support_labels"][0].astype(bool)
    expected = [-distances[:, of_class[:, way]].min(axis=1) for way in range(3)]
    np.testing.assert_allclose(model(x)[0], np.stack(expected, -1), rtol=1e-4)
