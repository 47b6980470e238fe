"""Confusion matrices."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from fsl_keras.plots.text import INK, NAME_SIZE, names_of, write_ticks

# Inches: a cell for few classes, a cell for many, and the space for names.
LARGE, SMALL, NAMES = 0.5, 0.22, 1.9
# The maximum number of classes with large cells.
FEW = 12


def confusion_matrix(report: Any) -> Figure:
    """Draws the confusion matrix of a classifier.

    Rows are true classes, columns predictions. Numbers count images, and colors show
    their fraction of the row. Cells of correct predictions are framed.

    Args:
        report: an `evaluation.ClassifierReport`, or any object with its
            `class_names`, `predicted_names`, `matrix` and `right_columns`.

    Returns:
        A `matplotlib.figure.Figure`.

    Example:

    >>> import fsl_keras as fsl
    >>> report = fsl.evaluation.ClassifierReport(
    ...     ["egret", "heron"], ["egret", "heron", "unknown"], [[3, 1, 0], [0, 2, 0]])
    >>> figure = confusion_matrix(report)
    >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
    ['egret', 'heron', 'unknown']
    """
    matrix = np.asarray(report.matrix)
    rows, columns = matrix.shape
    fractions = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    side = LARGE if max(rows, columns) <= FEW else SMALL
    size = (NAMES + side * columns + 0.9, NAMES + side * rows)
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot(xlabel="predicted class", ylabel="true class")
    image = axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    bar = figure.colorbar(image, shrink=min(1, 3 / size[1]), pad=0.01, format=_percent)
    bar.outline.set_visible(False)
    text_size = NAME_SIZE if side == LARGE else 6
    _write_names(axes, report, text_size)
    _write_counts(axes, matrix, fractions, text_size)
    for row, column in enumerate(report.right_columns):
        _frame(axes, row, column)
    # Cells are square, so that the layout needs a second pass for all names to fit.
    figure.draw_without_rendering()
    return figure


def _percent(value, _):
    return f"{value:.0%}"


def _write_names(axes, report, size):
    for axis, names in (
        (axes.xaxis, report.predicted_names),
        (axes.yaxis, report.class_names),
    ):
        write_ticks(axis, names_of(range(len(names)), names, longest=24), size)
        axis.set_tick_params(length=0)
    axes.tick_params("x", rotation=90)
    axes.spines[:].set_visible(False)
    # Thin white lines between cells.
    axes.set_xticks(np.arange(len(report.predicted_names) + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(len(report.class_names) + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#eeeeee", lw=0.5)
    axes.tick_params(which="minor", length=0)


def _write_counts(axes, matrix, fractions, size):
    for row, column in zip(*np.nonzero(matrix), strict=True):
        color = "white" if fractions[row, column] > 0.55 else INK
        axes.text(
            column,
            row,
            matrix[row, column],
            color=color,
            fontsize=size,
            ha="center",
            va="center",
        )


def _frame(axes, row, column):
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]]) / 2
    axes.plot(*(np.array([column, row]) + corners).T, color=INK, lw=0.8)
