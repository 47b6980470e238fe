"""A classifier of texts, from examples to reports and files."""

import json

import keras
import numpy as np
import pandas as pd
import PIL.Image
import pytest
import tensorflow as tf

import fsl_keras as fsl
from tests.checks import run_python
from tests.texts import counts_of_words

TEXTS = [
    *("where is my card", "my card is lost", "block my card please"),
    *("send money abroad", "how to send money", "money transfer is slow"),
]
LABELS = ["card"] * 3 + ["transfer"] * 3


@pytest.fixture(scope="module")
def learner():
    return fsl.models.TransferLearner(counts_of_words(64))


@pytest.fixture
def classifier(learner):
    return learner.adapt(TEXTS, LABELS)


class TestAdapt:
    def test_prototypes_are_mean_counts_of_words(self, learner, classifier):
        """The oracle is NumPy on the counts of the words."""
        counts = np.asarray(learner.backbone(np.array(TEXTS, object)))
        means = counts.reshape(2, 3, 64).mean(axis=1)
        query = np.asarray(learner.backbone(np.array(["is my card slow"], object)))
        cosines = [query[0] @ m / np.linalg.norm(m) for m in means]
        cosines = np.array(cosines) / np.linalg.norm(query)
        expected = np.exp(10 * cosines) / np.exp(10 * cosines).sum()
        (found,) = classifier.predict_classes("is my card slow")
        np.testing.assert_allclose(list(found.probabilities.values()), expected, 1e-5)
        assert classifier.item_kind == "text"

    def test_every_form_makes_the_same_classifier(self, learner, classifier, tmp_path):
        frame = pd.DataFrame({"text": TEXTS, "label": LABELS})
        frame.to_csv(tmp_path / "texts.csv", index=False)
        dataset = tf.data.Dataset.from_tensor_slices((TEXTS, LABELS)).batch(4)
        for given in [
            (np.array(TEXTS), np.array(LABELS)),
            (pd.Series(TEXTS), pd.Series(LABELS)),
            (iter(TEXTS), LABELS),
            (frame,),
            (tmp_path / "texts.csv",),
            (str(tmp_path / "texts.csv"),),
            (dataset,),
        ]:
            other = learner.adapt(*given)
            assert other.class_names == classifier.class_names
            assert other.examples() == classifier.examples()

    def test_labels_of_other_kinds(self, learner):
        assert learner.adapt(TEXTS, [0, 0, 0, 1, 1, 1]).class_names == ["0", "1"]
        assert learner.adapt(TEXTS, ["only"] * 6).class_names == ["only"]
        assert learner.adapt(TEXTS, "only").class_names == ["only"]
        for labels in ([*LABELS[:5], ""], [*LABELS[:5], np.nan], [*LABELS[:5], None]):
            with pytest.raises(ValueError, match=r"1 of 6 labels are missing.*\[5\]"):
                learner.adapt(TEXTS, labels)

    def test_rows_that_are_no_texts_are_named(self, learner):
        with pytest.raises(ValueError, match="row 1 is missing; row 3 is of type int"):
            learner.adapt(["a", None, "b", 4, "c", "d"], LABELS)

    def test_unusual_texts(self, learner):
        texts = ["\U0001f600", "a" * 100_000, "\N{HEBREW LETTER SHIN} b", "c\a\r\nd"]
        classifier = learner.adapt(texts, ["a", "b", "c", "d"])
        found = classifier.predict_classes([f"{text} " for text in texts])
        assert [prediction.class_name for prediction in found] == ["a", "b", "c", "d"]

    def test_arguments_of_images_are_refused(self, learner):
        with pytest.raises(ValueError, match=r"takes texts.*`invert`"):
            learner.adapt(TEXTS, LABELS, invert=True)
        with pytest.raises(ValueError, match="`expansion` augments images"):
            learner.adapt(TEXTS, LABELS, expansion=object())

    def test_learners_of_strings_themselves_are_refused(self):
        words = counts_of_words()
        network = keras.Model(words.input, keras.layers.Dense(2)(words.output))
        with pytest.raises(ValueError, match="MAML cannot become a classifier of text"):
            fsl.models.MAML(network).adapt(TEXTS, LABELS)


