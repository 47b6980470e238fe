"""The leave-one-out report of a new classifier, for `fsl-keras adapt`."""

from collections.abc import Sequence
from typing import Any

from fsl_keras.cli.items import KEYS
from fsl_keras.cli.output import MOST_LISTED, Output, print_confusions


def print_self_estimate(
    out: Output, report: Any, items: Sequence, kind: str = "image"
) -> None:
    """Prints a `LeaveOneOutReport`.

    Args:
        out: `Output`.
        report: `LeaveOneOutReport` of the examples.
        items: list of the files, or of the texts, of all examples as given.
        kind: `"image"` or `"text"`.
    """
    # A text is shortened in findings, and whole in JSON.
    names = items if kind == "image" else None
    counts = report.counts()
    out.table("classes", counts)
    out.say(report.summary())
    if report.is_imbalanced:
        tested = {row["class_name"]: row["tested"] for row in counts}
        recalls = report.recalls.items()
        out.table(
            "recalls",
            [{"class_name": name, "recall": recall} for name, recall in recalls],
            [
                {
                    "class": name,
                    "recall": f"{100 * recall:.1f} %",
                    f"{report.noun}s": str(tested[name]),
                }
                for name, recall in recalls
            ],
        )
    print_confusions(out, report.confusions, report.noun)
    for line in report.findings(names, MOST_LISTED):
        out.say(line)
    out.add(
        estimate={
            "method": report.method,
            "accuracy": report.accuracy,
            "balanced_accuracy": report.balanced_accuracy,
            "interval": report.interval,
            "tested": int(report.tested.sum()),
        },
        suspects=[
            {KEYS[kind]: items[i], "answer": name, "probability": probability}
            for i, name, probability in report.suspects
        ],
        conflicts=[[items[i], items[j]] for i, j in report.conflicts],
        duplicates=[
            [items[i], items[j]]
            for i, j in sorted(set(report.duplicates) - set(report.conflicts))
        ],
    )
