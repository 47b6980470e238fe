"""What the page calls: functions from the values of components to new ones."""

import functools
import html
import io
import pathlib
from collections.abc import Callable
from typing import Any

import gradio as gr

from fsl_keras.app import views
from fsl_keras.app.downloads import download
from fsl_keras.app.learners import DEFAULTS, Embedder, Learners
from fsl_keras.app.opening import open_classifier
from fsl_keras.app.pictures import thumbnail
from fsl_keras.app.session import Session
from fsl_keras.app.text_uploads import read_texts
from fsl_keras.app.uploads import Limits, read_uploads
from fsl_keras.typing import Model

# The side in pixels of the picture that is shown.
SHOWN_SIDE = 320
# What a person can do wrong; other errors are faults of the program.
MISTAKES = (ValueError, OSError, ImportError)
# The number of values of `Handlers.view` that a mistake does not change.
UNCHANGED = 22


def changes(function: Callable) -> Callable:
    """Returns a handler that changes a session and shows it.

    A mistake is told, and all else stays as it is: Gradio would cover each component
    with the word "Error".

    Args:
        function: method from a session and further values to a message, or to arguments
            of `Handlers.view` after the session.
    """

    @functools.wraps(function)
    def call(self, session, *args):
        session = session or self.new_session()
        kind = session.item_kind
        try:
            message = function(self, session, *args)
        except MISTAKES as error:
            # The learner and the kind may be ones that could not be chosen.
            chosen = [session.embedder.name, session.item_kind]
            values = [session, session.class_names, told(error), *chosen]
            return values + [gr.skip()] * UNCHANGED
        shown = message if isinstance(message, tuple) else (message,)
        return self.view(session, *shown, has_turned=session.item_kind != kind)

    return call


def told(error: Exception) -> str:
    """Shows the message of an error for a while, and returns it as a status."""
    # The page shows messages as HTML.
    gr.Warning(html.escape(str(error), quote=False), title="That did not work")
    return views.status(str(error))