class TestPredict:
    @pytest.mark.parametrize(
        "form",
        [list, tuple, np.array, lambda x: np.array(x, object), tf.constant, pd.Series],
    )
    def test_every_form_of_texts(self, classifier, form):
        expected = classifier.predict_classes(TEXTS)
        probabilities = [list(p.probabilities.values()) for p in expected]
        texts = form(TEXTS)
        for found in (
            classifier.predict(texts, verbose=0),
            classifier.predict_on_batch(texts),
            classifier(texts),
        ):
            np.testing.assert_allclose(found, probabilities, atol=1e-6)
        assert classifier.predict_classes(texts) == expected
        numbers = np.array([0, 0, 0, 1, 1, 1])
        loss, accuracy = classifier.evaluate(texts, numbers, verbose=0)
        assert accuracy == 1
        np.testing.assert_allclose(
            classifier.test_on_batch(texts, numbers)[0], loss, 1e-5
        )

    def test_one_text_and_a_generator(self, classifier):
        assert len(classifier.predict_classes("my card.jpg")) == 1
        assert classifier.predict("my card", verbose=0).shape == (1, 2)
        assert len(classifier.predict_classes(text for text in TEXTS)) == 6

    def test_datasets_of_keras(self, classifier):
        dataset = tf.data.Dataset.from_tensor_slices(TEXTS).batch(4)
        np.testing.assert_array_equal(
            classifier.predict(dataset, verbose=0), classifier.predict(TEXTS, verbose=0)
        )

    def test_files_of_texts(self, classifier, tmp_path):
        path = tmp_path / "texts.txt"
        path.write_text("\n".join(TEXTS))
        assert classifier.predict_classes(path) == classifier.predict_classes(TEXTS)

    def test_what_is_no_text(self, classifier, tmp_path):
        image, file = PIL.Image.new("L", (4, 4)), tmp_path / "photo.jpg"
        for given in (np.zeros((2, 28, 28, 1)), image, file):
            with pytest.raises(ValueError, match="takes texts"):
                classifier.predict_classes(given)
        with pytest.raises(ValueError, match=r"2 of 3 texts.*row 0 is missing; row 2"):
            classifier.predict([None, "a", " "])
        with pytest.raises(ValueError, match="takes sentences, not images"):
            classifier.predict_files(["photo.jpg"])

    def test_an_image_classifier_guesses_that_texts_were_meant(self):
        flatten = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()])
        learner = fsl.models.TransferLearner(flatten)
        images = np.random.default_rng(0).integers(0, 255, (2, 4, 4, 1), "uint8")
        classifier = learner.adapt(images, ["a", "b"])
        match = r"what is my balance.*takes images.*If these are texts"
        with pytest.raises(ValueError, match=match):
            classifier.predict_classes("what is my balance")
        with pytest.raises(ValueError, match=match):
            learner.adapt(["what is my balance", "topup"], ["a", "b"])
        with (
            pytest.warns(UserWarning, match="Skipped"),
            pytest.raises(ValueError, match=r"No image could be read.*If these are"),
        ):
            fsl.evaluation.evaluate_classifier(classifier, ["my balance"], ["a"])


class TestExamples:
    def test_the_source_is_the_text(self, classifier):
        assert [example.source for example in classifier.examples()] == TEXTS
        assert [example.class_name for example in classifier.examples()] == LABELS

    def test_the_same_text_counts_once_for_a_class(self, learner):
        texts = ["caf\N{LATIN SMALL LETTER E WITH ACUTE}"] * 2
        texts += ["cafe\N{COMBINING ACUTE ACCENT}", "card", texts[0]]
        classifier = learner.adapt(texts, ["a", "a", "a", "b", "b"])
        assert [example[:2] for example in classifier.examples()] == [
            (0, "a"),
            (1, "b"),
            (2, "b"),
        ]

    def test_growth_equals_adapting_at_once(self, learner, classifier):
        few = learner.adapt(TEXTS[:2] + TEXTS[3:], LABELS[:2] + LABELS[3:])
        few.update("card", TEXTS[2])
        few.add_class("other", ["hello there", "good bye"])
        few.remove_class("other")
        np.testing.assert_allclose(
            few.predict(TEXTS, verbose=0),
            classifier.predict(TEXTS, verbose=0),
            atol=1e-6,
        )

    def test_corrections(self, learner):
        classifier = learner.adapt(TEXTS, ["card", "card", "transfer", *LABELS[3:]])
        wrong = next(e for e in classifier.examples() if e.source == TEXTS[2])
        classifier.relabel(wrong.id, "card")
        classifier.remove_example(0)
        right = learner.adapt(TEXTS[1:], LABELS[1:])
        np.testing.assert_allclose(
            classifier.predict(TEXTS, verbose=0),
            right.predict(TEXTS, verbose=0),
            atol=1e-6,
        )


