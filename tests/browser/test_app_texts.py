"""`fsl-keras app` with texts, in a real browser."""

import keras
import pytest

from fsl_keras import ClassDataset
from tests.app.pictures import COLORS, png
from tests.app.server import serving, wait_for
from tests.app.texts import QUESTIONS
from tests.browser.conftest import PHONE
from tests.browser.person import Person

KNOWN = {f"{name} (5)" for name in QUESTIONS}
MARKUP = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    pytest.importorskip("gradio")
    folder = tmp_path_factory.mktemp("server")
    with serving(folder, "--encoder", "hashed") as address:
        yield address


@pytest.fixture
def person(browser, open_page, address):
    return Person(open_page(browser, address))


@pytest.fixture
def teacher(person):
    """A person who has taught three classes of questions."""
    for name, questions in QUESTIONS.items():
        person.teaches_texts(name, questions, "Learned 5 texts.")
        person.has_button(name)
    return person


def texts(person):
    return person.page.locator("#texts label").all_inner_texts()


def test_classes_are_taught_from_lines_and_known(teacher):
    teacher.tries("where is the card")
    teacher.reads("card")
    bars = teacher.page.locator("#answer").inner_text()
    assert {*QUESTIONS, "unknown"} <= set(bars.split())
    teacher.tries("I want another PIN")
    teacher.reads("pin")
    accuracy = teacher.page.locator("#accuracy").inner_text()
    assert "Leave-one-out accuracy" in accuracy
    teacher.page.get_by_alt_text("Confusion matrix of leave-one-out").wait_for()
    assert texts(teacher) == QUESTIONS["rate"]


def test_a_wrong_answer_is_corrected_by_one_click_and_undone(teacher):
    teacher.tries("how many euros is a card")
    teacher.has_button("rate").click()
    teacher.says("Learned what is shown as rate.")
    teacher.has({"card (5)", "pin (5)", "rate (6)"})
    # The text is answered again by itself.
    teacher.reads("rate")
    teacher.tries("play some jazz")
    teacher.page.get_by_label("Or another class").fill("music")
    teacher.page.locator("#correct").click()
    teacher.has_button("music")
    teacher.reads("music")
    for classes in ({"card (5)", "pin (5)", "rate (6)"}, KNOWN):
        teacher.page.locator("#undo").click()
        teacher.has(classes)
    teacher.tries("")
    wait_for(lambda: not teacher.page.locator("#answer").inner_text(), "no answer")
    teacher.has_button("rate").click()
    teacher.is_told("Enter a text first.")


def test_single_texts_are_marked_removed_and_moved(teacher):
    page = teacher.page
    teacher.teaches_texts("card", ["WHERE IS MY CARD", "The exchange rate, please?"])
    page.locator("#note").get_by_text("3 texts may be a copy or in the").wait_for()
    marked = [text for text in texts(teacher) if text.startswith("⚠")]
    assert marked[0] == "⚠ Where is my card? (nearly the same as WHERE IS MY CARD)"
    assert marked[2].startswith("⚠ The exchange rate, please? (looks like rate")
    page.get_by_label(marked[1], exact=True).check()
    teacher.says("WHERE IS MY CARD, of card: nearly the same as Where is my card?")
    page.locator("#remove").click()
    teacher.says("Removed the text.")
    page.get_by_label("The exchange rate, please?").check()
    teacher.says("The exchange rate, please?, of card")
    teacher.chooses("target", "rate (5)")
    page.locator("#move").click()
    teacher.says("Moved the text to rate.")
    teacher.has({"card (5)", "pin (5)", "rate (6)"})


def test_classes_are_renamed_merged_and_removed(teacher):
    page = teacher.page
    teacher.chooses("chosen", "card (5)")
    page.get_by_label("New name").fill("delivery")
    page.locator("#rename").click()
    teacher.says("Renamed card.")
    teacher.chooses("target", "pin (5)")
    page.locator("#merge").click()
    teacher.says("Merged delivery into pin.")
    teacher.has({"pin (10)", "rate (5)"})
    page.locator("#remove-class").click()
    teacher.says("Removed pin.")
    teacher.has({"rate (5)"})


def test_downloads_are_opened_by_keras_and_on_the_page(
    teacher, browser, open_page, address, tmp_path
):
    path = tmp_path / "bank.keras"
    teacher.downloads(path)
    classifier = keras.saving.load_model(path)
    assert classifier.class_names == list(QUESTIONS)
    (prediction,) = classifier.predict_classes("where is the card")
    assert prediction.class_name == "card"
    teacher.page.locator("#format input").click()
    offered = teacher.page.get_by_role("option").all_inner_texts()
    assert [text.strip("✓\n ") for text in offered] == [
        "Keras (.keras)",
        "TensorFlow SavedModel (.zip)",
        "Texts and labels (.csv)",
    ]
    teacher.page.get_by_role("option", name="Texts and labels (.csv)").click()
    teacher.downloads(tmp_path / "bank.csv")
    data = ClassDataset.from_csv(tmp_path / "bank.csv")
    assert data.class_items("pin").tolist() == QUESTIONS["pin"]
    other = Person(open_page(browser, address))
    other.opens(path)
    other.has(KNOWN)
    other.chooses("chosen", "pin (5)")
    wait_for(lambda: texts(other) == QUESTIONS["pin"], "the texts of the file")


