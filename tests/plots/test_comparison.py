import numpy as np
import pytest

from fsl_keras import plots
from tests.plots.checks import draw


def points(figure):
    """The points of each series."""
    return [np.asarray(c.lines[0].get_xydata()) for c in figure.axes[0].containers]


def test_every_method_has_a_row_with_its_interval():
    figure = draw(plots.comparison(["a", "b", "c"], [0.5, 0.7, 0.6], [0.1, 0.02, 0.03]))
    (found,) = points(figure)
    np.testing.assert_allclose(found, [[0.5, 0], [0.7, 1], [0.6, 2]])
    (bars,) = figure.axes[0].containers[0].lines[2]
    ends = [segment[:, 0].tolist() for segment in bars.get_segments()]
    np.testing.assert_allclose(ends, [[0.4, 0.6], [0.68, 0.72], [0.57, 0.63]])


def test_kinds_stand_together_under_a_heading():
    figure = draw(
        plots.comparison(
            ["a", "b", "c"], [0.5, 0.7, 0.6], [0.1] * 3, groups=["one", "one", "two"]
        )
    )
    (found,) = points(figure)
    assert found[:, 1].tolist() == [1, 2, 4]
    headings = {t.get_text(): t.get_position()[1] for t in figure.axes[0].texts}
    assert headings == {"one": 0, "two": 3}


def test_several_series_and_a_place_left_empty():
    accuracies = {"balanced": [0.5, 0.7], "imbalanced": [np.nan, 0.6]}
    intervals = {"balanced": [0.1, 0.1], "imbalanced": [np.nan, 0.1]}
    figure = draw(plots.comparison(["a", "b"], accuracies, intervals))
    assert len(points(figure)) == 2
    (legend,) = figure.legends
    assert [t.get_text() for t in legend.get_texts()] == ["balanced", "imbalanced"]


def test_lengths_that_do_not_fit():
    with pytest.raises(ValueError, match=r"2 names.*\[1, 2\]"):
        plots.comparison(["a", "b"], [0.5], [0.1, 0.1])
