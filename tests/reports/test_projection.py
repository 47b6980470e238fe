"""Embeddings in the plane."""

import sys

import numpy as np
import pytest
from sklearn.decomposition import PCA

from fsl_keras.reports.projection import check_projection, project


@pytest.mark.parametrize("count", [30, 600])
def test_the_components_are_those_of_scikit_learn(count):
    scales = np.array([5.0, 3.0, 1.0, 0.5] + [0.1] * 516)
    vectors = np.random.default_rng(0).normal(size=(count, 520)) * scales
    points, axes = project(vectors, "pca")
    expected = PCA(2, svd_solver="full").fit(vectors)
    np.testing.assert_allclose(
        np.abs(points), np.abs(expected.transform(vectors)), atol=1e-4
    )
    first, second = expected.explained_variance_ratio_
    assert axes == [f"component 1 ({first:.0%})", f"component 2 ({second:.0%})"]


def test_one_picture_or_one_dimension():
    assert project(np.ones((1, 5)), "pca")[0].tolist() == [[0, 0]]
    assert project(np.ones((3, 1)), "pca")[0].shape == (3, 2)


def test_umap_names_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(ImportError, match="pip install umap-learn"):
        check_projection("umap")


@pytest.mark.filterwarnings("ignore")
def test_umap_keeps_clusters_apart():
    pytest.importorskip("umap", reason="needs the package umap-learn")
    centers = np.repeat(np.eye(3), 12, axis=0)
    vectors = centers + np.random.default_rng(0).normal(scale=0.05, size=centers.shape)
    points, axes = project(vectors, "umap")
    middles = points.reshape(3, 12, 2).mean(axis=1)
    spread = np.abs(points.reshape(3, 12, 2) - middles[:, None]).max()
    assert np.linalg.norm(middles[0] - middles[1]) > spread
    assert axes == ["UMAP 1", "UMAP 2"]
