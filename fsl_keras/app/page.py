"""The page: which components call which function."""

from typing import Any

import gradio as gr

from fsl_keras.app.components import TITLE, Components
from fsl_keras.app.handlers import Handlers
from fsl_keras.app.programs import Programs
from fsl_keras.app.script import CAMERA
from fsl_keras.app.style import CSS

# Seconds between two frames of the camera, and after which its stream ends.
FRAME_EVERY, STREAM_LIMIT = 0.25, 24 * 3600
# The number of classes with a button. The names of the others are entered.
MOST_BUTTONS = 50
# Seconds between two looks for temporary files, and the age of those removed.
DELETE_CACHE = (600, 3600)


def build(handlers: Handlers) -> gr.Blocks:
    """Returns the page.

    Args:
        handlers: `Handlers`, what the components call.
    """
    with gr.Blocks(
        title=TITLE, analytics_enabled=False, delete_cache=DELETE_CACHE
    ) as page:
        components = Components(
            handlers.learner_names,
            handlers.item_kind,
            handlers.limits,
        )
        _Wiring(handlers, components).wire(page)
    return page


def look() -> dict[str, Any]:
    """Returns theme, stylesheet and script, arguments of `Blocks.launch`."""
    fonts = ["system-ui", "sans-serif"]
    return {
        "theme": gr.themes.Base(font=fonts, font_mono=["ui-monospace", "monospace"]),
        "css": CSS,
        "js": CAMERA,
    }


class _Wiring:
    """Connects components to handlers."""

    def __init__(self, handlers, components):
        self.call, self.parts = handlers, components

    def _changes(self, event, function, inputs, **options):
        """Lets an event call a function that changes the session."""
        return event(
            function,
            [self.parts.session, *inputs],
            self.parts.view,
            api_visibility="private",
            **options,
        )

    def _corrections(self):
        """Makes buttons for the first classes, which teach what is shown."""
        names = self.parts.class_names

        @gr.render(inputs=[names], triggers=[names.change])
        def buttons(class_names):
            with gr.Row(elem_id="corrections"):
                for class_name in class_names[:MOST_BUTTONS]:
                    self._correction(class_name)

    def _correction(self, class_name):
        button = gr.Button(class_name, size="sm", min_width=60)
        self._changes(
            button.click,
            lambda session, text: self.call.correct(session, class_name, text),
            [self.parts.texts.text],
        )

    def wire(self, page):
        """Connects the components to the handlers."""
        call, changes, parts = self.call, self._changes, self.parts
        # First, as names are given in the order of events.
        self._for_programs(Programs(call))
        begun = changes(page.load, call.begin, [], show_progress="hidden")
        # A change made before would be one of another session, and lost.
        begun.then(
            lambda: [gr.update(interactive=True)] * len(parts.waiting),
            None,
            parts.waiting,
            api_visibility="private",
            show_progress="hidden",
        )
        changes(parts.item_kind.input, call.choose_kind, [parts.item_kind])
        changes(parts.teach.click, call.teach, [parts.name, *parts.given])
        for event in (parts.correct.click, parts.right.submit):
            changes(event, call.correct, [parts.right, parts.texts.text])
        changes(parts.undo.click, call.undo, [])
        for event in (parts.rename.click, parts.new_name.submit):
            changes(event, call.rename, [parts.chosen, parts.new_name])
        changes(parts.merge.click, call.merge, [parts.chosen, parts.target])
        changes(parts.remove_class.click, call.remove_class, [parts.chosen])
        changes(parts.remove.click, call.remove, [parts.chosen, parts.selected])
        changes(
            parts.move.click, call.move, [parts.chosen, parts.selected, parts.target]
        )
        # Not `input`, which Gradio fires too when an unchanged list is left: a click on
        # a button next to it would be lost.
        changes(
            parts.chosen.select, call.choose, [parts.chosen], show_progress="hidden"
        )
        changes(parts.learner.select, call.use, [parts.learner])
        changes(parts.saved.upload, call.open, [parts.saved])
        parts.pictures.gallery.select(
            call.select,
            [parts.session, parts.chosen],
            [parts.selected, parts.status],
            api_visibility="private",
            show_progress="hidden",
        )
        parts.pictures.camera.stream(
            call.look,
            [parts.session, parts.pictures.camera],
            [parts.answer],
            stream_every=FRAME_EVERY,
            time_limit=STREAM_LIMIT,
            concurrency_limit=None,
            show_progress="hidden",
            api_visibility="private",
        )
        parts.pictures.picture.upload(
            call.look_at_file,
            [parts.session, parts.pictures.picture],
            [parts.pictures.picture, parts.pictures.shown, parts.answer],
            show_progress="minimal",
            api_visibility="private",
        )
        parts.texts.list.input(
            call.select_text,
            [parts.session, parts.texts.list],
            [parts.selected, parts.status],
            api_visibility="private",
            show_progress="hidden",
        )
        # Not `input`, which Gradio fires for keys, and not for a mouse that pastes.
        parts.texts.text.change(
            call.look,
            [parts.session, parts.texts.text],
            [parts.answer],
            concurrency_limit=None,
            show_progress="hidden",
            api_visibility="private",
        )
        parts.download.click(
            call.download,
            [parts.session, parts.format],
            [parts.file, parts.status],
            api_visibility="private",
        )
        with parts.corrections:
            self._corrections()

    def _for_programs(self, programs):
        """The endpoints that programs call; they are not seen."""
        parts = self.parts
        predict, teach = gr.Button(visible=False), gr.Button(visible=False)
        predict.click(
            programs.predict,
            [parts.session, parts.pictures.picture, parts.given_text],
            [parts.session, parts.answer],
            api_name="predict",
            api_description="Predicts the class of a picture or of a text.",
        )
        teach.click(
            programs.teach,
            [parts.session, parts.name, parts.pictures.files, parts.given_texts],
            [parts.session, parts.names],
            api_name="teach",
            api_description="Adds pictures, ZIP files of them, or texts to a class.",
        )
