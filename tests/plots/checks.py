"""What the tests of figures share."""

import io

import numpy as np
from matplotlib.figure import Figure


def draw(figure):
    """Renders the figure, as `savefig` does; warnings are errors here."""
    assert isinstance(figure, Figure)
    figure.savefig(io.BytesIO(), format="png")
    return figure


def texts(figure):
    """Returns what is written in a sheet, in the order of drawing."""
    return [text.get_text() for text in figure.axes[0].texts]


def flat(*values):
    """Returns 1-channel images, each of one value, by which it is known again."""
    return np.array(values, "float32").reshape(-1, 1, 1, 1) * np.ones((1, 4, 4, 1))
