"""What the benchmarks of learning in sessions report."""

import fsl_keras as fsl
import numpy as np
from fsl_keras.files import write_json

from text_protocol import mean_and_interval

FIGURES = (
    "last_accuracy",
    "average_accuracy",
    "forgetting",
    "forgetting_among_known",
    "loss_to_new_classes",
    "joint_gap",
)


def rows_of(reports, protocol, reference):
    """Returns the rows of a report, one for each learner.

    Args:
        reports: dictionary from the name of a learner to its `ContinualReport`s, one
            for each seed.
        protocol: dictionary, the protocol of the accuracy after the last session.
        reference: string, the learner that others are compared with, paired by seed.
    """
    queries = int(reports[reference][0].examples.sum())
    base = np.array([report.last_accuracy for report in reports[reference]])
    rows = []
    for name, found in reports.items():
        last = np.array([report.last_accuracy for report in found])
        accuracy, ci95 = mean_and_interval(last, queries)
        known = [report.forgetting_among_known for report in found]
        row = {
            "name": name,
            "figures": [{"accuracy": accuracy, "ci95": ci95, "protocol": protocol}],
            "columns": {
                "forgetting among known": f"{100 * np.mean(known):.2f}",
                f"minus {reference}": "",
            },
            "forgetting_among_known_by_seed": known,
            "memory_bytes": int(found[0].memory_bytes[-1]),
            "seconds_per_session": float(np.mean([r.seconds for r in found])),
            "accuracy_by_session": np.mean(
                [report.accuracy_by_session for report in found], axis=0
            ).tolist(),
        }
        for figure in FIGURES:
            row[figure] = float(np.mean([getattr(r, figure) for r in found]))
        if name != reference and len(found) > 1:
            mean, half = mean_and_interval(last - base, queries)
            row["difference"] = {"difference": mean, "ci95": half}
            spelled = f"{100 * mean:+.2f} ± {100 * half:.2f}"
            row["columns"][f"minus {reference}"] = spelled
        print(f"{name}: {100 * accuracy:.2f} ± {100 * ci95:.2f}, {row['columns']}")
        rows.append(row)
    return rows


def write(stem, title, command, note, rows, reports):
    """Writes a report and a chart.

    Args:
        stem: `pathlib.Path` without suffix.
        title: string.
        command: string.
        note: string.
        rows: list, see `rows_of`.
        reports: as in `rows_of`.
    """
    report = {"title": title, "command": command, "note": note, "rows": rows}
    write_json(stem.with_name(f"{stem.name}.json"), report)
    first = next(iter(reports.values()))[0]
    figure = fsl.plots.accuracy_by_session(
        {
            name: np.stack([report.accuracy_by_session for report in found])
            for name, found in reports.items()
        },
        np.cumsum([len(part) for part in first.classes]),
    )
    figure.savefig(stem.with_name(f"{stem.name}.png"), dpi=150)
