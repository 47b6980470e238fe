"""All scores of a report as a table."""

import csv
import math
import pathlib
from collections.abc import Iterator

from fsl_keras.files import NOT_UTF_8
from fsl_keras.reports.report import Report

QUALITIES = ("width", "height", "darkest", "brightest", "sharpness", "entropy")


def write_table(report: Report, path: pathlib.Path) -> None:
    """Writes a CSV file with a row per picture.

    Args:
        report: `Report`.
        path: path of the file.
    """
    with path.open("w", newline="", encoding="utf-8", errors=NOT_UTF_8) as file:
        rows = _rows(report)
        first = next(rows)
        writer = csv.DictWriter(file, list(first))
        writer.writeheader()
        writer.writerow(first)
        writer.writerows(rows)


def _rows(report: Report) -> Iterator[dict]:
    pictures, answers = report.pictures, report.answers
    predicted, right = report.predicted, report.is_right
    own = report.own_probabilities
    suspects, far = {i for i, *_ in report.suspects}, set(report.outliers.tolist())
    issues = {kind: set(rows) for kind, rows in report.issues().items()}
    confidences, distances = answers.confidences, report.distances
    has_neighbors = report.neighbors.shape[1] > 0
    for row in range(len(pictures)):
        given = bool(answers.given[row])
        quality = pictures.qualities[row]
        yield {
            "file": pictures.files[row],
            "part": "test" if report.is_test[row] else "example",
            "class": pictures.labels[row],
            "predicted": predicted[row],
            "right": int(right[row]) if given else "",
            "probability": _number(confidences[row]) if given else "",
            "own_probability": _number(own[row]),
            "known": int(answers.known[row]) if given else "",
            "suspect": int(row in suspects),
            "outlier": int(row in far),
            "distance": _number(distances[row]),
            "copies": int((report.copies == report.copies[row]).sum()) - 1,
            "group": int(report.copies[row]),
            "nearest_example": (
                pictures.files[report.neighbors[row, 0]] if has_neighbors else ""
            ),
            "nearest_similarity": (
                _number(report.similarities[row, 0]) if has_neighbors else ""
            ),
            **{
                name: "" if quality is None else _number(getattr(quality, name))
                for name in QUALITIES
            },
            **{kind: int(row in rows) for kind, rows in issues.items()},
            **{
                f"probability {name}": _number(value) if given else ""
                for name, value in zip(
                    report.class_names, answers.probabilities[row], strict=True
                )
            },
        }


def _number(value):
    if isinstance(value, int):
        return value
    return "" if math.isnan(value) else f"{value:.4g}"
