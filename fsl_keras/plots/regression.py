"""Predictions and true values of regression tasks."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from fsl_keras.plots.charts import COLORS, GRID
from fsl_keras.plots.text import INK, add_legend
from fsl_keras.typing import Tensor

# Of the predicted curves, in their order.
DASHES = [(1, (1, 1.5)), (0, (4, 2)), "solid", (0, (6, 2, 1, 2))]


def regression(
    x: Tensor,
    truth: Tensor,
    curves: Mapping[str, Tensor],
    support: Tensor,
    support_values: Tensor,
) -> Figure:
    """Draws predicted curves and the true curve, one panel per task.

    Args:
        x: floats `[T, P]`, the inputs of the curves, in ascending order.
        truth: floats `[T, P]`, the true values.
        curves: dictionary from label to floats `[T, P]`, such as the predictions before
            and after adaptation.
        support: floats `[T, S]`, the inputs of the support examples.
        support_values: floats `[T, S]`, their values.

    Returns:
        A `matplotlib.figure.Figure`.

    Raises:
        ValueError: If shapes do not match.

    Example:

    >>> import numpy as np
    >>> x = np.linspace(-5, 5, 50)[None]
    >>> figure = regression(
    ...     x, np.sin(x), {"before": 0 * x, "after": 0.9 * np.sin(x)},
    ...     x[:, ::10], np.sin(x[:, ::10]))
    >>> len(figure.axes)
    1
    """
    x, truth = np.asarray(x), np.asarray(truth)
    curves = {label: np.asarray(values) for label, values in curves.items()}
    shapes = {"truth": truth.shape, **{k: v.shape for k, v in curves.items()}}
    if x.ndim != 2 or any(shape != x.shape for shape in shapes.values()):
        raise ValueError(
            f"`x`, `truth` and every curve must have one shape [T, P]. Received: "
            f"x {x.shape}, {shapes}"
        )
    support, support_values = np.asarray(support), np.asarray(support_values)
    if support.shape != support_values.shape or len(support) != len(x):
        raise ValueError(
            f"`support` and `support_values` must have one shape [T, S] for {len(x)} "
            f"tasks. Received: {support.shape}, {support_values.shape}"
        )
    figure = Figure(figsize=(1.8 + 2.8 * len(x), 2.8), layout="constrained")
    panels = figure.subplots(1, len(x), squeeze=False)[0]
    for task, axes in enumerate(panels):
        axes.spines[["top", "right"]].set_visible(False)
        axes.axhline(0, color=GRID, lw=0.8)
        (line,) = axes.plot(x[task], truth[task], color=INK, lw=1)
        handles, labels = [line], ["truth"]
        for number, (label, values) in enumerate(curves.items()):
            style = {"color": COLORS[number], "ls": DASHES[number % len(DASHES)]}
            (line,) = axes.plot(x[task], values[task], lw=1.6, **style)
            handles.append(line)
            labels.append(label)
        dots = axes.scatter(
            support[task], support_values[task], s=28, color=INK, zorder=3
        )
        axes.set(xlabel="x")
    panels[0].set(ylabel="y")
    add_legend(
        figure, [*handles, dots], [*labels, "examples"], loc="outside right upper"
    )
    return figure