class TestReports:
    def test_leave_one_out_names_sentences(self, learner):
        texts = [*TEXTS, "Send money abroad!", "block my card please"]
        labels = [*LABELS, "transfer", "transfer"]
        report = learner.adapt(texts, labels, leave_one_out=True).leave_one_out
        assert report.duplicates == [(2, 7), (3, 6)]
        assert report.conflicts == [(2, 7)]
        lines = str(report).split("\n")
        assert "8 sentences)" in lines[0]
        assert (
            "Nearly the same sentence in two classes, one of which is probably wrong: "
            "'block my card please' and 'block my card please'"
        ) in lines
        same = "Nearly the same sentence: 'send money abroad' and 'Send money abroad!'"
        assert same in lines
        assert "image" not in str(report)

    def test_a_wrong_label_is_suspected_by_its_text(self, learner):
        texts = [*TEXTS, "my card is lost today"]
        report = learner.adapt(
            texts, [*LABELS, "transfer"], leave_one_out=True
        ).leave_one_out
        assert (6, "card") in [suspect[:2] for suspect in report.suspects]
        (line,) = (x for x in report.findings() if "today" in x)
        assert line.startswith(
            "May have the wrong label: 'my card is lost today' looks like 'card'"
        )

    def test_classes_of_one_sentence(self, learner):
        report = learner.adapt(["a", "b"], ["a", "b"], leave_one_out=True).leave_one_out
        assert "two different sentences of one" in str(report)
        assert "Not tested, with no second sentence: a; b" in str(report)

    def test_unknown_sentences(self, learner):
        classifier = learner.adapt(
            TEXTS,
            LABELS,
            false_reject_rate=0.2,
            negatives=["tell me a joke", "what a day"],
        )
        assert classifier.calibration.false_accepts == (0, 2)
        assert classifier.predict_classes("tell me a joke")[0].class_name == "unknown"
        assert classifier.predict_classes("my card")[0].class_name == "card"

    def test_evaluation(self, classifier, tmp_path):
        texts, labels = [*TEXTS, "my money"], [*LABELS, "card"]
        report = fsl.evaluation.evaluate_classifier(classifier, texts, labels)
        assert report.matrix.sum() == 7
        assert report.table()[0] == ["class", "precision", "recall", "f1", "sentences"]
        report.save(tmp_path / "report.json")
        loaded = fsl.evaluation.ClassifierReport.load(tmp_path / "report.json")
        assert str(loaded) == str(report)
        assert "image" not in str(report)
        report.save_csv(tmp_path / "report.csv")
        assert (tmp_path / "report.csv").read_text().startswith("class,sentences,")
        frame = pd.DataFrame({"utterance": texts, "intent": labels})
        again = fsl.evaluation.evaluate_classifier(classifier, frame)
        np.testing.assert_array_equal(again.matrix, report.matrix)

    def test_labels_that_the_classifier_does_not_know(self, classifier):
        with pytest.raises(ValueError, match="Sentences of classes"):
            fsl.evaluation.evaluate_classifier(classifier, TEXTS, ["other"] * 6)


CODE = """
import json, sys, fsl_keras, keras, tests.texts
classifier = keras.saving.load_model(sys.argv[1])
classifier.add_class("greeting", "hello there")
classifier.relabel(0, "transfer")
print(json.dumps({
    "examples": [example.source for example in classifier.examples()],
    "descriptions": classifier.descriptions,
    "probabilities": classifier.predict(["hello my card", "refund me"]).tolist(),
}))
"""


@pytest.mark.slow
def test_a_fresh_process(learner, tmp_path):
    classifier = learner.adapt(
        TEXTS, LABELS, descriptions={"refund": "money back"}, description_weight=2.0
    )
    classifier.save(tmp_path / "texts.keras")
    printed = run_python(CODE, tmp_path / "texts.keras")
    found = json.loads(printed.strip().split("\n")[-1])
    classifier.add_class("greeting", "hello there")
    classifier.relabel(0, "transfer")
    assert found["examples"] == [e.source for e in classifier.examples()]
    assert found["descriptions"] == {"refund": "money back"}
    np.testing.assert_allclose(
        found["probabilities"],
        classifier.predict(["hello my card", "refund me"], verbose=0),
        atol=1e-6,
    )
