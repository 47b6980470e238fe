"""What leaving each example out shows of a new classifier, for `fsl-keras adapt`."""

from fsl_keras.cli.output import MOST_LISTED, print_confusions


def print_self_estimate(out, report, paths):
    """Prints a `LeaveOneOutReport`.

    Args:
        out: `Output`.
        report: `LeaveOneOutReport` of the examples.
        paths: list of the files of all examples as given.
    """
    from fsl_keras.datasets.folders import listed

    out.table("classes", _classes(report))
    low, high = (100 * bound for bound in report.interval)
    if report.tested.any() and len(report.class_names) > 1:
        out.say(
            f"{report.method} accuracy {100 * report.accuracy:.1f} % (95% interval "
            f"{low:.1f} to {high:.1f} %, {report.tested.sum()} images)"
        )
    else:
        out.say(
            "The accuracy cannot be estimated: that takes two classes, and two "
            "different images of one."
        )
    if report.alone:
        out.say(
            f"Not tested, as no other image of them is left: {listed(report.alone)}"
        )
    if report.is_imbalanced:
        out.say(
            f"Balanced accuracy {100 * report.balanced_accuracy:.1f} %, where each "
            f"class counts the same"
        )
        out.table("recalls", *_recalls(report))
    print_confusions(out, report.confusions)
    copies = sorted(set(report.duplicates) - set(report.conflicts))
    _say_some(
        out,
        [
            f"May have the wrong label: {paths[i]} looks like {name!r} "
            f"({probability:.2f})"
            for i, name, probability in report.suspects
        ],
        "may have the wrong label",
    )
    _say_some(
        out,
        [
            f"Nearly the same image under two names, one of which is probably wrong: "
            f"{paths[i]} and {paths[j]}"
            for i, j in report.conflicts
        ],
        "are nearly the same under two names",
    )
    _say_some(
        out,
        [f"Nearly the same image: {paths[i]} and {paths[j]}" for i, j in copies],
        "are nearly the same",
    )
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
        duplicates=[[paths[i], paths[j]] for i, j in copies],
    )


def _classes(report):
    """Returns a row for each class: its examples, those tested, those named right."""
    right = report.answers == report.labels
    rows = []
    for number, name in enumerate(report.class_names):
        own = report.labels == number
        rows.append(
            {
                "class_name": name,
                "examples": int(own.sum()),
                "tested": int((own & report.tested).sum()),
                "right": int((own & right).sum()),
            }
        )
    return rows


def _recalls(report):
    """Returns the recall of each class as rows of values and of strings."""
    tested = {row["class_name"]: row["tested"] for row in _classes(report)}
    recalls = report.recalls.items()
    values = [{"class_name": name, "recall": recall} for name, recall in recalls]
    text = [
        {"class": name, "recall": f"{100 * recall:.1f} %", "images": str(tested[name])}
        for name, recall in recalls
    ]
    return values, text


def _say_some(out, lines, what):
    for line in lines[:MOST_LISTED]:
        out.say(line)
    if len(lines) > MOST_LISTED:
        out.say(f"... and {len(lines) - MOST_LISTED} more that {what}")
