"""The HTML page of a report."""

import base64
import pathlib
from typing import Any

import numpy as np

from fsl_keras.classifier import UNKNOWN
from fsl_keras.metrics import wilson_interval
from fsl_keras.reports import charts
from fsl_keras.reports.quality import KINDS
from fsl_keras.reports.reliability import calibration_curve, calibration_error
from fsl_keras.reports.report import Report

FOLDER = pathlib.Path(__file__).parent
# The maximum number of pictures, or groups of them, in a list. The table has all.
MOST = 60


def check_packages() -> None:
    """Raises an error if a package that makes the page is missing."""
    try:
        import bokeh  # noqa: F401
        import jinja2  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"A report needs a package that is missing, {error.name}: pip install "
            f'"fsl-keras[report]"'
        ) from None


def render(report: Report, title: str, table: str) -> str:
    """Returns the page of a report, which loads nothing else.

    Args:
        report: `Report`.
        title: string.
        table: string, the name of the table of all scores beside the page.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Bokeh defines a model where it comes first: its keys keep their order.
    environment.policies["json.dumps_kwargs"] = {}
    environment.filters["percent"] = lambda value: f"{100 * value:.1f} %"
    files = [short_name(file) for file in report.pictures.files]
    template = environment.get_template("page.html.jinja")
    # Scripts and the style sheet of the package itself, which are not escaped.
    parts = {
        "style": FOLDER.joinpath("page.css").read_text(encoding="utf-8"),
        "script": FOLDER.joinpath("page.js").read_text(encoding="utf-8"),
        "bokeh": charts.bokeh_script(),
    }
    groups = report.groups()
    issues = {kind: rows for kind, rows in report.issues().items() if rows}
    reliability = _reliability(report)
    return template.render(
        title=title,
        table=table,
        report=report,
        parts={
            name: jinja2.utils.markupsafe.Markup(part) for name, part in parts.items()
        },
        files=files,
        most=MOST,
        measured=[_measured(report, part) for part in _parts(report)],
        groups=groups,
        issues=issues,
        kinds=KINDS,
        reliability=reliability,
        rejections=_rejections(report),
        mistakes=_mistakes(report),
        legend=_legend(report),
        data=_data(report, files, reliability),
    )


def short_name(file: str) -> str:
    """Returns the name of a file and that of its folder.

    Example:

    >>> short_name("/home/ada/birds/heron/1.jpg")
    'heron/1.jpg'
    """
    return "/".join(pathlib.PurePath(file).parts[-2:])


def _parts(report):
    """Returns whether a part is the test, for the parts that have predictions."""
    return [part for part in (True, False) if len(report.rows(part))]


def _measured(report, of_test):
    scores = report.scores(of_test)
    accuracy, low, high, total = report.accuracy(of_test)
    # Nobody was asked about "unknown" among the examples.
    columns = [
        number
        for number, name in enumerate(scores.predicted_names)
        if name != UNKNOWN or scores.matrix[:, number].any() or of_test
    ]
    largest = np.maximum(scores.matrix.sum(axis=1), 1)
    return {
        "of_test": of_test,
        "name": "Test pictures" if of_test else "Examples",
        "method": "" if of_test else report.leave_one_out.method,
        "total": total,
        "accuracy": accuracy,
        "balanced": scores.balanced_accuracy,
        "low": low,
        "high": high,
        "table": scores.table(),
        "columns": [scores.predicted_names[number] for number in columns],
        "matrix": [
            {
                "name": name,
                "cells": [
                    {
                        "count": int(scores.matrix[row, number]),
                        "share": float(scores.matrix[row, number] / largest[row]),
                        "right": scores.right_columns[row] == number,
                        "predicted": scores.predicted_names[number],
                    }
                    for number in columns
                ],
            }
            for row, name in enumerate(scores.class_names)
        ],
    }


def _reliability(report):
    """Returns the calibration curves of the parts, of classes that are known."""
    found = []
    for of_test in _parts(report):
        rows = report.rows(of_test)
        labels = np.asarray(report.pictures.labels, object)[rows]
        rows = rows[np.isin(labels, report.class_names)]
        if not len(rows) or len(report.class_names) == 1:
            continue
        names = np.asarray(report.class_names, object)[report.answers.numbers[rows]]
        right = names == np.asarray(report.pictures.labels, object)[rows]
        curve = calibration_curve(report.answers.confidences[rows], right)
        found.append(
            {
                "name": "Test pictures" if of_test else "Examples",
                "target": "calibration-test" if of_test else "calibration-examples",
                "curve": curve,
                "error": calibration_error(curve),
                "chart": charts.calibration_chart(curve),
            }
        )
    return found


def _rejections(report):
    return [
        {
            "name": name,
            "count": count,
            "total": total,
            "interval": wilson_interval(count, total),
        }
        for name, (count, total) in report.rejections().items()
        if total
    ]


def _mistakes(report):
    """Returns the wrong predictions of the test, or else of the examples."""
    rows = report.wrong(report.has_test)
    found = []
    for row in rows[:MOST].tolist():
        label, predicted = report.pictures.labels[row], report.predicted[row]
        # What is rejected looks most like the class that it would have had.
        answer = report.class_names[report.answers.numbers[row]]
        found.append(
            {
                "row": row,
                "label": label,
                "predicted": predicted,
                "answer": answer,
                "probability": float(report.answers.confidences[row]),
                "for": report.explanation(row, answer),
                "against": report.explanation(row, label) if label != answer else [],
            }
        )
    return {"total": len(rows), "shown": found}


def _legend(report):
    names = sorted({*report.class_names, *report.pictures.labels})
    return [{"name": n, "color": charts.color_of(i)} for i, n in enumerate(names)]


def _data(report, files, reliability) -> dict[str, Any]:
    """Returns what the script of the page needs: each thumbnail once."""
    names = sorted({*report.class_names, *report.pictures.labels, UNKNOWN})
    numbers = {name: number for number, name in enumerate(names)}
    return {
        "names": names,
        "files": files,
        "labels": [numbers[label] for label in report.pictures.labels],
        "predicted": [numbers.get(name, -1) for name in report.predicted],
        "probabilities": [round(float(p), 3) for p in report.answers.confidences],
        "test": report.is_test.astype(int).tolist(),
        "thumbnails": [
            None if picture is None else base64.b64encode(picture).decode()
            for picture in report.pictures.thumbnails
        ],
        "map": charts.map_of_embeddings(report),
        "calibration": {each["target"]: each["chart"] for each in reliability},
    }
