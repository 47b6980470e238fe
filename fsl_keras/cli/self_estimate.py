"""The leave-one-out report of a new classifier, for `fsl-keras adapt`."""

from typing import Any

from fsl_keras.cli.output import MOST_LISTED, Output, print_confusions


def print_self_estimate(out: Output, report: Any, paths: list) -> None:
    """Prints a `LeaveOneOutReport`.

    Args:
        out: `Output`.
        report: `LeaveOneOutReport` of the examples.
        paths: list of the files of all examples as given.
    """
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
                    "images": str(tested[name]),
                }
                for name, recall in recalls
            ],
        )
    print_confusions(out, report.confusions)
    for line in report.findings(paths, MOST_LISTED):
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
            {"file": paths[i], "answer": name, "probability": probability}
            for i, name, probability in report.suspects
        ],
        conflicts=[[paths[i], paths[j]] for i, j in report.conflicts],
        duplicates=[
            [paths[i], paths[j]]
            for i, j in sorted(set(report.duplicates) - set(report.conflicts))
        ],
    )
