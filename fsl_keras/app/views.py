"""What the page shows of a session, as values of Gradio's components."""

import html
from typing import Any

import gradio as gr
import numpy as np

from fsl_keras.app.results import counted
from fsl_keras.app.session import Session
from fsl_keras.plots import confusion_matrix

# The choice of all classes in the list of pictures, and the number of thumbnails that
# are shown at a time.
ALL, MOST_SHOWN = "", 200
# A matrix of more classes is not drawn, as its names could not be read.
MOST_DRAWN = 40


def status(message: str) -> str:
    """Returns a message as HTML, with its text escaped."""
    return f'<p role="status">{html.escape(message)}</p>'


def class_choices(session: Session, with_all: bool = False) -> list[tuple[str, str]]:
    """Returns pairs of what is shown and the name of each class."""
    names = [example.class_name for example in session.examples]
    choices = [(f"{name} ({names.count(name)})", name) for name in session.class_names]
    return [(f"All classes ({len(names)})", ALL), *choices] if with_all else choices


def shown_examples(session: Session, class_name: str) -> list:
    """Returns the examples whose pictures are shown, a list of `Example`."""
    examples = session.examples
    if class_name in examples.class_names:
        examples = examples.of_class(class_name)
    return [e for e in examples if e.thumbnail is not None][:MOST_SHOWN]


def gallery(session: Session, class_name: str) -> list[tuple[str, str]]:
    """Returns pairs of thumbnail and caption of the examples that are shown."""
    remarks = session.fitted.remarks() if session.examples else {}
    captions = []
    for example in shown_examples(session, class_name):
        caption = example.class_name if class_name == ALL else example.name
        if example.id in remarks:
            caption = f"⚠ {remarks[example.id]}"
        captions.append((str(example.thumbnail), caption))
    return captions


def gallery_note(session: Session, class_name: str) -> str:
    """Returns what the list of pictures leaves out, and what may be wrong, as HTML."""
    if not session.examples:
        return status("Nothing taught yet.")
    examples = session.examples
    if class_name in examples.class_names:
        examples = examples.of_class(class_name)
    shown = len(shown_examples(session, class_name))
    bare = sum(example.thumbnail is None for example in examples)
    doubtful = len(session.fitted.remarks().keys() & {e.id for e in examples})
    parts = []
    if doubtful:
        parts.append(
            f"⚠ {counted(doubtful, 'picture')} may be a copy or in the wrong class."
        )
    if bare:
        parts.append(f"{counted(bare, 'example')} of an opened file without a picture.")
    if len(examples) - bare > shown:
        parts.append(f"The first {shown} of {len(examples) - bare} are shown.")
    return status(" ".join(parts))


def accuracy(session: Session) -> str:
    """Returns the leave-one-out accuracy and what confuses, as HTML."""
    if not session.examples:
        return status("The accuracy is shown when there are two classes.")
    report = session.fitted.report
    lines = [report.summary()]
    lines += [
        f"{name} was taken for {other}: {counted(number, 'picture')}"
        for name, other, number in report.confusions[:5]
    ]
    calibration = session.fitted.classifier.calibration
    if calibration is None or calibration.least_logit is None:
        lines.append("“unknown” needs about ten pictures in two classes.")
    return status("\n".join(lines))


def confusion_picture(session: Session) -> Any:
    """Returns the picture of the confusion matrix, or an update that hides it."""
    report = session.fitted.confusion if session.examples else None
    if report is None or not 1 < len(session.class_names) <= MOST_DRAWN:
        return gr.update(value=None, visible=False)
    path = session.folder / "confusion.png"
    confusion_matrix(report).savefig(path, dpi=120)
    return gr.update(value=str(path), visible=True)


def summary(session: Session, message: str) -> dict[str, Any]:
    """Returns what a program is told after a change, a dictionary of JSON values."""
    found: dict[str, Any] = {
        "message": message,
        "classes": dict.fromkeys(session.class_names, 0),
        "accuracy": None,
    }
    for example in session.examples:
        found["classes"][example.class_name] += 1
    if session.examples:
        value = session.fitted.report.accuracy
        found["accuracy"] = None if np.isnan(value) else value
    return found
