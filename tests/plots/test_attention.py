"""The matrix of attention shows each weight between its query and its example."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from fsl_keras import plots
from fsl_keras.plots.sheets import RIGHT, WRONG
from tests.plots.checks import draw, flat, texts

# Two queries attend to three examples: of class 0, of class 1, of class 0.
WEIGHTS = np.array([[0.5, 0.2, 0.3], [0.1, 0.7, 0.2]])


def matrix(query_labels=None, class_names=None, **changes):
    given = {
        "support": flat(0.1, 0.2, 0.3),
        "support_labels": [0, 1, 0],
        "query": flat(0.8, 0.9),
        "weights": WEIGHTS,
        **changes,
    }
    return draw(
        plots.attention(**given, class_names=class_names, query_labels=query_labels)
    )


def images(figure):
    """Returns the value of each picture drawn, and the weights of each class."""
    drawn = figure.axes[0].images
    pictures = [image for image in drawn if image.get_cmap().name == "gray_r"]
    cells = [image for image in drawn if image not in pictures]
    values = [round(float(image.get_array()[0, 0]), 1) for image in pictures]
    return values, [np.asarray(image.get_array()) for image in cells]


def frames(figure):
    """Returns colour, left edge and row (by top edge) of the frames of answers."""
    patches = [p for p in figure.axes[0].patches if p.get_linewidth() > 1]
    assert all(isinstance(patch, Rectangle) for patch in patches)
    return [(to_hex(p.get_edgecolor()), p.get_x(), p.get_y()) for p in patches]


def test_examples_stand_class_by_class_and_weights_under_them():
    pictures, cells = images(matrix())
    assert pictures == [0.8, 0.9, 0.1, 0.3, 0.2]  # queries, class 0, class 1
    np.testing.assert_allclose(cells[0], WEIGHTS[:, [0, 2]])
    np.testing.assert_allclose(cells[1], WEIGHTS[:, [1]])


def test_every_cell_has_its_number():
    numbers = [text for text in texts(matrix()) if text[0].isdigit()]
    assert numbers == ["0.50", "0.30", "0.10", "0.20", "0.20", "0.70"]


def test_the_greatest_sum_of_a_class_is_the_answer():
    # 0.5 + 0.3 for class 0, and 0.7 for class 1.
    figure = matrix([0, 0], ["heron", "egret"])
    assert texts(figure)[:2] == ["✓ heron", "✗ heron"]
    (right, left, top), (wrong, same_left, lower) = frames(figure)
    assert (right, wrong) == (RIGHT, WRONG)
    assert left == same_left
    assert top < lower


def test_several_examples_outvote_the_one_with_most_attention():
    figure = matrix([0, 0], weights=[[0.3, 0.4, 0.3], [0.1, 0.6, 0.3]])
    assert texts(figure)[:2] == ["✓ class 0", "✗ class 0"]


def test_without_query_labels_nothing_is_called_right_or_wrong():
    figure = matrix()
    assert not frames(figure)
    assert not {"✓", "✗"} & set("".join(texts(figure)))


def test_padding_is_not_drawn():
    one_hot = [[1, 0], [0, 1], [0, 0]]
    pictures, cells = images(matrix([-1, 1], support_labels=one_hot))
    assert pictures == [0.9, 0.1, 0.2]
    np.testing.assert_allclose(np.concatenate(cells, axis=1), WEIGHTS[1:, :2])


def test_a_long_name_widens_its_class():
    short, long = (matrix(class_names=["a", "W" * n]).get_figwidth() for n in (1, 16))
    assert long > short + 1


@pytest.mark.parametrize(
    "weights",
    [WEIGHTS[None], WEIGHTS.T, WEIGHTS * 10, WEIGHTS * np.nan, WEIGHTS - 0.2],
)
def test_weights_that_are_no_shares(weights):
    with pytest.raises(ValueError, match=r"\[0, 1\], of shape \[2, 3\].*`weights\[0"):
        matrix(weights=weights)
