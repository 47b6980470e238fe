"""Charts: embeddings in a plane, and training by epoch."""

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from fsl_keras.plots.text import INK, NAME_SIZE, add_legend, class_ids, names_of

GRID = "#cccccc"
COLORS = matplotlib.color_sequences["petroff8"]
MARKERS = "osD^vPX"  # the star is kept for prototypes


def embeddings(embeddings, labels, prototypes=None, class_names=None):
    """Draws embeddings in the plane of their two greatest principal components.

    Two-dimensional embeddings are drawn as they are. Prototypes go through the
    same linear map, so that a prototype stays the mean of its examples.

    Args:
        embeddings: floats `[n, D]`, at least two of each.
        labels: integers `[n]` or one-hot `[n, N]`; -1 or all zeros is padding.
        prototypes: floats `[N, D]`, that of class `i` at position `i`.
        class_names: sequence of strings, the name of class `i` at position `i`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if shapes, values or lengths do not fit.

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
    center, directions, shares = _plane(points)
    if shares is not None:
        first, second = (f"component {i + 1} ({shares[i]:.0%})" for i in range(2))
        title = f"2 principal components, {shares.sum():.0%} of the variance"
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


def training_curves(history, validation_freq=1):
    """Draws loss and accuracy by epoch, as `fit` returns them.

    Args:
        history: what `fit` returned, or its dictionary of lists. Drawn are `loss`,
            `accuracy` and, as a band, `accuracy_ci95` (the half-width of its 95%
            confidence interval), with and without `val_`, as far as they are there.
        validation_freq: integer, as given to `fit`.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: if there is nothing to draw, or lengths do not fit.

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
            "`history` must have 'loss' or 'accuracy', with or without 'val_'; given "
            f"{sorted(history)}. Compile with `metrics=['accuracy']` and train."
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
            f"`{what}` must be finite, [n, D], n and D >= 2; given {vectors.shape}, "
            f"{np.sum(~np.isfinite(vectors))} not finite. Take one task, `{what}[0]`."
        )
    return vectors


def _check_prototypes(prototypes, dimensions, ways):
    prototypes = _vectors(prototypes, "prototypes")
    if len(prototypes) < ways or prototypes.shape[1] != dimensions:
        raise ValueError(
            f"`prototypes` must be [N, {dimensions}], N >= {ways}, one a class; given "
            f"{prototypes.shape}. Take both from one backbone."
        )
    return prototypes


def _plane(points):
    """Returns the centre, two directions `[D, 2]`, and their shares of the variance."""
    if points.shape[1] == 2:
        return np.zeros(2), np.eye(2), None
    center = points.mean(axis=0)
    _, scales, directions = np.linalg.svd(points - center, full_matrices=False)
    directions, variances = directions[:2].T, scales**2
    # Their signs are arbitrary; fixed, the same points always give the same figure.
    signs = np.sign(directions[np.abs(directions).argmax(axis=0), [0, 1]])
    return center, directions * signs, variances[:2] / max(variances.sum(), 1e-30)


def _curve(axes, history, key, label, color, step=1):
    """Draws `history[key]`, and the band of its interval where there is one."""
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
            f"and `{key}_ci95` as many or none; given {len(values)} and {len(half)}. "
            "Give the history of one `fit`, and its `validation_freq`."
        )
    epochs = step * np.arange(1, len(values) + 1)
    axes.plot(epochs, values, color=color, marker=".", label=label)
    if len(half):
        band = {"alpha": 0.18, "lw": 0, "label": f"{label}, 95% interval"}
        axes.fill_between(epochs, values - half, values + half, color=color, **band)
