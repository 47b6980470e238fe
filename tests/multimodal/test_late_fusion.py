import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.model_selection.calibration import temperature_of
from fsl_keras.multimodal import Fusion, LateFusion, held_out, paired_episodes
from tests.multimodal.learners import COLORS, fusion, items, texts, vectors


def alone(classifier, given, labels):
    """The accuracies of the two classifiers, each on its part."""
    numbers = np.array([classifier.class_names.index(label) for label in labels])
    return [
        np.mean(part.predict(some, verbose=0).argmax(axis=-1) == numbers)
        for part, some in zip(classifier.classifiers, given, strict=True)
    ]


def with_names(points, names, labels):
    """A pair of data sets of the same items."""
    return [fsl.ClassDataset.from_arrays(x, labels) for x in (points, names)]


class TestAdapt:
    def test_each_kind_is_learned_as_by_its_learner(self):
        given, labels = items(9)
        classifier = fusion().adapt(given, labels)
        assert classifier.class_names == sorted(COLORS)
        for learner, some, part in zip(
            (vectors(), texts()), given, classifier.classifiers, strict=True
        ):
            np.testing.assert_array_equal(
                learner.adapt(some, labels).predict(some, verbose=0),
                part.predict(some, verbose=0),
            )

    def test_labels_and_class_names_in_any_form(self):
        given, labels = items(6)
        by_name = fusion().adapt(given, labels, COLORS)
        assert by_name.class_names == COLORS
        numbers = [COLORS.index(label) for label in labels]
        by_number = fusion().adapt(given, np.eye(3)[numbers], COLORS)
        np.testing.assert_array_equal(
            by_number.predict(given, verbose=0), by_name.predict(given, verbose=0)
        )

    def test_items_of_an_iterator(self):
        (points, names), labels = items(6)
        classifier = fusion().adapt((iter(points), iter(names)), labels)
        wanted = fusion().adapt((points, names), labels)
        np.testing.assert_allclose(
            classifier.predict((points, names), verbose=0),
            wanted.predict((points, names), verbose=0),
            rtol=1e-6,
        )

    def test_arguments_of_one_learner(self):
        given, labels = items(6)
        descriptions = {color: f"the color {color}" for color in COLORS}
        classifier = fusion().adapt(
            given, labels, arguments=({}, {"descriptions": descriptions})
        )
        assert classifier.classifiers[1].descriptions == descriptions


