"""Components of the page that are seen while items of one kind are learned."""

import gradio as gr


class Parts:
    """Base of the components that are seen while items of one kind are learned.

    Args:
        visible: bool, whether the page begins with items of this kind.

    Attributes:
        groups: list of layouts, which are shown and hidden together.
    """

    def __init__(self, visible: bool):
        self._visible = visible
        self.groups: list[gr.Column] = []

    def _group(self):
        group = gr.Column(visible=self._visible)
        self.groups.append(group)
        return group
