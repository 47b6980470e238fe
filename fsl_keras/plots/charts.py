"""Charts of embeddings and of training curves."""

from collections.abc import Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fsl_keras.plots.plane import principal_plane
from fsl_keras.plots.text import INK, NAME_SIZE, add_legend, class_ids, names_of
from fsl_keras.typing import Tensor

GRID = "#cccccc"
COLORS = matplotlib.color_sequences["petroff8"]
MARKERS = "osD^vPX"  # prototypes are stars


def embeddings(
    embeddings: Tensor,
    labels: Tensor,
    prototypes: Tensor | None = None,
    class_names: Sequence[str] | None = None,
) -> Figure:
    """Draws embeddings, projected to their first two principal components.

    Two-dimensional embeddings are drawn without a projection. Prototypes are projected
    by the same linear map, so that a prototype remains the mean of its examples.

    Args:
        embeddings: floats `[n, D]`, at least two of each.
        labels: integers `[n]` or one-hot `[n, N]`; -1 or all zeros is padding.
        prototypes: optional floats `[N, D]`, that of class `i` at index `i`.
        class_names: optional sequence of strings, the name of class `i` at index `i`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If shapes, values or lengths do not match.

    Example:

    >>> import numpy as np
    >>> points = np.random.default_rng(0).normal(size=(20, 64))
    >>> figure = embeddings(points, np.arange(20) % 4)
    >>> figure.axes[0].get_title("left")
    '2 principal components, ...% of the variance'
    """
    points = _vectors(embeddings, "embeddings")
    labels = class_ids(labels, len(points), "labels")
    points, labels = points[labels >= 0], labels[labels >= 0]
    classes = np.unique(labels)
    if prototypes is not None:
        prototypes = _check_prototypes(prototypes, points.shape[1], classes[-1] + 1)
        classes = np.arange(len(prototypes))
    names = names_of(classes, class_names)

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = _add_axes(figure, xlabel="dimension 1", ylabel="dimension 2")
    center, directions, explained = principal_plane(points)
    if explained is not None:
        first, second = (f"component {i + 1} ({explained[i]:.0%})" for i in range(2))
        title = f"2 principal components, {explained.sum():.0%} of the variance"
        axes.set(xlabel=first, ylabel=second)
        axes.set_title(title, fontsize=NAME_SIZE, loc="left")
    handles, colors = [], [COLORS[i % len(COLORS)] for i in classes]
    for i, color in zip(classes, colors, strict=True):
        style = {"color": color, "marker": MARKERS[i // len(COLORS) % len(MARKERS)]}
        xy = ((points[labels == i] - center) @ directions).T
        handles.append(axes.scatter(*xy, s=24, alpha=0.75, lw=0, **style))
    if prototypes is not None:
        xy = ((prototypes - center) @ directions).T
        axes.scatter(*xy, s=160, c=colors, marker="*", edgecolors=INK)
        star = Line2D([], [], ls="", marker="*", ms=10, mfc="white", mec=INK)
        handles, names = [*handles, star], [*names, "prototype"]
    axes.set_aspect("equal", "datalim")
    add_legend(figure, handles, names, loc="outside right upper")
    return figure


def training_curves(history: Any, validation_freq: int = 1) -> Figure:
    """Draws the loss and the accuracy of each epoch.

    Args:
        history: the `History` that `fit` returns, or its dictionary of lists. It draws
            `loss`, `accuracy` and, as a band, `accuracy_ci95` (the half-width of its
            95% confidence interval), with and without `val_`, if present.
        validation_freq: integer, as passed to `fit`. Defaults to `1`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If there is nothing to draw, or lengths do not match.

    Example:

    >>> figure = training_curves({"loss": [1.2, 0.7], "val_accuracy": [0.6, 0.8]})
    >>> [axes.get_ylabel() for axes in figure.axes]
    ['loss', 'accuracy']
    """
    history = getattr(history, "history", history)
    known = {key.removeprefix("val_") for key, values in history.items() if len(values)}
    metrics = [metric for metric in ("loss", "accuracy") if metric in known]
    if not metrics:
        raise ValueError(
            "`history` must have 'loss' or 'accuracy', with or without 'val_'. "
            f"Received: {sorted(history)}. Compile with `metrics=['accuracy']`, and "
            f"train."
        )
    figure = Figure(figsize=(4.6 * len(metrics), 3.4), layout="constrained")
    for i, metric in enumerate(metrics):
        place = (1, len(metrics), i + 1)
        axes = _add_axes(figure, *place, xlabel="epoch", ylabel=metric)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(axis="y", color=GRID, lw=0.5)
        _curve(axes, history, metric, "training", COLORS[0])
        _curve(axes, history, f"val_{metric}", "validation", COLORS[1], validation_freq)
        axes.set_xlim(0.5, max(line.get_xdata()[-1] for line in axes.lines) + 0.5)
        add_legend(axes, *axes.get_legend_handles_labels(), loc="best")
    return figure


def _add_axes(figure, *place, **style):
    axes = figure.add_subplot(*place, **style)
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _vectors(vectors, what):
    vectors = np.asarray(vectors, "float64")
    if vectors.ndim != 2 or min(vectors.shape) < 2 or not np.isfinite(vectors).all():
        raise ValueError(
            f"`{what}` must be finite, [n, D], n and D >= 2. Received: shape "
            f"{vectors.shape}, {np.sum(~np.isfinite(vectors))} not finite. Select one "
            f"task, `{what}[0]`."
        )
    return vectors


def _check_prototypes(prototypes, dimensions, ways):
    prototypes = _vectors(prototypes, "prototypes")
    if len(prototypes) < ways or prototypes.shape[1] != dimensions:
        raise ValueError(
            f"`prototypes` must be [N, {dimensions}], N >= {ways}, one per class. "
            f"Received: shape {prototypes.shape}. Compute both by one backbone."
        )
    return prototypes


def _curve(axes, history, key, label, color, step=1):
    """Draws `history[key]`, and the band of its interval if there is one."""
    trained, values, half = (
        np.asarray(history.get(name, []), "float64")
        for name in (key.removeprefix("val_"), key, f"{key}_ci95")
    )
    if len(values) == 0:
        return
    expected = len(trained) // step or len(values)
    if len(values) != expected or len(half) not in (0, expected):
        raise ValueError(
            f"`{key}` must have a value for every {step} of the {len(trained)} epochs, "
            f"and `{key}_ci95` as many or none. Received: {len(values)} and "
            f"{len(half)}. Pass the history of one `fit`, and its `validation_freq`."
        )
    epochs = step * np.arange(1, len(values) + 1)
    axes.plot(epochs, values, color=color, marker=".", label=label)
    if len(half):
        band = {"alpha": 0.18, "lw": 0, "label": f"{label}, 95% interval"}
        axes.fill_between(epochs, values - half, values + half, color=color, **band)
