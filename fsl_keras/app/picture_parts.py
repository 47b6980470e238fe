"""The components for pictures."""

import gradio as gr

from fsl_keras.app.parts import Parts
from fsl_keras.images import IMAGE_SUFFIXES


class PictureParts(Parts):
    """Where pictures are taught, shown and looked through."""

    def teaching(self) -> None:
        """Makes the components to teach."""
        with self._group(), gr.Tabs():
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

    def trying(self) -> None:
        """Makes the components to try."""
        with self._group(), gr.Tabs():
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
                gr.HTML(
                    '<p id="camera-note" role="status">“Record” starts the camera. '
                    "Without one, use “Picture”.</p>",
                    padding=False,
                )
            with gr.Tab("Picture"):
                self.picture = gr.File(
                    label="Picture",
                    show_label=False,
                    file_count="single",
                    file_types=[*IMAGE_SUFFIXES],
                    height=130,
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

    def looking(self) -> None:
        """Makes the list of pictures."""
        with self._group():
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
