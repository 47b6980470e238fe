"""What is shown of a session, and what handlers return."""

import pytest

pytest.importorskip("gradio", reason="needs the extra app")

from fsl_keras.app import views
from fsl_keras.app.handlers import Handlers
from fsl_keras.app.texts import upload_of
from tests.app.pictures import COLORS, png, teach_colors, uploads, write_archive
from tests.app.texts import QUESTIONS


@pytest.fixture
def handlers(learners):
    return Handlers(learners)


def test_messages_are_escaped():
    assert views.status("<b>") == '<p role="status">&lt;b&gt;</p>'


def test_classes_are_listed_with_their_numbers_of_pictures(taught):
    assert views.class_choices(taught) == [(f"{c} (5)", c) for c in COLORS]
    assert views.class_choices(taught, True)[0] == ("All classes (15)", views.ALL)


def test_the_pictures_of_a_class_are_shown_with_what_is_wrong(taught):
    taught.teach("red", uploads("blue", [60]))
    captions = [caption for _, caption in views.gallery(taught, "red")]
    assert captions[0] == "red_0.png"
    assert captions[-1].startswith("⚠ looks like blue")
    assert "1 picture may be" in views.gallery_note(taught, "red")
    assert views.gallery(taught, views.ALL)[0][1] == "red"


def test_a_mistake_changes_nothing_on_the_page(handlers):
    # Without a page, what it would show for a while is a warning.
    with pytest.warns(UserWarning, match="There is no class 'red'"):
        session, names, status, *others = handlers.rename(None, "red", "blue")
    assert names == session.class_names == []
    assert "There is no class" in status
    learner, item_kind, *others = others
    assert (learner, item_kind) == (handlers.learner_names[0], "image")
    assert {value["__type__"] for value in others} == {"update"}
    session.close()


def test_a_change_shows_as_many_values_as_a_mistake(handlers):
    session = handlers.new_session()
    teach_colors(session)
    changed = handlers.rename(session, "red", "scarlet")
    assert changed[1] == ["scarlet", "green", "blue"]
    assert "Renamed red." in changed[2]
    with pytest.warns(UserWarning, match="There is no class 'red'"):
        mistaken = handlers.rename(session, "red", "blue")
    assert len(changed) == len(mistaken)
    session.close()


def test_the_confusion_matrix_is_a_file_of_the_session(taught, session):
    update = views.confusion_picture(taught)
    assert update["visible"]
    assert (taught.folder / "confusion.png").stat().st_size > 1000


def test_nothing_is_shown_of_nothing(session):
    assert views.gallery(session, views.ALL) == []
    assert "Nothing taught yet" in views.gallery_note(session, views.ALL)
    assert not views.confusion_picture(session)["visible"]
    assert views.summary(session, "x") == {
        "message": "x",
        "classes": {},
        "accuracy": None,
    }


def test_texts_are_shown_with_what_is_wrong(answering):
    answering.teach("card", [upload_of("WHERE IS  MY CARD")])
    lines = [line for line, _ in views.texts(answering, "card")]
    assert lines[0] == "⚠ Where is my card? (nearly the same as WHERE IS MY CARD)"
    assert lines[1:5] == QUESTIONS["card"][1:]
    line, id = views.texts(answering, views.ALL)[-2]
    assert line == f"rate: {QUESTIONS['rate'][-1]}"
    assert "Does the rate change at weekends, of rate" in views.selected(answering, id)
    assert views.gallery(answering, views.ALL) == []
    assert "2 texts may be a copy" in views.gallery_note(answering, "card")


def taught_lines(handlers, name, lines):
    """What the page shows after texts were taught; the session, and the status."""
    session = handlers.new_session()
    handlers.turn(session, "text")
    values = handlers.teach(session, name, None, None, lines, None)
    return session, values[2], values


def test_a_thousand_pictures_are_taught_to_the_limit(handlers, tmp_path):
    files = {f"{i}.png": png("red", i) for i in range(1000)}
    path = write_archive(tmp_path / "red.zip", files)
    session = handlers.new_session()
    status = handlers.teach(session, "red", [path], None, None, None)[2]
    assert len(session.examples) == 500
    assert "Learned 500 pictures. Left out 500 more files" in status
    session.close()


def test_a_hundred_thousand_lines_are_taught_to_the_limit(handlers):
    lines = "\r\n".join(f"text {i}" for i in range(100_000))
    session, status, values = taught_lines(handlers, "many", lines)
    assert len(session.examples) == 1000
    assert "Learned 1000 texts. Left out 99000 more texts" in status
    assert values[-4:] == [None, None, "", None]  # where they were given is empty
    session.close()


def test_a_text_of_a_megabyte_is_named(handlers):
    session, status, _ = taught_lines(handlers, "long", "short\n" + "x" * 2**20)
    assert len(session.examples) == 1
    assert "longer than 10,000 characters" in status
    assert handlers.look(session, "x" * 2**20).startswith("The text has 1,048,576 ch")
    assert handlers.look(session, " \n") == ""
    session.close()


def test_lines_without_a_text_are_a_mistake(handlers):
    with pytest.warns(UserWarning, match="no text to learn. Enter texts, one in each"):
        session, _, values = taught_lines(handlers, "none", "\n \n")
    assert session.class_names == []
    assert {value["__type__"] for value in values[-4:]} == {"update"}  # kept as it is
    session.close()


def test_pictures_that_are_shown_do_not_become_texts(handlers):
    session = handlers.new_session()
    teach_colors(session, 1)
    handlers.look(session, png("red", 1))
    with pytest.warns(
        UserWarning, match="takes texts, and the classes here are of pic"
    ):
        values = handlers.choose_kind(session, "text")
    assert values[4] == session.item_kind == "image"
    session.close()
