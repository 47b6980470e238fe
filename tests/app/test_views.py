"""What is shown of a session, and what handlers return."""

import pytest

pytest.importorskip("gradio", reason="needs the extra app")

from fsl_keras.app import views
from fsl_keras.app.handlers import Handlers
from tests.app.pictures import COLORS, teach_colors, uploads


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