def test_a_table_with_labels_is_taught_at_once(person, tmp_path):
    path = tmp_path / "bank.csv"
    rows = [f'"{t}",{name}' for name, some in QUESTIONS.items() for t in some]
    path.write_text("\n".join(["text,label", *rows, ",pin"]), encoding="utf-8")
    page = person.page
    page.get_by_role("tab", name="A file").click()
    page.locator("#text-files input[type=file]").set_input_files(path)
    page.locator("#text-files").get_by_text("bank").wait_for()
    page.locator("#teach").click()
    person.says("Learned 15 texts. Left out bank.csv, line 17: 'text' is blank.")
    person.has(KNOWN)


def test_of_many_classes_the_most_probable_are_shown(person, tmp_path):
    path = tmp_path / "many.csv"
    rows = [f"question {i},class {i}" for i in range(60)]
    path.write_text("\n".join(["text,label", *rows]), encoding="utf-8")
    page = person.page
    page.get_by_role("tab", name="A file").click()
    page.locator("#text-files input[type=file]").set_input_files(path)
    page.locator("#text-files").get_by_text("many").wait_for()
    page.locator("#teach").click()
    person.says("Learned 60 texts.")
    page.get_by_role("tab", name="Texts", exact=True).click()
    person.tries("question 7")
    person.reads("class 7")
    assert page.locator("#answer dt").count() == 20
    assert page.locator("#corrections button").count() == 50


def test_lines_are_kept_until_they_are_learned(person):
    page = person.page
    page.locator("#lines textarea").fill("where is my card")
    page.locator("#teach").click()
    person.is_told("The class has no name")
    assert person.lines() == "where is my card"
    person.teaches_texts("card", ["", "where is my card", " "], "Learned 1 text.")


def test_more_lines_and_longer_texts_than_are_learned(browser, open_page, address):
    allowed = ["clipboard-read", "clipboard-write"]
    person = Person(open_page(browser, address, permissions=allowed))
    page = person.page
    page.get_by_label("Name of the class").fill("many")
    person.pastes("#lines textarea", "\n".join(map(str, range(5_000))))
    page.locator("#teach").click()
    person.says("Learned 1000 texts. Left out 4000 more texts: at most 1000 are")
    page.locator("#note").get_by_text("The first 200 of 1000 are shown").wait_for()
    page.locator("#undo").click()
    person.has(set())
    person.pastes("#lines textarea", "short\n" + "x" * 20_000)
    page.locator("#teach").click()
    person.says("longer than 10,000 characters")
    person.has({"many (1)"})
    person.pastes("#text textarea", "short " * 5_000)
    person.reads("many")
    assert len(page.locator("#text textarea").input_value()) == 10_000


def test_markup_in_texts_and_names_is_text(person):
    person.teaches_texts(MARKUP, [MARKUP, f"{MARKUP} again"])
    person.teaches_texts("card", QUESTIONS["card"])
    person.tries(MARKUP)
    person.reads(MARKUP)
    person.has_button(MARKUP).click()
    person.says(f"Learned what is shown as {MARKUP}.")
    page = person.page
    page.get_by_label(f"{MARKUP} again").check()
    person.says(f"{MARKUP} again, of {MARKUP}")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_pictures_and_texts_are_changed_only_while_nothing_is_taught(person):
    page = person.page
    page.get_by_label("Pictures", exact=True).check()
    page.locator("#files").wait_for()
    page.locator("#lines").wait_for(state="hidden")
    page.get_by_label("Texts", exact=True).check()
    person.teaches_texts("card", QUESTIONS["card"])
    page.get_by_label("Pictures", exact=True).check()
    person.is_told("takes pictures, and the classes here are of texts")
    wait_for(page.get_by_label("Texts", exact=True).is_checked, "the choice of before")
    person.has({"card (5)"})


def test_a_classifier_of_the_other_kind_is_opened_and_taught(
    teacher, browser, open_page, address, tmp_path
):
    painter = Person(open_page(browser, address))
    painter.page.get_by_label("Pictures", exact=True).check()
    files = {color: tmp_path / f"{color}.png" for color in COLORS}
    for color, path in files.items():
        path.write_bytes(png(color, 0))
        painter.teaches(color, [path])
    painter.downloads(tmp_path / "colors.keras")
    teacher.opens(tmp_path / "colors.keras")
    teacher.has({f"{color} (1)" for color in COLORS})
    teacher.shows(files["red"])
    teacher.reads("red")
    teacher.page.locator("#undo").click()
    teacher.has(KNOWN)
    # The box of the text is shown with the answer, which is empty again.
    red = teacher.page.locator("#answer h2").get_by_text("red", exact=True)
    red.wait_for(state="hidden")
    teacher.tries("where is the card")
    teacher.reads("card")


def test_on_a_phone(browser, open_page, address):
    person = Person(open_page(browser, address, viewport=PHONE))
    person.teaches_texts("card", ["where is my card " * 50, "x" * 500])
    person.teaches_texts("pin", QUESTIONS["pin"])
    person.tries("a new PIN")
    person.reads("pin")
    person.chooses("chosen", "card (2)")
    wait_for(lambda: len(texts(person)) == 2, "the texts of the class")
    width = person.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
