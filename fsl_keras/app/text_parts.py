"""The components for texts."""

import gradio as gr

from fsl_keras.app.parts import Parts
from fsl_keras.app.text_uploads import TEXT_SUFFIXES


class TextParts(Parts):
    """Where texts are taught, tried and looked through.

    Args:
        visible: bool, whether the page begins with texts.
        characters: integer, the maximum number of characters of a text.
    """

    def __init__(self, visible: bool, characters: int):
        super().__init__(visible)
        self._characters = characters

    def teaching(self) -> None:
        """Makes the components to teach."""
        with self._group(), gr.Tabs():
            with gr.Tab("Texts"):
                self.lines = gr.Textbox(
                    label="Texts of the class",
                    info="One in each line.",
                    lines=6,
                    max_lines=6,
                    elem_id="lines",
                )
            with gr.Tab("A file"):
                self.files = gr.File(
                    label="A table, or a file with a text in each line",
                    show_label=False,
                    file_count="multiple",
                    file_types=[*TEXT_SUFFIXES],
                    height=150,
                    elem_id="text-files",
                )

    def trying(self) -> None:
        """Makes the component to try."""
        with self._group():
            self.text = gr.Textbox(
                label="Text to try",
                placeholder="Type or paste a text",
                lines=3,
                max_lines=6,
                max_length=self._characters,
                elem_id="text",
            )

    def looking(self) -> None:
        """Makes the list of texts."""
        with self._group():
            self.list = gr.Radio(
                label="Texts", show_label=False, choices=[], elem_id="texts"
            )
