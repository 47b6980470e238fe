"""What the page shows of a session, as values of Gradio's components."""

import html
from typing import Any

import gradio as gr
import numpy as np

from fsl_keras.app.downloads import FORMATS
from fsl_keras.app.kinds import KINDS
from fsl_keras.app.results import counted
from fsl_keras.app.session import Session
from fsl_keras.inputs import shortened
from fsl_keras.plots import confusion_matrix

# The choice of all classes in the list of pictures, and the number of thumbnails that
# are shown at a time.
ALL, MOST_SHOWN = "", 200
# The characters of a text that are shown.
MOST_CHARACTERS = 200
# A matrix of more classes is not drawn, as its names could not be read.
MOST_DRAWN = 40


def status(message: str) -> str:
    """Returns a message as HTML, with its text escaped."""
    return f'<p role="status">{html.escape(message)}</p>'


def welcome(item_kind: str) -> str:
    """Returns what to do at first, a string."""
    return f"Name a class, and give a few {KINDS[item_kind].noun}s of it."


def name_hints(item_kind: str) -> dict[str, Any]:
    """Returns arguments of the component of the name of a class."""
    if item_kind == "text":
        info = "Empty for a table with a column of labels."
        return {"info": info, "placeholder": "such as lost card"}
    info = "Empty for a ZIP file with a folder for each class."
    return {"info": info, "placeholder": "such as cup"}


def of_kind(item_kind: str) -> list:
    """Returns updates of the components that differ between the kinds of items."""
    formats, is_text = list(FORMATS[item_kind]), item_kind == "text"
    return [
        gr.update(**name_hints(item_kind)),
        gr.update(choices=formats, value=formats[0]),
        *[gr.update(visible=not is_text)] * 3,
        *[gr.update(visible=is_text)] * 3,
    ]


def class_choices(session: Session, with_all: bool = False) -> list[tuple[str, str]]:
    """Returns pairs of what is shown and the name of each class."""
    names = [example.class_name for example in session.examples]
    choices = [(f"{name} ({names.count(name)})", name) for name in session.class_names]
    return [(f"All classes ({len(names)})", ALL), *choices] if with_all else choices


def shown_examples(session: Session, class_name: str) -> list:
    """Returns the examples that are shown, a list of `Example`."""
    examples = session.examples
    if class_name in examples.class_names:
        examples = examples.of_class(class_name)
    is_text = session.item_kind == "text"
    return [e for e in examples if is_text or e.thumbnail is not None][:MOST_SHOWN]


def gallery(session: Session, class_name: str) -> list[tuple[str, str]]:
    """Returns pairs of thumbnail and caption of the pictures that are shown."""
    captions: list[tuple[str, str]] = []
    if session.item_kind == "text":
        return captions
    remarks = session.fitted.remarks() if session.examples else {}
    for example in shown_examples(session, class_name):
        caption = example.class_name if class_name == ALL else example.name
        if example.id in remarks:
            caption = f"⚠ {remarks[example.id]}"
        captions.append((str(example.thumbnail), caption))
    return captions


def texts(session: Session, class_name: str) -> list[tuple[str, int]]:
    """Returns pairs of what is shown of a text and the id of its example."""
    if session.item_kind != "text" or not session.examples:
        return []
    remarks, lines = session.fitted.remarks(), []
    for example in shown_examples(session, class_name):
        line = shortened(example.name, MOST_CHARACTERS)
        if class_name == ALL:
            line = f"{example.class_name}: {line}"
        if example.id in remarks:
            line = f"⚠ {line} ({remarks[example.id]})"
        lines.append((line, example.id))
    return lines


def selected(session: Session, id: int) -> str:
    """Returns the name, the class and what may be wrong of an example, as HTML."""
    (example,) = (example for example in session.examples if example.id == id)
    remark = session.fitted.remarks().get(id)
    line = f"{shortened(example.name, MOST_CHARACTERS)}, of {example.class_name}"
    return status(f"{line}: {remark}" if remark else line)


def gallery_note(session: Session, class_name: str) -> str:
    """Returns what the list of examples leaves out, and what may be wrong, as HTML."""
    if not session.examples:
        return status("Nothing taught yet.")
    examples = session.examples
    if class_name in examples.class_names:
        examples = examples.of_class(class_name)
    shown, noun = len(shown_examples(session, class_name)), session.kind.noun
    is_picture = session.item_kind == "image"
    bare = sum(is_picture and example.thumbnail is None for example in examples)
    doubtful = len(session.fitted.remarks().keys() & {e.id for e in examples})
    parts = []
    if doubtful:
        parts.append(
            f"⚠ {counted(doubtful, noun)} may be a copy or in the wrong class."
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
    report, noun = session.fitted.report, session.kind.noun
    lines = [report.summary()]
    lines += [
        f"{name} was taken for {other}: {counted(number, noun)}"
        for name, other, number in report.confusions[:5]
    ]
    calibration = session.fitted.classifier.calibration
    if calibration is None or calibration.least_logit is None:
        lines.append(f"“unknown” needs about ten {noun}s in two classes.")
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
