"""Accuracy after each session of continual learning."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from fsl_keras.plots.charts import COLORS, GRID, MARKERS
from fsl_keras.plots.text import add_legend
from fsl_keras.typing import Tensor

# A legend of more names would hide lines.
MOST_INSIDE = 4


def accuracy_by_session(
    accuracies: Mapping[str, Tensor],
    class_counts: Tensor | None = None,
) -> Figure:
    """Draws the accuracy over all classes seen, after each session.

    Args:
        accuracies: dictionary from the name of a learner to floats `[S]` from 0 to 1,
            such as `ContinualReport.accuracy_by_session`; or floats `[R, S]` of `R`
            repetitions, drawn as their mean and a band from the least to the greatest.
        class_counts: optional integers `[S]`, the number of classes seen after each
            session, for the horizontal axis. Default: the number of the session.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If there is nothing to draw, or lengths do not match.

    Example:

    >>> figure = accuracy_by_session(
    ...     {"ridge": [0.9, 0.8, 0.7], "prototypes": [0.9, 0.7, 0.6]}, [10, 20, 30])
    >>> figure.axes[0].get_xlabel()
    'classes seen'
    """
    rows = {name: np.atleast_2d(values) for name, values in accuracies.items()}
    longest = max((values.shape[-1] for values in rows.values()), default=0)
    places = np.arange(1, longest + 1) if class_counts is None else class_counts
    if not rows or any(v.shape[1:] != np.shape(places) for v in rows.values()):
        raise ValueError(
            f"`accuracies` must have an accuracy for each session, [S] or [R, S], the "
            f"same number for every name and in `class_counts`. Received the shapes "
            f"{ {name: values.shape for name, values in rows.items()} } and "
            f"class_counts={class_counts!r}"
        )
    figure = Figure(figsize=(5.6, 3.6), layout="constrained")
    label = "session" if class_counts is None else "classes seen"
    axes = figure.add_subplot(xlabel=label, ylabel="accuracy")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color=GRID, lw=0.5)
    axes.set_xticks(places[:: 1 + len(places) // 12])
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    for number, (name, values) in enumerate(rows.items()):
        color = COLORS[number % len(COLORS)]
        marker = MARKERS[number % len(MARKERS)]
        axes.plot(places, values.mean(axis=0), color=color, marker=marker, label=name)
        if len(values) > 1:
            least, most = values.min(axis=0), values.max(axis=0)
            axes.fill_between(places, least, most, color=color, alpha=0.18, lw=0)
    handles, names = axes.get_legend_handles_labels()
    if len(names) <= MOST_INSIDE:
        add_legend(axes, handles, names, loc="best")
    else:
        add_legend(figure, handles, names, loc="outside lower center", columns=2)
    return figure
