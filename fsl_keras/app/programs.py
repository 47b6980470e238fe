"""What programs call: functions whose errors reach them."""

import functools
import pathlib
from collections.abc import Callable
from typing import Any

import gradio as gr

from fsl_keras.app import views
from fsl_keras.app.handlers import MISTAKES, Handlers
from fsl_keras.app.session import Session
from fsl_keras.app.text_uploads import read_texts
from fsl_keras.app.uploads import read_uploads


def for_programs(function: Callable) -> Callable:
    """Returns a handler whose errors reach a program with their messages."""

    @functools.wraps(function)
    def call(*args):
        try:
            return function(*args)
        except MISTAKES as error:
            raise gr.Error(str(error), print_exception=False) from error

    return call


class Programs:
    """The endpoints for programs.

    Args:
        handlers: `Handlers` of the page.
    """

    def __init__(self, handlers: Handlers):
        self._handlers = handlers

    @for_programs
    def predict(
        self,
        session: Session | None,
        image: str | None = None,
        text: str | None = None,
    ) -> tuple[Session, Any]:
        """Answers to a picture or a text."""
        session = session or self._handlers.new_session()
        if (image is None) == (text is None):
            raise ValueError("Give an image or a text, and not both.")
        item: Any = text if image is None else pathlib.Path(image).read_bytes()
        return session, session.predict(item).probabilities

    @for_programs
    def teach(
        self,
        session: Session | None,
        class_name: str,
        files: list | None = None,
        texts: Any = None,
    ) -> tuple[Session, dict]:
        """Teaches pictures or texts. With texts, a new session learns texts."""
        session = session or self._handlers.new_session()
        if texts is not None:
            if not isinstance(texts, list):
                raise ValueError(
                    f"`texts` must be a list of strings. Received: "
                    f"{type(texts).__name__}"
                )
            self._handlers.turn(session, "text")
        if session.item_kind == "text":
            given = read_texts(texts or (), files or (), session.limits)
        else:
            given = read_uploads(files or (), session.limits)
        message = str(session.teach(class_name, *given))
        return session, views.summary(session, message)
