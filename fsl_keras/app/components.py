"""The components of the page and their places."""

from collections.abc import Callable

import gradio as gr

from fsl_keras.app import views
from fsl_keras.app.downloads import FORMATS
from fsl_keras.app.session import Session
from fsl_keras.images import IMAGE_SUFFIXES

TITLE = "Teach a classifier"
# A session is forgotten this many seconds after its last change.
SESSION_LIFE = 24 * 3600


class Components:
    """The components of the page, made in the order in which they are seen.

    Args:
        learner_names: list of strings, the learners that are offered.
        forget: function that is called with a session that has ended.
    """

    def __init__(
        self, learner_names: list[str], forget: Callable[[Session | None], None]
    ):
        self._learner_names = learner_names
        self.session = gr.State(None, time_to_live=SESSION_LIFE, delete_callback=forget)
        self.class_names = gr.State([])
        with gr.Row(elem_id="top"):
            gr.HTML(f"<h1>{TITLE}</h1>", padding=False)
            self.undo = gr.Button(
                "Undo", interactive=False, size="sm", elem_id="undo", min_width=90
            )
        self.status = gr.HTML(
            views.status("Name a class, and give a few pictures of it."),
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
        self.names = gr.JSON(visible=False)

    def _teaching(self):
        gr.HTML("<h2>1. Teach</h2>", padding=False)
        self.name = gr.Textbox(
            label="Name of the class",
            info="Empty for a ZIP file with a folder for each class.",
            placeholder="such as cup",
            max_length=200,
            elem_id="class-name",
        )
        with gr.Tabs():
            with gr.Tab("Pictures or a ZIP file"):
                self.files = gr.File(
                    label="Pictures",
                    show_label=False,
                    file_count="multiple",
                    file_types=[*IMAGE_SUFFIXES, ".zip"],
                    height=150,
                    elem_id="files",
                )
            with gr.Tab("A folder"):
                self.folder = gr.File(
                    label="Folder",
                    show_label=False,
                    file_count="directory",
                    height=150,
                    elem_id="folder",
                )
        self.teach = gr.Button("Teach", variant="primary", elem_id="teach")

    def _trying(self):
        gr.HTML("<h2>2. Try</h2>", padding=False)
        with gr.Tabs():
            with gr.Tab("Camera"):
                self.camera = gr.Image(
                    label="Camera",
                    show_label=False,
                    sources=["webcam"],
                    streaming=True,
                    type="numpy",
                    format="jpeg",
                    height=240,
                    buttons=[],
                    webcam_options=gr.WebcamOptions(mirror=False),
                    elem_id="camera",
                )
            with gr.Tab("Picture"):
                self.picture = gr.File(
                    label="Picture",
                    show_label=False,
                    file_count="single",
                    file_types=[*IMAGE_SUFFIXES],
                    height=110,
                    elem_id="picture",
                )
                self.shown = gr.Image(
                    label="What is shown",
                    show_label=False,
                    visible=False,
                    interactive=False,
                    format="jpeg",
                    height=200,
                    buttons=[],
                    alt_text="The picture that is predicted",
                    elem_id="shown",
                )
        self.answer = gr.Label(label="Answer", elem_id="answer", show_label=False)
        gr.HTML(
            "<p>“Record” starts the camera. Without one, use “Picture”. A wrong "
            "answer? Click the right class, which teaches it.</p>",
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
                        "Move picture", size="sm", min_width=90, elem_id="move"
                    )
                with gr.Row():
                    self.remove_class = gr.Button(
                        "Remove class", size="sm", min_width=90, elem_id="remove-class"
                    )
                    self.remove = gr.Button(
                        "Remove picture", size="sm", min_width=90, elem_id="remove"
                    )
            with gr.Column(min_width=320, scale=3):
                self.gallery = gr.Gallery(
                    label="Pictures",
                    show_label=False,
                    columns=6,
                    height=330,
                    object_fit="cover",
                    allow_preview=False,
                    interactive=False,
                    buttons=[],
                    elem_id="gallery",
                )
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
                label="File", choices=list(FORMATS), min_width=180, elem_id="format"
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
            height=140,
            elem_id="saved",
        )
        self.learner = gr.Dropdown(
            label="Learner",
            info="Another one learns the same pictures again.",
            choices=self._learner_names,
            value=self._learner_names[0],
            elem_id="learner",
        )

    @property
    def view(self) -> list:
        """The components that show a session, in the order of `Handlers.view`."""
        return [
            self.session,
            self.class_names,
            self.status,
            self.undo,
            self.chosen,
            self.target,
            self.gallery,
            self.note,
            self.selected,
            self.accuracy,
            self.confusion,
            self.learner,
        ]
