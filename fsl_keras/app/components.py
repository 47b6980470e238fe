"""The components of the page and their places."""

import threading

import gradio as gr

from fsl_keras.app import views
from fsl_keras.app.downloads import FORMATS
from fsl_keras.app.kinds import KINDS
from fsl_keras.app.picture_parts import PictureParts
from fsl_keras.app.session import Session
from fsl_keras.app.text_parts import TextParts
from fsl_keras.app.uploads import Limits

TITLE = "Teach a classifier"
# A session is forgotten this many seconds after its last change.
SESSION_LIFE = 24 * 3600
# Its files are removed this many seconds later: an event of a page that was closed may
# still be running, and shows them at its end.
FILES_LIFE = 60
# The number of classes whose probabilities are shown, the most probable ones.
MOST_ANSWERS = 20


# Not a method of an object that holds learners: Gradio copies what the components hold,
# for each person who opens the page.
def close_later(session: Session | None) -> None:
    """Removes the files of a session that has ended, after a while."""
    if session is not None:
        timer = threading.Timer(FILES_LIFE, session.close)
        timer.daemon = True  # the end of the program removes them, too
        timer.start()


class Components:
    """The components of the page, made in the order in which they are seen.

    Args:
        learner_names: list of strings, the learners that are offered.
        item_kind: string, what the page begins with: `"image"` or `"text"`.
        limits: `Limits`.
    """

    def __init__(
        self,
        learner_names: list[str],
        item_kind: str,
        limits: Limits,
    ):
        self._learner_names, self._item_kind = learner_names, item_kind
        self.pictures = PictureParts(item_kind == "image")
        self.texts = TextParts(item_kind == "text", limits.characters)
        self.session = gr.State(
            None, time_to_live=SESSION_LIFE, delete_callback=close_later
        )
        self.class_names = gr.State([])
        with gr.Row(elem_id="top"):
            gr.HTML(f"<h1>{TITLE}</h1>", padding=False)
            self.undo = gr.Button(
                "Undo", interactive=False, size="sm", elem_id="undo", min_width=90
            )
        self.status = gr.HTML(
            views.status("Loading…"),
            elem_id="status",
        )
        with gr.Row(equal_height=False):
            with gr.Column(min_width=340):
                self._teaching()
            with gr.Column(min_width=340):
                self._trying()
        self._looking()
        with gr.Row(equal_height=False):
            with gr.Column(min_width=340):
                self._estimates()
            with gr.Column(min_width=340):
                self._files()
        # For programs, and never seen.
        self.names, self.given_texts = gr.JSON(visible=False), gr.JSON(visible=False)
        self.given_text = gr.Textbox(None, visible=False)

    def _teaching(self):
        gr.HTML("<h2>1. Teach</h2>", padding=False)
        self.item_kind = gr.Radio(
            [(f"{kind.noun.capitalize()}s", name) for name, kind in KINDS.items()],
            value=self._item_kind,
            label="What is taught",
            show_label=False,
            container=False,
            interactive=False,
            elem_id="kind",
        )
        self.name = gr.Textbox(
            label="Name of the class",
            max_length=200,
            elem_id="class-name",
            **views.name_hints(self._item_kind),
        )
        self.pictures.teaching()
        self.texts.teaching()
        self.teach = gr.Button(
            "Teach", variant="primary", interactive=False, elem_id="teach"
        )

    def _trying(self):
        gr.HTML("<h2>2. Try</h2>", padding=False)
        self.pictures.trying()
        self.texts.trying()
        self.answer = gr.Label(
            label="Answer",
            num_top_classes=MOST_ANSWERS,
            elem_id="answer",
            show_label=False,
        )
        gr.HTML(
            "<p>A wrong answer? Click the right class, which teaches it.</p>",
            padding=False,
        )

        # Filled with a button for each class.
        self.corrections = gr.Column()
        with gr.Row(elem_classes="bottom"):
            self.right = gr.Textbox(
                label="Or another class",
                placeholder="its name",
                max_length=200,
                scale=3,
                min_width=160,
                elem_id="right-name",
            )
            self.correct = gr.Button(
                "Teach what is shown", size="md", min_width=120, elem_id="correct"
            )

    def _looking(self):
        gr.HTML("<h2>3. Look through the classes</h2>", padding=False)
        with gr.Row(equal_height=False):
            with gr.Column(min_width=240, scale=1):
                self.chosen = gr.Dropdown(
                    label="Class",
                    choices=[("All classes (0)", views.ALL)],
                    value=views.ALL,
                    elem_id="chosen",
                )
                self.new_name = gr.Textbox(
                    label="New name", max_length=200, elem_id="new-name"
                )
                self.rename = gr.Button("Rename", size="sm", elem_id="rename")
                self.target = gr.Dropdown(
                    label="Other class", choices=[], elem_id="target"
                )
                with gr.Row():
                    self.merge = gr.Button(
                        "Merge into it", size="sm", min_width=90, elem_id="merge"
                    )
                    self.move = gr.Button(
                        "Move item", size="sm", min_width=90, elem_id="move"
                    )
                with gr.Row():
                    self.remove_class = gr.Button(
                        "Remove class", size="sm", min_width=90, elem_id="remove-class"
                    )
                    self.remove = gr.Button(
                        "Remove item", size="sm", min_width=90, elem_id="remove"
                    )
            with gr.Column(min_width=320, scale=3):
                self.pictures.looking()
                self.texts.looking()
                self.note = gr.HTML(elem_id="note")
        self.selected = gr.State(None)

    def _estimates(self):
        gr.HTML("<h2>4. How good is it?</h2>", padding=False)
        self.accuracy = gr.HTML(elem_id="accuracy")
        self.confusion = gr.Image(
            label="Confusions",
            show_label=False,
            visible=False,
            interactive=False,
            format="png",
            buttons=[],
            alt_text="Confusion matrix of leave-one-out",
            elem_id="confusion",
        )

    def _files(self):
        gr.HTML("<h2>5. Take it with you</h2>", padding=False)
        with gr.Row(elem_classes="bottom"):
            self.format = gr.Dropdown(
                label="File",
                choices=list(FORMATS[self._item_kind]),
                min_width=180,
                elem_id="format",
            )
            self.download = gr.Button(
                "Make the file", size="md", min_width=110, elem_id="make"
            )
        self.file = gr.File(
            label="Download", visible=False, interactive=False, elem_id="download"
        )
        self.saved = gr.File(
            label="Open a classifier (.keras)",
            file_count="single",
            height=150,
            interactive=False,
            elem_id="saved",
        )
        self.learner = gr.Dropdown(
            label="Learner",
            info="Another one learns the same examples again.",
            choices=self._learner_names,
            value=self._learner_names[0],
            interactive=False,
            elem_id="learner",
        )

    @property
    def waiting(self) -> list:
        """The components that can be used when the page has a session."""
        return [self.item_kind, self.teach, self.saved, self.learner]

    @property
    def view(self) -> list:
        """The components that show a session, in the order of `Handlers.view`."""
        return [
            self.session,
            self.class_names,
            self.status,
            self.learner,
            self.item_kind,
            self.name,
            self.format,
            *self.pictures.groups,
            *self.texts.groups,
            self.undo,
            self.chosen,
            self.target,
            self.pictures.gallery,
            self.texts.list,
            self.note,
            self.selected,
            self.accuracy,
            self.confusion,
            self.answer,
            *self.given,
        ]

    @property
    def given(self) -> list:
        """The components in which examples are given."""
        return [
            self.pictures.files,
            self.pictures.folder,
            self.texts.lines,
            self.texts.files,
        ]
