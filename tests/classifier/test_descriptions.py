"""Descriptions of classes: learned with a weight, tested by nothing."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from tests.texts import counts_of_words

TEXTS = ["my card", "lost card", "send money", "money transfer"]
LABELS = ["card", "card", "transfer", "transfer"]
DESCRIPTIONS = {"card": "a plastic thing", "refund": "cash comes back"}
QUERIES = [*TEXTS, "plastic thing", "cash back", "nothing known"]


def make_learner(head="prototypes"):
    return fsl.models.TransferLearner(counts_of_words(64), head)


@pytest.fixture(scope="module")
def learner():
    return make_learner()


@pytest.fixture
def classifier(learner):
    return learner.adapt(
        TEXTS, LABELS, descriptions=DESCRIPTIONS, description_weight=3.0
    )


def probabilities(classifier):
    return classifier.predict(QUERIES, verbose=0)


def assert_same(classifier, other):
    assert classifier.class_names == other.class_names
    np.testing.assert_allclose(
        probabilities(classifier), probabilities(other), atol=1e-5
    )


class TestAdapt:
    def test_prototypes_are_weighted_means(self, learner, classifier):
        assert classifier.class_names == ["card", "transfer", "refund"]
        assert classifier.descriptions == DESCRIPTIONS
        counts = np.asarray(learner.backbone(np.array(TEXTS, object)))
        words = np.asarray(learner.backbone(np.array([*DESCRIPTIONS.values()], object)))
        expected = [
            (counts[0] + counts[1] + 3 * words[0]) / 5,
            (counts[2] + counts[3]) / 2,
            words[1],
        ]
        found = classifier.task.state["prototypes"][0]
        np.testing.assert_allclose(found, expected, atol=1e-6)

    @pytest.mark.parametrize("head", ["ridge", "logistic", "simple_shot"])
    def test_a_weight_of_two_is_two_examples(self, head):
        learner = make_learner(head)
        found = learner.adapt(
            TEXTS, LABELS, descriptions=DESCRIPTIONS, description_weight=2
        )
        # The same words in another order are other texts of the same features.
        more = [
            "a plastic thing",
            "plastic a thing",
            "cash comes back",
            "comes cash back",
        ]
        expected = learner.adapt(
            [*TEXTS, *more],
            [*LABELS, "card", "card", "refund", "refund"],
            class_names=["card", "transfer", "refund"],
        )
        np.testing.assert_allclose(
            probabilities(found), probabilities(expected), atol=1e-4
        )

    @pytest.mark.parametrize(
        ("nothing", "weight"),
        [((None,), 0.5), (([], []), 1.0), ((np.array([]), []), 4.0)],
    )
    def test_zero_shot(self, learner, nothing, weight):
        found = learner.adapt(
            *nothing, descriptions=DESCRIPTIONS, description_weight=weight
        )
        expected = learner.adapt([*DESCRIPTIONS.values()], [*DESCRIPTIONS])
        assert_same(found, expected)
        assert found.examples() == []
        assert learner.adapt(descriptions=DESCRIPTIONS).class_names == [
            "card",
            "refund",
        ]

    def test_a_description_that_is_an_example_too_counts_twice(self, learner):
        found = learner.adapt(
            TEXTS, LABELS, descriptions={"card": "my card"}, description_weight=1
        )
        expected = learner.adapt([*TEXTS, "card my"], [*LABELS, "card"])
        assert_same(found, expected)
        assert [example.source for example in found.examples()] == TEXTS

    def test_the_order_of_given_classes(self, learner):
        names = ["refund", "transfer", "card"]
        found = learner.adapt(
            TEXTS, LABELS, class_names=names, descriptions=DESCRIPTIONS
        )
        assert found.class_names == names
        assert found.predict_classes("cash back")[0].class_name == "refund"

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"descriptions": "text"}, "dictionary from class name to text"),
            ({"descriptions": {"card": " "}}, "description of 'card' is blank"),
            ({"descriptions": {"card": None}}, "description of 'card' is missing"),
            ({"descriptions": {1: "a", "1": "b"}}, "repeats a class"),
            (
                {"descriptions": {"a": "a"}, "class_names": ["card", "transfer"]},
                r"not in `class_names`: \['a'\]",
            ),
            ({"descriptions": DESCRIPTIONS, "description_weight": 0}, "above 0"),
            (
                {"descriptions": DESCRIPTIONS, "class_names": ["card", "refund", "x"]},
                "x",
            ),
        ],
    )
    def test_errors(self, learner, arguments, message):
        with pytest.raises(ValueError, match=message):
            learner.adapt(TEXTS, LABELS, **arguments)

    def test_a_head_without_weights(self):
        learner = make_learner("nearest_neighbor")
        found = learner.adapt(TEXTS, LABELS, descriptions=DESCRIPTIONS)
        assert found.predict_classes("cash back")[0].class_name == "refund"
        with pytest.raises(ValueError, match=r"no weights of examples.*PrototypeHead"):
            learner.adapt(
                TEXTS, LABELS, descriptions=DESCRIPTIONS, description_weight=2
            )

    def test_images_have_no_descriptions(self):
        flatten = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
        learner, images = fsl.models.TransferLearner(flatten), np.zeros((1, 4, 4, 1))
        with pytest.raises(ValueError, match="takes images: leave them out"):
            learner.adapt(images, ["a"], descriptions={"a": "text"})


class TestGrowth:
    def test_descriptions_are_kept(self, learner, classifier):
        classifier.update("refund", "give me cash")
        classifier.add_class("greeting", "hello", description="a kind word")
        assert classifier.descriptions == {**DESCRIPTIONS, "greeting": "a kind word"}
        classifier.remove_class("greeting")
        expected = learner.adapt(
            [*TEXTS, "give me cash"],
            [*LABELS, "refund"],
            class_names=["card", "transfer", "refund"],
            descriptions=DESCRIPTIONS,
            description_weight=3.0,
        )
        assert_same(classifier, expected)
        classifier.remove_class("card")
        assert classifier.descriptions == {"refund": "cash comes back"}

    def test_a_class_of_a_description_alone(self, learner, classifier):
        few = learner.adapt(
            TEXTS,
            LABELS,
            descriptions={"card": DESCRIPTIONS["card"]},
            description_weight=3.0,
        )
        few.add_class(
            "refund", description=DESCRIPTIONS["refund"], description_weight=3.0
        )
        assert_same(few, classifier)
        with pytest.raises(ValueError, match="description of 'empty' is blank"):
            few.add_class("empty", description="")

    @pytest.mark.parametrize("head", ["prototypes", "ridge"])
    def test_corrections_keep_descriptions(self, head, tmp_path):
        learner = make_learner(head)
        arguments = {"descriptions": DESCRIPTIONS, "description_weight": 3.0}
        classifier = learner.adapt(TEXTS, ["transfer", *LABELS[1:]], **arguments)
        classifier.save(tmp_path / "texts.keras")
        classifier = keras.saving.load_model(tmp_path / "texts.keras")
        classifier.relabel(0, "card")
        assert_same(classifier, learner.adapt(TEXTS, LABELS, **arguments))
        classifier.remove_example(0)
        classifier.remove_example(1)  # the last one of "card"
        assert_same(
            classifier,
            learner.adapt(
                TEXTS[2:],
                LABELS[2:],
                class_names=["card", "transfer", "refund"],
                **arguments,
            ),
        )
        assert classifier.descriptions == DESCRIPTIONS
        with pytest.raises(ValueError, match="no example with the id 4"):
            classifier.remove_example(4)

    def test_classes_of_two_classifiers(self, learner, classifier):
        other = learner.adapt(descriptions={"greeting": "a kind word"})
        classifier.add_classes_from(other)
        assert classifier.descriptions == {**DESCRIPTIONS, "greeting": "a kind word"}
        assert classifier.predict_classes("kind word")[0].class_name == "greeting"


class TestEstimates:
    def test_descriptions_are_learned_in_every_fold_and_not_tested(self, learner):
        texts, labels = ["my card", "send money", "money back"], ["a", "b", "b"]
        alone = learner.adapt(texts, labels, leave_one_out=True).leave_one_out
        assert alone.tested.tolist() == [False, True, True]
        descriptions = {"a": "my plastic card", "b": "money"}
        report = learner.adapt(
            texts, labels, leave_one_out=True, descriptions=descriptions
        ).leave_one_out
        assert report.tested.tolist() == [True] * 3
        # Without "my card" its class is the description alone, which is near.
        assert report.accuracy == 1
        assert report.duplicates == []

    def test_calibration_leaves_the_description_of_an_unseen_class_out(self, learner):
        """All examples of a class are unlike the others, but like its description."""
        texts = [f"{word} {i}" for word in ("red", "blue") for i in range(4)]
        labels = ["red"] * 4 + ["blue"] * 4
        descriptions = {"red": "red", "blue": "blue"}
        classifier = learner.adapt(
            texts,
            labels,
            descriptions=descriptions,
            description_weight=10.0,
            false_reject_rate=0.2,
        )
        assert classifier.calibration.false_accepts == (0, 8)

    def test_estimates_need_examples(self, learner):
        for arguments in ({"leave_one_out": True}, {"false_reject_rate": 0.1}):
            with pytest.raises(ValueError, match="descriptions alone"):
                learner.adapt(descriptions=DESCRIPTIONS, **arguments)
