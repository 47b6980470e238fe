"""Comparison of the accuracies of several methods, with intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from fsl_keras.plots.charts import COLORS, GRID
from fsl_keras.plots.text import INK, add_legend
from fsl_keras.typing import Tensor

MARKERS = "oDs^"


def comparison(
    names: Sequence[str],
    accuracies: Tensor | Mapping[str, Tensor],
    intervals: Tensor | Mapping[str, Tensor],
    groups: Sequence[str] | None = None,
    label: str = "accuracy",
) -> Figure:
    """Draws the accuracy and its interval for each method, one row per method.

    Args:
        names: list of strings, the rows from top to bottom.
        accuracies: dictionary from series to floats `[n]` from 0 to 1, or floats `[n]`
            of a single series. NaN is not drawn.
        intervals: half-widths of the intervals, in the same form.
        groups: optional list of strings, the heading of each row. Consecutive rows of
            the same group have one heading.
        label: string, the label of the axis. Defaults to `"accuracy"`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If lengths do not match.

    Example:

    >>> figure = comparison(["pixels", "prototypes"], [0.6, 0.9], [0.01, 0.01])
    >>> [text.get_text() for text in figure.axes[0].get_yticklabels()]
    ['pixels', 'prototypes']
    """
    if not isinstance(accuracies, dict):
        accuracies, intervals = {"": accuracies}, {"": intervals}
    groups = [""] * len(names) if groups is None else list(groups)
    lengths = {
        len(groups),
        *map(len, accuracies.values()),
        *map(len, intervals.values()),
    }
    if lengths != {len(names)} or accuracies.keys() != intervals.keys():
        raise ValueError(
            f"Every series needs an accuracy and an interval for each of the "
            f"{len(names)} names, and each name a group. Received lengths "
            f"{sorted(lengths)} of series {list(accuracies)} and {list(intervals)}."
        )
    places, headings = _places(groups)
    rows = max(places) + 1
    figure = Figure(figsize=(6.4, 0.9 + 0.26 * rows), layout="constrained")
    axes = figure.add_subplot(xlabel=label)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.grid(axis="x", color=GRID, lw=0.6)
    handles = []
    for number, (series, values) in enumerate(accuracies.items()):
        handles.append(
            axes.errorbar(
                np.asarray(values),
                places,
                xerr=np.asarray(intervals[series]),
                fmt=MARKERS[number % len(MARKERS)],
                color=COLORS[number],
                ms=5,
                lw=1.4,
            )
        )
    axes.set_yticks(places, names)
    axes.tick_params("y", length=0)
    axes.set_ylim(rows - 0.5, -0.8)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for place, heading in headings:
        axes.text(
            0, place, heading, transform=axes.get_yaxis_transform(), color=INK,
            weight="bold", va="center", ha="left",
            bbox={"fc": "white", "ec": "none", "pad": 1},
        )  # fmt: skip
    if len(accuracies) > 1:
        add_legend(figure, handles, list(accuracies), loc="outside upper right")
    return figure


def _places(groups):
    """Returns the row of each name, and `(row, heading)` of each group."""
    places, headings, row, last = [], [], 0, ""
    for group in groups:
        if group != last:
            headings.append((row, group))
            row, last = row + 1, group
        places.append(row)
        row += 1
    return places, headings
