import numpy as np
import pytest

from fsl_keras.layers import TfIdf
from tests.checks import assert_config_round_trip, assert_symbolic_shape

COUNTS = np.array([[1, 0, 4], [2, 0, 0], [1, 9, 0], [1, 1, 0]], "float32")


def test_roots_times_rarity_of_length_one():
    # Of four texts, the terms are in 4, 2 and 1: 1 + log of 5/5, 5/3 and 5/2.
    layer = TfIdf()
    layer.build((None, 3))
    layer.set_document_counts([4, 2, 1], 4)
    rarity = [1.0, 1 + np.log(5 / 3), 1 + np.log(5 / 2)]
    np.testing.assert_allclose(layer.idf, rarity, rtol=1e-6)
    wanted = np.array([1.0, 3 * rarity[1], 0.0])
    found = layer(np.array([[1, 9, 0]], "float32"))
    np.testing.assert_allclose(found, wanted[None] / np.hypot(1, wanted[1]), rtol=1e-6)


def test_it_is_that_of_scikit_learn():
    text = pytest.importorskip("sklearn.feature_extraction.text")
    layer = TfIdf()
    layer.build((None, 3))
    layer.set_document_counts((COUNTS > 0).sum(axis=0), len(COUNTS))
    transform = text.TfidfTransformer(smooth_idf=True).fit(COUNTS)
    np.testing.assert_allclose(layer.idf, transform.idf_, rtol=1e-6)
    wanted = transform.transform(np.sqrt(COUNTS)).toarray()
    np.testing.assert_allclose(layer(COUNTS), wanted, rtol=1e-6)


def test_an_input_of_zeros_gives_zeros():
    layer = TfIdf()
    layer.build((None, 3))
    layer.set_document_counts([0, 1, 4], 4)
    counts = np.zeros((1, 3), "float32")
    np.testing.assert_array_equal(layer(counts), counts)


def test_configuration_and_shape():
    assert_config_round_trip(TfIdf(name="some"))
    assert_symbolic_shape(TfIdf(), COUNTS)
