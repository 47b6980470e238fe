"""Classes have numbers and names, and names are drawn as they are written."""

import matplotlib
import numpy as np
import pytest

from fsl_keras import plots
from fsl_keras.plots import text
from tests.plots.checks import draw, flat, texts


class TestClassIds:
    @pytest.mark.parametrize(
        "labels", [[2, -1, 0], [[0, 0, 1], [0, 0, 0], [1, 0, 0]], np.int8([2, -1, 0])]
    )
    def test_numbers_and_one_hot_rows_say_the_same(self, labels):
        np.testing.assert_array_equal(text.class_ids(labels, 3, "labels"), [2, -1, 0])

    @pytest.mark.parametrize(
        "labels", [[0], [0, 1, 1], ["heron", "egret"], [-1, -1], [0.0, 1.0]]
    )
    def test_what_is_no_label_is_refused_by_name(self, labels):
        with pytest.raises(ValueError, match=r"`labels` must be integers \[2\]"):
            text.class_ids(labels, 2, "labels")


class TestNamesOf:
    def test_a_class_without_a_name_is_called_by_its_number(self):
        assert text.names_of([0, 3], None) == ["class 0", "class 3"]

    def test_long_names_keep_both_ends(self):
        (name,) = text.names_of([0], ["Alphabet_of_the_Magi/character07"])
        assert name == "Alphabet_of_th…i/character07"
        assert len(name) == 28

    def test_a_name_stays_on_one_line(self):
        assert text.names_of([0], ["great\n  white\tegret"]) == ["great white egret"]

    def test_every_class_must_have_a_name(self):
        with pytest.raises(ValueError, match=r"classes 0 to 2\. Received: 2 names"):
            text.names_of([0, 2], ["heron", "egret"])


class TestLetters:
    @pytest.mark.parametrize("name", [r"$\nothing$", "$x", "_private"])
    def test_names_are_not_formulas(self, name):
        assert texts(draw(plots.few_shot_classes(flat(0), [0], [name]))) == [name]
        figure = draw(plots.embeddings(np.eye(3, 4), [0, 0, 0], None, [name]))
        assert [t.get_text() for t in figure.legends[0].get_texts()] == [name]

    def test_symbols_are_there_whatever_the_readers_font(self):
        # cmtt10 has neither mark; Matplotlib warns of a letter that no font has.
        with matplotlib.rc_context({"font.family": "cmtt10"}):
            marked = plots.few_shot_classes(flat(0, 1), [0, 1], ["✓ a", "✗ b"])
            draw(marked)
        assert marked.axes[0].texts[0].get_fontfamily()[0] == "cmtt10"

    def test_long_names_widen_the_figure_and_stay_inside(self):
        short, long = (
            draw(plots.few_shot_classes(flat(0), [0], [letter * 28])) for letter in "iW"
        )
        assert long.get_figwidth() > short.get_figwidth()
        assert long.axes[0].texts[0].get_window_extent().x0 >= 0
