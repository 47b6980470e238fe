"""What a person does with a session of texts, without a page."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.app import Limits, Session
from fsl_keras.app.downloads import FORMATS, download
from fsl_keras.app.opening import open_classifier
from fsl_keras.app.texts import upload_of
from fsl_keras.app.uploads import Upload
from tests.app.pictures import array, png, teach_colors, uploads
from tests.app.texts import QUESTIONS, teach_questions

KERAS, SAVED_MODEL, TEXTS = FORMATS["text"]
ASKED = "where is the card"


def counts(session):
    names = [example.class_name for example in session.examples]
    return {name: names.count(name) for name in session.class_names}


def by_text(session):
    return {example.original: example for example in session.examples}


def test_a_class_is_known_after_five_texts(answering):
    answer = answering.predict(ASKED)
    assert answer.class_name == "card"
    assert answer.probabilities.keys() == {*QUESTIONS, "unknown"}
    assert sum(answer.probabilities.values()) == pytest.approx(1)


def test_the_classifier_is_the_one_that_adapt_makes(answering, text_embedder):
    texts = [text for texts in QUESTIONS.values() for text in texts]
    labels = [name for name, texts in QUESTIONS.items() for _ in texts]
    adapted = text_embedder.learner.adapt(texts, labels, list(QUESTIONS))
    queries = tf.constant([ASKED, "pin", "xyz"])
    np.testing.assert_allclose(
        answering.fitted.classifier.logits(queries),
        adapted.logits(queries),
        rtol=1e-4,
        atol=1e-5,
    )
    assert answering.fitted.report.accuracy == pytest.approx(
        text_embedder.learner.adapt(
            texts, labels, list(QUESTIONS), leave_one_out=True
        ).leave_one_out.accuracy
    )


def test_the_accuracy_is_told_in_the_words_of_the_page(answering, taught):
    assert ", 15 texts)" in answering.fitted.report.summary()
    assert ", 15 pictures)" in taught.fitted.report.summary()


def test_unknown_is_the_largest_bar_exactly_if_the_classifier_says_so(answering):
    queries = [ASKED, "new PIN", "rate of euros", "play some jazz", "qwertz", "?"]
    expected = [
        p.class_name for p in answering.fitted.classifier.predict_classes(queries)
    ]
    assert [answering.predict(query).class_name for query in queries] == expected
    assert {"unknown", "card"} <= set(expected)


def test_the_same_text_counts_once(text_session):
    texts = list(map(upload_of, QUESTIONS["card"]))
    text_session.teach("card", texts[:3])
    taught = text_session.teach("card", texts[2:4])
    assert str(taught) == "Learned 1 text. 1 text known already."
    # The same characters in another form of Unicode are the same text.
    text_session.teach("café", [upload_of("un caf\N{LATIN SMALL LETTER E WITH ACUTE}")])
    assert text_session.teach("café", [upload_of("un cafe\u0301")]).known == 1


def test_a_table_teaches_the_classes_of_its_labels(text_session):
    given = [upload_of(text, name) for name in QUESTIONS for text in QUESTIONS[name]]
    text_session.teach("", given)
    assert counts(text_session) == {"card": 5, "pin": 5, "rate": 5}


def test_what_is_no_text_is_left_out_and_named(text_session):
    given = [upload_of("top up"), upload_of(" \t"), upload_of("\ud800")]
    taught = text_session.teach("money", given)
    assert taught.added == 1
    assert [reason for _, reason in taught.skipped] == ["is blank", "is not in UTF-8"]
    with pytest.raises(ValueError, match="no text to learn"):
        text_session.teach("money", [upload_of("")])
    with pytest.raises(ValueError, match="Enter texts, one in each line"):
        text_session.teach("money", [])


def test_classes_are_changed_and_every_change_is_undone(answering):
    before = answering.predict(ASKED)
    answering.rename("card", "delivery")
    answering.merge("pin", "rate")
    answering.remove([by_text(answering)["Where is my card?"].id])
    answering.move([by_text(answering)["Has my card been sent"].id], "rate")
    assert counts(answering) == {"delivery": 3, "rate": 11}
    answering.remove_class("rate")
    for _ in range(5):
        answering.undo()
    assert counts(answering) == {"card": 5, "pin": 5, "rate": 5}
    assert answering.predict(ASKED) == before


def test_a_wrong_answer_is_corrected(answering):
    answering.predict("how much is a euro in yen")
    answering.correct("rate")
    answering.show("play some jazz")
    answering.correct("music")
    assert counts(answering) == {"card": 5, "pin": 5, "rate": 6, "music": 1}
    assert answering.predict("play jazz").class_name == "music"


def test_copies_and_odd_ones_out_are_marked(answering):
    more = [upload_of("WHERE IS MY CARD?!"), upload_of("The exchange rate, please?")]
    answering.teach("card", more)
    remarks, examples = answering.fitted.remarks(), by_text(answering)
    found = {text: remarks.get(example.id) for text, example in examples.items()}
    assert found["WHERE IS MY CARD?!"] == "nearly the same as Where is my card?"
    assert found["The exchange rate, please?"].startswith("looks like rate")
    assert answering.fitted.report.accuracy < 1
    assert answering.fitted.confusion.matrix.sum() == 17


def test_a_saved_classifier_has_its_texts(answering, tmp_path, text_embedder):
    long = "a very long story of a card " * 100
    answering.teach("card", [upload_of(long)])
    answering.fitted.classifier.save(tmp_path / "bank.keras")
    session = Session(text_embedder)
    session.open(open_classifier(tmp_path / "bank.keras"), "saved")
    assert counts(session) == {"card": 6, "pin": 5, "rate": 5}
    assert session.predict(ASKED) == answering.predict(ASKED)
    assert set(by_text(session)) == {
        None,
        *(t for ts in QUESTIONS.values() for t in ts),
    }
    # A text of which the file has the beginning only is known when it is taught again.
    with pytest.raises(ValueError, match="1 example of a classifier that was opened"):
        session.use(text_embedder)
    assert session.teach("card", [upload_of(long)]).known == 1
    assert long in by_text(session)
    session.use(text_embedder)
    assert session.predict(ASKED).class_name == "card"
    session.close()


def test_classifiers_of_adapt_are_opened(text_session, text_embedder):
    texts = [text for texts in QUESTIONS.values() for text in texts]
    labels = [name for name, texts in QUESTIONS.items() for _ in texts]
    text_session.open(text_embedder.learner.adapt(texts, labels), "bank")
    assert [example.original for example in text_session.examples] == texts


def test_pictures_and_texts_replace_each_other(taught, text_embedder, embedder):
    other = Session(text_embedder)
    teach_questions(other)
    texts, pictures = other.fitted.classifier, taught.fitted.classifier
    taught.predict(png("red", 99))
    taught.open(texts, "bank")
    assert taught.item_kind == "text"
    assert taught.predict(ASKED).class_name == "card"
    taught.undo()
    with pytest.raises(ValueError, match="Show a picture first"):
        taught.correct("red")  # of the text that was shown, nothing is left
    assert taught.predict(png("red", 99)).class_name == "red"
    other.open(pictures, "colors")
    assert other.item_kind == "image"
    assert other.teach("red", uploads("red", [0])).known == 1
    other.close()


def test_items_of_the_other_kind_are_refused(taught, answering):
    with pytest.raises(ValueError, match="are of texts, and this is no text"):
        answering.teach("card", [Upload("a.png", png("red", 0))])
    with pytest.raises(ValueError, match="are of texts, and this is no text"):
        answering.predict(array("red", 0))
    with pytest.raises(ValueError, match="are of pictures, and this is no picture"):
        taught.teach("red", [upload_of("red.png")])
    with pytest.raises(ValueError, match="are of pictures, and this is no picture"):
        taught.predict("/etc/hostname")
    assert counts(answering) == {"card": 5, "pin": 5, "rate": 5}


def test_a_learner_of_the_other_kind_needs_an_empty_session(
    session, embedder, text_embedder
):
    session.use(text_embedder)
    session.teach("card", [upload_of(ASKED)])
    with pytest.raises(ValueError, match="takes pictures, and the classes here are"):
        session.use(embedder)
    session.undo()
    session.use(embedder)
    teach_colors(session, 1)
    assert session.item_kind == "image"


def test_limits_of_a_session_of_texts(text_embedder):
    session = Session(text_embedder, Limits(text_examples=2, characters=20))
    with pytest.raises(ValueError, match="room for 2 texts, and there would be 3"):
        session.teach("card", [upload_of(str(i)) for i in range(3)])
    for call in (lambda text: session.teach("a", [upload_of(text)]), session.predict):
        with pytest.raises(ValueError, match="has 1,000,000 characters: shorten it"):
            call("x" * 10**6)
    session.close()


def test_the_keras_file_predicts_the_same(answering):
    loaded = keras.saving.load_model(download(answering, KERAS))
    (prediction,) = loaded.predict_classes(ASKED)
    assert prediction.class_name == answering.predict(ASKED).class_name


def test_the_saved_model_takes_strings(answering, tmp_path):
    with zipfile.ZipFile(download(answering, SAVED_MODEL)) as archive:
        archive.extractall(tmp_path)
    exported = tf.saved_model.load(str(tmp_path))
    found = exported.serve(tf.constant([ASKED]))
    assert found["class_name"].numpy().tolist() == [b"card"]


def test_the_texts_are_a_table_that_the_package_reads(text_session, tmp_path):
    texts = [
        "a, b; c",
        'she said "no"',
        "two\nlines",
        "null",
        "=1+1",
        "\N{GRINNING FACE}",
    ]
    text_session.teach("x, y", list(map(upload_of, texts)))
    text_session.teach("7", [upload_of("seven")])
    path = download(text_session, TEXTS)
    data = ClassDataset.from_csv(path)
    found = {name: data.class_items(name).tolist() for name in data.class_names}
    assert found == {"x, y": texts, "7": ["seven"]}


def test_formats_without_strings_are_not_offered(answering):
    assert FORMATS["image"].keys() - FORMATS["text"].keys() == {
        "LiteRT (.tflite)",
        "ONNX (.onnx)",
        "Web page (.zip)",
        "Pictures in folders (.zip)",
    }
    with pytest.raises(ValueError, match="no format 'LiteRT"):
        download(answering, "LiteRT (.tflite)")
