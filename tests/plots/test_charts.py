"""Charts show the numbers they were given, and say what they cannot draw."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from fsl_keras import plots
from tests.plots.checks import draw


@pytest.fixture
def rng():
    return np.random.default_rng(0)


class TestEmbeddings:
    def points(self, figure):
        """Returns the points of each class, and of the prototypes after them."""
        return [np.asarray(dots.get_offsets()) for dots in figure.axes[0].collections]

    def test_a_prototype_is_the_mean_of_its_examples(self, rng):
        embeddings, labels = rng.normal(size=(30, 8)), np.arange(30) % 3
        prototypes = np.stack([embeddings[labels == i].mean(axis=0) for i in range(3)])
        figure = draw(plots.embeddings(embeddings, labels, prototypes))
        *classes, stars = self.points(figure)
        means = [points.mean(axis=0) for points in classes]
        np.testing.assert_allclose(stars, means, atol=1e-12)

    def test_principal_components_keep_a_plane_as_it_is(self, rng):
        plane, _ = np.linalg.qr(rng.normal(size=(6, 2)))
        embeddings = rng.normal(size=(12, 2)) @ plane.T
        figure = plots.embeddings(embeddings, np.zeros(12, int))
        (drawn,) = self.points(figure)
        between = np.linalg.norm(embeddings[:, None] - embeddings[None], axis=-1)
        np.testing.assert_allclose(
            np.linalg.norm(drawn[:, None] - drawn[None], axis=-1), between, atol=1e-9
        )
        assert "100% of the variance" in figure.axes[0].get_title("left")

    def test_explained_variance_by_hand(self):
        # Variances 8, 2 and 0 along three axes: 80% and 20%.
        embeddings = [[2, 0, 5], [-2, 0, 5], [0, 1, 5], [0, -1, 5]]
        figure = plots.embeddings(embeddings, [0, 0, 1, 1])
        assert figure.axes[0].get_xlabel() == "component 1 (80%)"
        assert figure.axes[0].get_ylabel() == "component 2 (20%)"

    def test_two_dimensions_are_not_projected(self, rng):
        embeddings = rng.normal(size=(6, 2))
        figure = draw(plots.embeddings(embeddings, np.zeros(6, int)))
        np.testing.assert_allclose(self.points(figure)[0], embeddings)

    def test_twenty_classes_look_different(self, rng):
        embeddings, labels = rng.normal(size=(40, 8)), np.arange(40) % 20
        figure = draw(plots.embeddings(embeddings, labels))
        looks = {
            (to_hex(dots.get_facecolor()[0]), dots.get_paths()[0].vertices.tobytes())
            for dots in figure.axes[0].collections
        }
        assert len(looks) == 20

    def test_equal_points_have_no_variance_to_explain(self):
        figure = draw(plots.embeddings(np.ones((3, 4)), [0, 1, 2]))
        assert figure.axes[0].get_xlabel() == "component 1 (0%)"


class TestTrainingCurves:
    history = {
        "loss": [2.0, 1.0, 0.5, 0.4],
        "accuracy": [0.2, 0.5, 0.7, 0.8],
        "val_loss": [2.1, 1.2, 0.8, 0.9],
        "val_accuracy": [0.3, 0.4, 0.6, 0.5],
        "val_accuracy_ci95": [0.1, 0.05, 0.02, 0.01],
    }

    def test_curves_are_the_numbers(self):
        loss, accuracy = draw(plots.training_curves(self.history)).axes
        for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
            for line, key in zip(axes.lines, (name, f"val_{name}"), strict=True):
                np.testing.assert_array_equal(line.get_xdata(), [1, 2, 3, 4])
                np.testing.assert_array_equal(line.get_ydata(), self.history[key])

    def test_the_band_is_the_interval(self):
        _, accuracy = draw(plots.training_curves(self.history)).axes
        (band,) = accuracy.collections
        edges = band.get_paths()[0].vertices
        at_2 = edges[edges[:, 0] == 2, 1]
        assert (at_2.min(), at_2.max()) == pytest.approx((0.35, 0.45))

    def test_missing_keys_leave_out_their_panel(self):
        (axes,) = draw(plots.training_curves({"val_accuracy": [0.3]})).axes
        assert axes.get_ylabel() == "accuracy"
        (axes,) = draw(plots.training_curves({"loss": [np.nan, np.nan]})).axes
        assert axes.get_ylabel() == "loss"

    def test_validation_every_few_epochs(self):
        history = {"loss": [5.0, 4.0, 3.0, 2.0, 1.0], "val_loss": [4.5, 2.5]}
        (axes,) = plots.training_curves(history, validation_freq=2).axes
        np.testing.assert_array_equal(axes.lines[1].get_xdata(), [2, 4])


class TestErrors:
    def test_embeddings(self, rng):
        with pytest.raises(ValueError, match=r"`embeddings\[0\]`"):
            plots.embeddings(rng.random((1, 4, 8)), [0, 0, 1, 1])
        with pytest.raises(ValueError, match="4 not finite"):
            plots.embeddings(np.full((2, 2), np.nan), [0, 1])

    @pytest.mark.parametrize("shape", [(2, 7), (2, 8), (4, 7)])
    def test_prototypes(self, rng, shape):
        with pytest.raises(ValueError, match=r"\[N, 8\], N >= 3"):
            plots.embeddings(rng.random((3, 8)), [0, 1, 2], rng.random(shape))

    def test_history_without_a_known_key(self):
        with pytest.raises(ValueError, match=r"Received: \['mae'\]"):
            plots.training_curves({"mae": [1.0]})

    @pytest.mark.parametrize(
        "history",
        [
            {"loss": [3.0, 2.0, 1.0, 0.5], "val_loss": [2.5, 1.5]},
            {"loss": [3.0, 2.0], "accuracy": [0.1, 0.2], "accuracy_ci95": [0.1]},
        ],
    )
    def test_history_of_different_lengths(self, history):
        with pytest.raises(ValueError, match="`validation_freq`"):
            plots.training_curves(history)
