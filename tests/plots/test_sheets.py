"""Sheets show every example in its place, and say what they cannot draw."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fsl_keras import plots
from tests.plots.checks import draw, flat, texts


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def pictures(figure):
    """Returns the drawn images with the row and column each stands in."""
    images = figure.axes[0].images
    lefts = sorted({round(image.get_extent()[0], 3) for image in images})
    tops = sorted({round(image.get_extent()[3], 3) for image in images})
    return [
        (
            tops.index(round(image.get_extent()[3], 3)),
            lefts.index(round(image.get_extent()[0], 3)),
            np.asarray(image.get_array()),
        )
        for image in images
    ]


class TestFewShotClasses:
    def test_a_row_a_class_and_examples_in_order(self):
        images = flat(0.1, 0.2, 0.3, 0.4)
        figure = draw(plots.few_shot_classes(images, [7, 2, 7, 2]))
        assert texts(figure) == ["class 2", "class 7"]
        places = [(row, column, image[0, 0]) for row, column, image in pictures(figure)]
        expected = [(1, 0, 0.1), (0, 0, 0.2), (1, 1, 0.3), (0, 1, 0.4)]
        np.testing.assert_allclose(places, expected, rtol=1e-6)

    def test_ink_is_dark_on_white(self):
        (image,) = plots.few_shot_classes(flat(1.0), [0]).axes[0].images
        assert to_hex(image.to_rgba(1.0)) == "#000000"
        assert to_hex(image.to_rgba(0.0)) == "#ffffff"

    def test_bytes_and_floats_give_the_same_picture(self, rng):
        images = rng.integers(0, 256, (3, 5, 4, 3), "uint8")
        of_bytes = pictures(plots.few_shot_classes(images, [0, 0, 1]))
        of_floats = pictures(plots.few_shot_classes(images / 255, [0, 0, 1]))
        for (*place, image), (*other_place, other) in zip(
            of_bytes, of_floats, strict=True
        ):
            assert place == other_place
            np.testing.assert_allclose(image, other, atol=1e-6)

    def test_columns_limit_the_examples_of_each_class(self):
        figure = plots.few_shot_classes(flat(*np.zeros(30)), np.arange(30) % 2)
        assert len(pictures(figure)) == 2 * 10
        figure = plots.few_shot_classes(
            flat(*np.zeros(30)), np.arange(30) % 2, columns=3
        )
        assert len(pictures(figure)) == 2 * 3

    def test_pictures_keep_their_aspect(self):
        figure = plots.few_shot_classes(np.zeros((1, 20, 40, 3)), [0])
        left, right, bottom, top = figure.axes[0].images[0].get_extent()
        assert (right - left) / (bottom - top) == pytest.approx(2)


class TestEpisode:
    support = flat(0.1, 0.2)
    query = flat(0.5, 0.6, 0.7)
    probabilities = np.array([[0.1, 0.9], [0.25, 0.75], [0.6, 0.4]])

    def test_queries_stand_in_the_row_of_their_class(self):
        figure = draw(plots.episode(self.support, [0, 1], self.query, [1, 0, 1]))
        places = [(row, column, image[0, 0]) for row, column, image in pictures(figure)]
        expected = [(0, 0, 0.1), (1, 0, 0.2), (1, 1, 0.5), (0, 1, 0.6), (1, 2, 0.7)]
        np.testing.assert_allclose(places, expected, rtol=1e-6)

    def test_titles_tell_prediction_probability_and_right_or_wrong(self):
        figure = draw(
            plots.episode(
                self.support,
                [0, 1],
                self.query,
                [1, 0, 0],
                self.probabilities,
                ["heron", "egret"],
            )
        )
        titles = figure.axes[0].texts[-4:]
        assert [title.get_text() for title in titles if "0." in title.get_text()] == [
            "✓ egret 0.90",
            "✗ egret 0.75",
            "✓ heron 0.60",
        ]
        right, wrong, again = (t.get_color() for t in titles if "0." in t.get_text())
        assert right == again != wrong

    def test_without_query_labels_nothing_is_called_right_or_wrong(self):
        figure = draw(
            plots.episode(
                self.support, [0, 1], self.query, probabilities=self.probabilities
            )
        )
        assert "class 1 0.90" in texts(figure)
        assert not {"✓", "✗"} & set("".join(texts(figure)))

    def test_one_hot_labels_with_padding(self):
        one_hot = [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
        figure = draw(plots.episode(flat(0.1, 0.9, 0.2), one_hot, self.query))
        assert texts(figure)[:2] == ["class 0", "class 2"]
        drawn = [image[0, 0] for _, _, image in pictures(figure)]
        np.testing.assert_allclose(drawn, [0.1, 0.2, 0.5, 0.6, 0.7], rtol=1e-6)

    def test_padded_queries_are_not_drawn(self):
        figure = plots.episode(self.support, [0, 1], self.query, [0, -1, 1])
        assert len(pictures(figure)) == 2 + 2

    def test_max_queries_spreads_over_the_classes(self):
        labels = np.repeat([0, 1], 15)
        figure = plots.episode(
            self.support, [0, 1], flat(*np.linspace(0, 1, 30)), labels, max_queries=6
        )
        rows = [row for row, column, _ in pictures(figure) if column > 0]
        assert rows == [0, 0, 0, 1, 1, 1]


class TestErrors:
    @pytest.mark.parametrize(
        ("images", "message"),
        [
            (np.zeros((1, 2, 4, 4, 1)), r"`images\[0\]`"),
            (np.zeros((2, 4, 4)), r"`images\[..., None\]`"),
            (np.full((2, 4, 4, 1), 255.0), "to 255. Scale them"),
            (np.full((2, 4, 4, 1), np.nan), "from nan to nan"),
            (np.zeros((0, 4, 4, 1)), r"shape \(0, 4, 4, 1\)"),
        ],
    )
    def test_images(self, images, message):
        with pytest.raises(ValueError, match=message):
            plots.few_shot_classes(images, [0, 1])

    @pytest.mark.parametrize("shape", [(2, 2), (3, 1), (3,)])
    def test_probabilities(self, shape):
        with pytest.raises(ValueError, match=r"must be \[3, N\].* at least 2 classes"):
            plots.episode(
                flat(0, 1), [0, 1], flat(0, 1, 0), probabilities=np.zeros(shape)
            )
