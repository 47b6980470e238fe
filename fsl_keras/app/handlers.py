"""What the page calls: functions from the values of components to new ones."""

import functools
import html
import pathlib
from collections.abc import Callable
from typing import Any

import gradio as gr

from fsl_keras.app import views
from fsl_keras.app.downloads import download
from fsl_keras.app.learners import Embedder, Learners
from fsl_keras.app.opening import open_classifier
from fsl_keras.app.pictures import thumbnail
from fsl_keras.app.session import Session
from fsl_keras.app.uploads import Limits, read_uploads
from fsl_keras.typing import Model

# The side in pixels of the picture that is shown.
SHOWN_SIDE = 320
# What a person can do wrong; other errors are faults of the program.
MISTAKES = (ValueError, OSError, ImportError)


def changes(function: Callable) -> Callable:
    """Returns a handler that changes a session and shows it.

    A mistake is told, and all else stays as it is: Gradio would cover each component
    with the word "Error".

    Args:
        function: method from a session and further values to a message, or to a pair of
            a message and the class whose pictures are shown then.
    """

    @functools.wraps(function)
    def call(self, session, *args):
        session = session or self.new_session()
        try:
            message = function(self, session, *args)
        except MISTAKES as error:
            # The learner may be one that could not be chosen.
            learner = gr.update(value=session.embedder.name)
            rest = [gr.skip()] * 8
            return [session, session.class_names, told(error), *rest, learner]
        chosen = views.ALL
        if isinstance(message, tuple):
            message, chosen = message
        return self.view(session, message, chosen)

    return call


def told(error: Exception) -> str:
    """Shows the message of an error for a while, and returns it as a status."""
    # The page shows messages as HTML.
    gr.Warning(html.escape(str(error), quote=False), title="That did not work")
    return views.status(str(error))


def for_programs(function: Callable) -> Callable:
    """Returns a handler whose errors reach a program with their messages."""

    @functools.wraps(function)
    def call(*args):
        try:
            return function(*args)
        except MISTAKES as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call


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
        self._limits = limits or Limits()
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

    def new_session(self) -> Session:
        """Returns the session of a person who has just come."""
        embedder = self._embedder(self.learner_names[0])
        return Session(embedder, self._limits, self._classifier)

    def forget(self, session: Session | None) -> None:
        """Removes the files of a session that has ended."""
        if session is not None:
            session.close()

    def view(
        self, session: Session, message: str | None, chosen: str = views.ALL
    ) -> list:
        """Returns the values of all components that show a session."""
        if chosen not in session.class_names:
            chosen = views.ALL
        learner = session.embedder.name
        return [
            session,
            session.class_names,
            gr.skip() if message is None else views.status(message),
            gr.update(interactive=session.can_undo),
            gr.update(choices=views.class_choices(session, True), value=chosen),
            gr.update(choices=views.class_choices(session), value=None),
            gr.update(value=views.gallery(session, chosen), selected_index=None),
            views.gallery_note(session, chosen),
            None,
            views.accuracy(session),
            views.confusion_picture(session),
            gr.update(
                choices=list(dict.fromkeys([learner, *self.learner_names])),
                value=learner,
            ),
        ]

    @changes
    def begin(self, session: Session) -> str:
        """Shows the session when the page is loaded."""
        if session.class_names:
            return f"Opened {len(session.class_names)} classes."
        return "Name a class, and give a few pictures of it."

    @changes
    def teach(
        self, session: Session, name: str, files: list | None, folder: list | None
    ) -> Any:
        """Teaches uploaded pictures."""
        uploads, skipped = read_uploads(
            [*(files or ()), *(folder or ())], session.limits
        )
        return str(session.teach(name, uploads, skipped)), name.strip()

    @changes
    def correct(self, session: Session, name: str) -> str:
        """Teaches the picture that is shown."""
        session.correct(name)
        return f"Learned what is shown as {name.strip()}."

    @changes
    def undo(self, session: Session) -> str:
        """Takes the last change back."""
        session.undo()
        return "Undone."

    @changes
    def choose(self, session: Session, chosen: str) -> tuple[None, str]:
        """Shows the pictures of a class, and no message."""
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
        """Removes the selected picture."""
        session.remove([_selected(selected)])
        return "Removed the picture.", chosen

    @changes
    def move(
        self, session: Session, chosen: str, selected: int | None, target: str
    ) -> tuple[str, str]:
        """Moves the selected picture to another class."""
        session.move([_selected(selected)], _other(target))
        return f"Moved the picture to {target}.", chosen

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
        remark = session.fitted.remarks().get(example.id)
        line = f"{example.name}, of {example.class_name}"
        return example.id, views.status(f"{line}: {remark}" if remark else line)

    def look(self, session: Session | None, frame: Any) -> dict[str, float] | str:
        """Answers to a frame of the camera, or by a text if there is no answer."""
        if session is None or frame is None:
            return ""
        try:
            return session.predict(frame).probabilities
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

    @for_programs
    def predict(self, session: Session | None, image: str) -> tuple[Session, Any]:
        """Answers to a program."""
        session = session or self.new_session()
        return session, session.predict(pathlib.Path(image).read_bytes()).probabilities

    @for_programs
    def teach_by_program(
        self, session: Session | None, class_name: str, files: list
    ) -> tuple[Session, dict]:
        """Teaches pictures that a program gives."""
        session = session or self.new_session()
        uploads, skipped = read_uploads(files or (), session.limits)
        message = str(session.teach(class_name, uploads, skipped))
        return session, views.summary(session, message)

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


def _selected(selected):
    if selected is None:
        raise ValueError("Select a picture first.")
    return selected