class Handlers:
    """What the page calls.

    Args:
        learners: `Learners`.
        classifier: optional `FewShotClassifier`, with which each session begins.
        name: string, the name of its learner for people.
        limits: optional `Limits`.
    """

    def __init__(
        self,
        learners: Learners,
        classifier: Model | None = None,
        name: str = "that of the classifier",
        limits: Limits | None = None,
    ):
        self._learners = learners
        self.limits = limits or Limits()
        self._classifier = classifier
        self._first: Embedder | None = None
        if classifier is not None:
            self._first = Embedder(
                name, classifier.learner, preprocessing=classifier.preprocessing
            )

    @property
    def learner_names(self) -> list[str]:
        """The names of the learners that are offered, a list of strings."""
        first = [] if self._first is None else [self._first.name]
        return [*first, *self._learners.names]

    @property
    def item_kind(self) -> str:
        """What a new session learns: `"image"` or `"text"`."""
        return self._embedder(self.learner_names[0]).learner.item_kind

    def new_session(self) -> Session:
        """Returns the session of a person who has just come."""
        embedder = self._embedder(self.learner_names[0])
        return Session(embedder, self.limits, self._classifier)

    def turn(self, session: Session, item_kind: str) -> None:
        """Lets a session learn items of a kind, if it learns others.

        Raises:
            ValueError: if it has learned others.
        """
        if item_kind == session.item_kind:
            return
        first = self._embedder(self.learner_names[0])
        is_suited = first.learner.item_kind == item_kind
        session.use(first if is_suited else self._learners[DEFAULTS[item_kind]])

    def view(
        self,
        session: Session,
        message: str | None,
        chosen: str = views.ALL,
        is_taken: bool = False,
        has_turned: bool = False,
    ) -> list:
        """Returns the values of all components that show a session.

        Args:
            session: `Session`.
            message: optional string, for the status.
            chosen: string, the class whose examples are shown.
            is_taken: bool, whether what is given to learn was learned.
            has_turned: bool, whether the session learns items of another kind now.
        """
        if chosen not in session.class_names:
            chosen = views.ALL
        learner, is_text = session.embedder.name, session.item_kind == "text"
        of_kind = views.of_kind(session.item_kind)
        return [
            session,
            session.class_names,
            gr.skip() if message is None else views.status(message),
            gr.update(
                choices=list(dict.fromkeys([learner, *self.learner_names])),
                value=learner,
            ),
            session.item_kind,
            *(of_kind if has_turned else [gr.skip()] * len(of_kind)),
            gr.update(interactive=session.can_undo),
            gr.update(choices=views.class_choices(session, True), value=chosen),
            gr.update(choices=views.class_choices(session), value=None),
            gr.update(value=views.gallery(session, chosen), selected_index=None),
            gr.update(choices=views.texts(session, chosen), value=None),
            views.gallery_note(session, chosen),
            None,
            views.accuracy(session),
            views.confusion_picture(session),
            # The camera answers again by itself.
            self.look(session, session.shown) if is_text or has_turned else gr.skip(),
            *([None, None, "", None] if is_taken else [gr.skip()] * 4),
        ]

    @changes
    def begin(self, session: Session) -> str:
        """Shows the session when the page is loaded."""
        if session.class_names:
            return f"Opened {len(session.class_names)} classes."
        return views.welcome(session.item_kind)

    @changes
    def choose_kind(self, session: Session, item_kind: str) -> str:
        """Changes from pictures to texts, or back."""
        self.turn(session, item_kind)
        return views.welcome(item_kind)

    @changes
    def teach(
        self,
        session: Session,
        name: str,
        files: list | None,
        folder: list | None,
        lines: str | None,
        text_files: list | None,
    ) -> tuple[str, str, bool]:
        """Teaches uploaded pictures, or texts."""
        if session.item_kind == "text":
            separate = io.StringIO(lines or "", newline=None)
            given = read_texts(separate, text_files or (), session.limits)
        else:
            given = read_uploads([*(files or ()), *(folder or ())], session.limits)
        return str(session.teach(name, *given)), name.strip(), True

    @changes
    def correct(self, session: Session, name: str, text: str | None) -> str:
        """Teaches what is shown."""
        if session.item_kind == "text":
            # What was typed last may not have been answered to.
            if not text or not text.strip():
                raise ValueError(session.kind.nothing_shown)
            session.show(text)
        session.correct(name)
        return f"Learned what is shown as {name.strip()}."

    @changes
    def undo(self, session: Session) -> str:
        """Takes the last change back."""
        session.undo()
        return "Undone."

    @changes
    def choose(self, session: Session, chosen: str) -> tuple[None, str]:
        """Shows the examples of a class, and no message."""
        return None, chosen

    @changes
    def rename(self, session: Session, chosen: str, name: str) -> tuple[str, str]:
        """Renames the class that is shown."""
        session.rename(_one(chosen), name)
        return f"Renamed {chosen}.", " ".join(name.split())

    @changes
    def merge(self, session: Session, chosen: str, target: str) -> tuple[str, str]:
        """Merges the class that is shown into another one."""
        session.merge(_one(chosen), _other(target))
        return f"Merged {chosen} into {target}.", target

    @changes
    def remove_class(self, session: Session, chosen: str) -> str:
        """Removes the class that is shown."""
        session.remove_class(_one(chosen))
        return f"Removed {chosen}."

    @changes
    def remove(
        self, session: Session, chosen: str, selected: int | None
    ) -> tuple[str, str]:
        """Removes the selected picture or text."""
        session.remove([_selected(session, selected)])
        return f"Removed the {session.kind.noun}.", chosen

    @changes
    def move(
        self, session: Session, chosen: str, selected: int | None, target: str
    ) -> tuple[str, str]:
        """Moves the selected picture or text to another class."""
        session.move([_selected(session, selected)], _other(target))
        return f"Moved the {session.kind.noun} to {target}.", chosen

    @changes
    def use(self, session: Session, name: str) -> str:
        """Changes the learner."""
        if name != session.embedder.name:
            session.use(self._embedder(name))
        return f"The learner is {name}."

    @changes
    def open(self, session: Session, path: str) -> str:
        """Opens a classifier that was uploaded."""
        name = pathlib.Path(path).name
        session.open(open_classifier(path), f"that of {name}")
        return f"Opened {name}: {len(session.class_names)} classes."

    def select(
        self, session: Session, chosen: str, event: gr.SelectData
    ) -> tuple[int, str]:
        """Selects a picture."""
        example = views.shown_examples(session, chosen)[event.index]
        return self.select_text(session, example.id)

    def select_text(self, session: Session, id: int) -> tuple[int, str]:
        """Selects a text by its id."""
        return id, views.selected(session, id)

    def look(self, session: Session | None, item: Any) -> dict[str, float] | str:
        """Answers to a frame or a text, or by a sentence if there is no answer."""
        is_blank = isinstance(item, str) and not item.strip()
        if session is None or item is None or is_blank:
            return ""
        try:
            return session.predict(item).probabilities
        except ValueError as error:
            return str(error)

    def look_at_file(self, session: Session, path: str) -> tuple[None, Any, Any]:
        """Answers to an uploaded picture, which is shown; the next one may be given."""
        contents = pathlib.Path(path).read_bytes()
        answer = self.look(session, contents)
        try:
            shown = thumbnail(contents, SHOWN_SIDE)
        except ValueError:  # it is no picture, as the answer says
            return None, gr.update(value=None, visible=False), answer
        return None, gr.update(value=shown, visible=True), answer

    def download(self, session: Session, name: str) -> tuple[Any, str]:
        """Writes a file to download."""
        try:
            path = download(session, name)
        except MISTAKES as error:
            return gr.skip(), told(error)
        size = path.stat().st_size / 2**20
        message = views.status(f"{path.name} is ready ({size:.1f} MB).")
        return gr.update(value=str(path), visible=True), message

    def _embedder(self, name):
        if self._first is not None and name == self._first.name:
            return self._first
        return self._learners[name]


def _one(chosen):
    if not chosen:
        raise ValueError("Choose a class first.")
    return chosen


def _other(target):
    if not target:
        raise ValueError("Choose the other class first.")
    return target


def _selected(session, selected):
    if selected is None:
        raise ValueError(f"Select a {session.kind.noun} first.")
    return selected
