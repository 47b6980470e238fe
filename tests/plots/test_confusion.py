import itertools

import numpy as np
import pytest

from fsl_keras import plots
from fsl_keras.evaluation import ClassifierReport
from tests.plots.checks import draw, texts

BIRDS = ["egret", "heron", "ibis", "unknown"]


def test_cells_count_images_and_are_colored_by_share_of_the_row():
    report = ClassifierReport(
        ["egret", "heron", "lamp"], BIRDS, [[3, 1, 0, 0], [0, 2, 0, 0], [0, 0, 1, 9]]
    )
    figure = draw(plots.confusion_matrix(report))
    axes = figure.axes[0]
    cells = {
        (t.get_position()[1], t.get_position()[0]): t.get_text() for t in axes.texts
    }
    assert cells == {(0, 0): "3", (0, 1): "1", (1, 1): "2", (2, 2): "1", (2, 3): "9"}
    (image,) = axes.images
    np.testing.assert_allclose(
        image.get_array(), [[0.75, 0.25, 0, 0], [0, 1, 0, 0], [0, 0, 0.1, 0.9]]
    )
    # Frames of right predictions; that of a class that is not known is "unknown".
    centers = [line.get_xydata()[:4].mean(axis=0).tolist() for line in axes.lines]
    assert centers == [[0, 0], [1, 1], [3, 2]]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["egret", "heron", "lamp"]


@pytest.mark.parametrize("count", [3, 60])
def test_all_names_fit_and_do_not_overlap(count):
    names = [f"a rather long name of class ${i}$" for i in range(count)]
    matrix = np.c_[100 * np.eye(count), np.ones(count)]
    report = ClassifierReport(names, [*names, "unknown"], matrix)
    figure = draw(plots.confusion_matrix(report))
    axes = figure.axes[0]
    inside = figure.bbox
    boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
    others = [*axes.get_xticklabels(), axes.xaxis.label, axes.yaxis.label]
    for box in boxes + [text.get_window_extent() for text in others]:
        assert box.x0 >= inside.x0
        assert box.y0 >= inside.y0
    for above, below in itertools.pairwise(boxes):
        assert above.y0 >= below.y1
    assert texts(figure).count("100") == count
