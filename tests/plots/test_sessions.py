import numpy as np
import pytest

from fsl_keras import plots
from tests.plots.checks import draw


def test_lines_are_the_accuracies():
    accuracies = {"ridge": [0.9, 0.8, 0.7], "prototypes": [0.9, 0.7, 0.6]}
    (axes,) = draw(plots.accuracy_by_session(accuracies)).axes
    for line, (name, values) in zip(axes.lines, accuracies.items(), strict=True):
        assert line.get_label() == name
        np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3])
        np.testing.assert_array_equal(line.get_ydata(), values)
    assert axes.get_xlabel() == "session"


def test_the_axis_may_be_the_number_of_classes():
    (axes,) = draw(plots.accuracy_by_session({"a": [1.0, 0.5]}, [10, 25])).axes
    np.testing.assert_array_equal(axes.lines[0].get_xdata(), [10, 25])
    assert axes.get_xlabel() == "classes seen"


def test_repetitions_are_a_mean_and_a_band():
    figure = draw(plots.accuracy_by_session({"a": [[0.9, 0.5], [0.7, 0.6]]}))
    (axes,) = figure.axes
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0.8, 0.55])
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert {0.9, 0.7, 0.5, 0.6} <= set(band.tolist())


@pytest.mark.parametrize(
    ("accuracies", "counts"),
    [
        ({}, None),
        ({"a": [0.1, 0.2], "b": [0.1]}, None),
        ({"a": [0.1, 0.2]}, [10]),
        ({"a": np.zeros((2, 2, 2))}, None),
    ],
)
def test_lengths_that_do_not_match_are_refused(accuracies, counts):
    with pytest.raises(ValueError, match="for each session"):
        plots.accuracy_by_session(accuracies, counts)


def test_a_long_legend_is_below_the_axes():
    def legends(count):
        figure = plots.accuracy_by_session({f"{n}": [0.5, 0.4] for n in range(count)})
        return len(figure.legends), figure.axes[0].get_legend() is not None

    assert legends(4) == (0, True)
    assert legends(5) == (1, False)
