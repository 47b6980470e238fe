import numpy as np
import pytest

from fsl_keras import plots
from tests.plots.checks import draw


def drawn(tasks=2):
    x = np.tile(np.linspace(-5, 5, 20), (tasks, 1))
    curves = {"before": x * 0.0, "after": np.cos(x)}
    support = x[:, ::5]
    figure = draw(plots.regression(x, np.sin(x), curves, support, np.sin(support)))
    return x, figure


def test_every_task_has_its_panel_with_truth_curves_and_examples():
    x, figure = drawn(tasks=3)
    assert len(figure.axes) == 3
    for task, axes in enumerate(figure.axes):
        _, truth, before, after = axes.lines  # the first is the zero line
        np.testing.assert_allclose(truth.get_ydata(), np.sin(x[task]))
        np.testing.assert_allclose(before.get_ydata(), 0)
        np.testing.assert_allclose(after.get_ydata(), np.cos(x[task]))
        points = np.asarray(axes.collections[0].get_offsets())
        np.testing.assert_allclose(points[:, 1], np.sin(points[:, 0]))


def test_the_legend_names_the_curves():
    _, figure = drawn()
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["truth", "before", "after", "examples"]


def test_shapes_that_do_not_fit():
    x = np.zeros((2, 5))
    with pytest.raises(ValueError, match=r"\[T, P\].*\(2, 4\)"):
        plots.regression(x, x, {"after": x[:, :4]}, x, x)
    with pytest.raises(ValueError, match=r"\[T, S\] for 2 tasks.*\(1, 5\)"):
        plots.regression(x, x, {}, x[:1], x[:1])
