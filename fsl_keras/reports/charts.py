"""Charts of a report that a browser draws, by Bokeh."""

import json
from typing import Any

import numpy as np

from fsl_keras.plots.text import INK
from fsl_keras.reports.reliability import Bin
from fsl_keras.reports.report import Report

MARKERS = {False: "circle", True: "triangle"}
WRONG, LINE = "#d00000", "#1f4e8c"


def bokeh_script() -> str:
    """Returns the JavaScript of Bokeh, without its widgets."""
    from bokeh.resources import Resources

    return "\n".join(Resources(mode="inline", components=["bokeh"]).js_raw)


def map_of_embeddings(report: Report) -> dict[str, Any]:
    """Returns a scatter plot of the embeddings, as `bokeh.embed.json_item` does.

    Its points are numbered. The page itself shows the pictures and names of points.
    """
    from bokeh.models import ColumnDataSource, CustomJS, HoverTool, TapTool

    names = sorted({*report.class_names, *report.pictures.labels})
    numbers = [names.index(label) for label in report.pictures.labels]
    wrong = report.answers.given & ~report.is_right
    source = ColumnDataSource(
        {
            "x": report.points[:, 0].round(5).tolist(),
            "y": report.points[:, 1].round(5).tolist(),
            "color": [color_of(number) for number in numbers],
            "edge": [WRONG if is_wrong else "#ffffff" for is_wrong in wrong],
            "marker": [MARKERS[bool(is_test)] for is_test in report.is_test],
        },
        name="pictures",
    )
    figure = _figure(report.axes, 460)
    figure.scatter(
        "x",
        "y",
        source=source,
        marker="marker",
        size=9,
        fill_color="color",
        line_color="edge",
        fill_alpha=0.85,
        nonselection_fill_alpha=0.08,
        nonselection_line_alpha=0.08,
    )
    hover = CustomJS(code="fslReport.hover(cb_data.index.indices, cb_data.geometry)")
    figure.add_tools(HoverTool(tooltips=None, callback=hover), TapTool())
    tapped = CustomJS(code="fslReport.tapped(cb_obj.indices)")
    source.selected.js_on_change("indices", tapped)
    return _item(figure)


def calibration_chart(curve: list[Bin]) -> dict[str, Any]:
    """Returns a calibration curve, as `bokeh.embed.json_item` does."""
    from bokeh.models import ColumnDataSource

    counts = np.asarray([bin.count for bin in curve])
    source = ColumnDataSource(
        {
            "x": [bin.confidence for bin in curve],
            "y": [bin.accuracy for bin in curve],
            "size": (6 + 24 * np.sqrt(counts / counts.max())).tolist(),
        }
    )
    figure = _figure(["probability of the predicted class", "fraction right"], 360)
    figure.x_range.update(start=-0.03, end=1.03)
    figure.y_range.update(start=-0.06, end=1.06)
    figure.line([0, 1], [0, 1], color="#888888", line_dash="dashed")
    figure.line("x", "y", source=source, color=LINE)
    figure.scatter("x", "y", source=source, size="size", color=LINE, fill_alpha=0.5)
    return _item(figure)


def color_of(number: int) -> str:
    """Returns the color of a class by its number; colors repeat after 20 classes."""
    from bokeh.palettes import Category20_20

    # Dark and light shades alternate in the palette.
    return Category20_20[number % 10 * 2 + number // 10 % 2]


def _figure(axes, height):
    from bokeh.plotting import figure

    made = figure(
        x_axis_label=axes[0],
        y_axis_label=axes[1],
        height=height,
        sizing_mode="stretch_width",
        tools="pan,wheel_zoom,box_zoom,reset",
        active_drag=None,  # a finger scrolls the page
        x_range=_range(),
        y_range=_range(),
    )
    made.toolbar.logo = None
    for axis in made.axis:
        axis.axis_label_text_color = axis.major_label_text_color = INK
    made.grid.grid_line_color = "#e8e8e8"
    made.outline_line_color = None
    return made


def _range():
    from bokeh.models import DataRange1d

    return DataRange1d()


def _item(figure):
    from bokeh.core.json_encoder import serialize_json
    from bokeh.embed import json_item

    return json.loads(serialize_json(json_item(figure)))