class TestWeight:
    """Which weight is used, in this order."""

    def test_that_which_is_given(self):
        given, labels = items(9)
        mine = Fusion(weight=0.2)
        assert fusion(fusion=mine).adapt(given, labels).fusion is mine

    def test_one_part_that_says_nothing_does_not_harm(self):
        (points, names), labels = items(30)
        noise = [f"{number * 7919 % 30} {number}" for number in range(30)]
        found = fusion().adapt((points, noise), labels).fusion
        assert found.source == "leave-one-out of 30 examples"
        assert found.log_losses[2] <= found.log_losses[0] + 0.01 < found.log_losses[1]
        far = np.random.default_rng(1).normal(size=(30, 2)).astype("float32")
        found = fusion().adapt((far, names), labels).fusion
        assert found.log_losses[2] <= found.log_losses[1] + 0.01 < found.log_losses[0]

    def test_left_out_logits_by_hand(self):
        # Points on a line: the mean of the others of the class is the other one.
        points = np.array([[0.0, 0], [2, 0], [9, 0], [7, 0]], "float32")
        given = points, ["a c", "a d", "b e", "b f"]
        found = LateFusion([vectors(), texts()]).adapt(given, [0, 0, 1, 1]).fusion
        others, means = points[[1, 0, 3, 2]], [[1.0, 0], [8.0, 0]]
        logits = np.zeros((4, 2))
        for i in range(4):
            prototypes = np.array(means)
            prototypes[i // 2] = others[i]
            logits[i] = -np.sum(np.square(points[i] - prototypes), axis=1)
        wanted = temperature_of(logits, np.array([0, 0, 1, 1]))
        assert found.temperatures[0] == pytest.approx(wanted, rel=1e-3)

    def test_an_item_given_twice_is_left_out_twice(self):
        # Otherwise the copy of a text would give its class away.
        rng = np.random.default_rng(3)
        points, labels = rng.normal(size=(12, 2)), np.arange(12) // 2 % 3
        names = [f"{number // 2}" for number in range(12)]
        twice = np.repeat(points[::2], 2, axis=0).astype("float32")
        found = fusion().adapt((twice, names), labels).fusion
        assert found.log_losses[1] > 0.9  # chance is 1.1
        # Where one part differs it is another item.
        found = fusion().adapt((points.astype("float32"), names), labels).fusion
        assert found.log_losses[1] < 0.8

    def test_descriptions_are_learned_and_not_left_out(self):
        # No two texts share a word, and each shares one with its description.
        points, _ = items(9)[0]
        names = [f"word{number}" for number in range(9)]
        told = {
            color: " ".join(names[number::3]) for number, color in enumerate(COLORS)
        }
        labels = items(9)[1]
        without = fusion().adapt((points, names), labels).fusion
        described = fusion().adapt(
            (points, names), labels, arguments=({}, {"descriptions": told})
        )
        assert without.log_losses[1] > 1.0  # chance is 1.1
        assert described.fusion.log_losses[1] < 0.8

    def test_more_examples_are_divided_into_folds(self, monkeypatch):
        monkeypatch.setattr(held_out, "MAX_WORK", 100)
        monkeypatch.setattr(held_out, "FEW_FOLDS", 3)
        given, labels = items(12)
        found = fusion().adapt(given, labels).fusion
        assert found.source == "3-fold cross-validation of 12 examples"
        assert found.log_losses[2] < 0.5

    def test_equal_weights_where_nothing_can_be_left_out(self):
        given, labels = items(3)
        learner = fusion()
        found = learner.adapt(given, labels).fusion
        assert found == learner.unfitted
        assert (found.weight, found.temperatures) == (0.5, (1.0, 1.0))

    def test_then_the_temperatures_are_those_of_base_classes(self):
        (points, names), labels = items(60)
        pictures = vectors()
        data, _ = with_names(points, names, labels)
        pictures.base_calibration = fsl.model_selection.calibrate_on_base_classes(
            pictures, data, ways=1, queries=2, count=4
        )
        pictures.base_calibration.temperature = 3.0
        learner = LateFusion([pictures, texts()])
        assert learner.unfitted.temperatures == (3.0, 1.0)

    def test_fitted_to_episodes_of_base_classes(self):
        rng = np.random.default_rng(0)
        labels = np.repeat(np.arange(12), 8)
        centers = rng.normal(0, 3, (12, 2))
        points = (centers[labels] + rng.normal(size=(96, 2))).astype("float32")
        noise = [f"{i * 7919 % 96}" for i in range(96)]
        learner = fusion()
        found = learner.fit_fusion(
            with_names(points, noise, labels), ways=3, queries=4, count=20
        )
        assert learner.fusion is found
        assert found.log_losses[2] <= found.log_losses[0] + 0.01 < found.log_losses[1]
        assert found.source == (
            "20 episodes of 3-way 1-shot of arrays and arrays, seed 0"
        )
        given, colors = items(9)
        assert learner.adapt(given, colors).fusion is found


class TestEpisodes:
    def test_logits_are_those_of_the_fusion(self):
        given, labels = items(60)
        episodes = paired_episodes(with_names(*given, labels), 3, 2, 3, count=2)
        learner = fusion(fusion=Fusion(weight=0.3))
        for x, _ in episodes:
            first, second = (
                part(
                    {
                        **x,
                        "support": x["support"][place],
                        "query": x["query"][place],
                    }
                )
                for place, part in enumerate(learner.learners)
            )
            np.testing.assert_allclose(
                learner(x), learner.fusion.logits(first, second), rtol=1e-5
            )

    def test_evaluated_as_any_learner(self):
        given, labels = items(60)
        episodes = paired_episodes(with_names(*given, labels), 3, 2, 3, count=4)
        report = fsl.evaluation.evaluate(fusion(), episodes)
        assert report.accuracy > 0.9
        assert report.protocol["dataset"] == "arrays and arrays"

    def test_training_classes_of_both(self):
        learners = [vectors(), texts()]
        learners[0].training_classes = ("a", "b")
        learners[1].training_classes = ("b", "c")
        assert LateFusion(learners).training_classes == ("a", "b", "c")


def test_saved_and_loaded(tmp_path):
    learner = fusion(fusion=Fusion(0.7, (2.0, 3.0), 0.4, "by hand", (1.0, 2.0, 0.5)))
    learner.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    assert loaded.fusion == learner.fusion
    given, labels = items(9)
    np.testing.assert_array_equal(
        loaded.adapt(given, labels).predict(given, verbose=0),
        learner.adapt(given, labels).predict(given, verbose=0),
    )


class TestBadInput:
    def test_more_items_of_one_kind(self):
        (points, names), labels = items(6)
        with pytest.raises(ValueError, match=r"there are 6 items and 5 sentences"):
            fusion().adapt((points, names[:5]), labels)

    def test_no_pair(self):
        (points, names), labels = items(6)
        with pytest.raises(ValueError, match=r"pair `\(items, sentences\)`.* ndarray"):
            fusion().adapt(points, labels)
        with pytest.raises(ValueError, match=r"a tuple of length 3"):
            fusion().adapt((points, names, names), labels)

    def test_more_labels(self):
        given, labels = items(6)
        with pytest.raises(ValueError, match=r"7.*6|6.*7"):
            fusion().adapt(given, [*labels, "red"])

    def test_a_class_without_items(self):
        given, labels = items(6)
        with pytest.raises(ValueError, match=r"\['pink'\] have no example"):
            fusion().adapt(given, labels, [*COLORS, "pink"])

    def test_a_description_without_a_class(self):
        given, labels = items(6)
        with pytest.raises(ValueError, match=r"not in `class_names`: \['pink'\]"):
            fusion().adapt(
                given, labels, arguments=({}, {"descriptions": {"pink": "a color"}})
            )

    def test_no_learners(self):
        with pytest.raises(ValueError, match="must be a pair of learners"):
            LateFusion([vectors()])
        with pytest.raises(ValueError, match="must be learners, such as"):
            LateFusion([vectors(), "minilm"])
