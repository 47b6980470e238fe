"""Choosing, dropping and pasting pictures on the web page of a classifier."""

import numpy as np
import pytest
from PIL import Image

from tests.browser.conftest import PHONE
from tests.browser.web_page.classified import file_of
from tests.browser.web_page.conftest import HOSTILE
from tests.shapes import NAMES, picture

expect = pytest.importorskip("playwright.sync_api", reason="needs playwright").expect


def choose(page, contents, name="shape.png", kind="image/png"):
    file = {"name": name, "mimeType": kind, "buffer": contents}
    page.locator("#file").set_input_files([file])


def shape(name):
    return file_of(picture(name, (80, 100), seed=77))


def test_chosen_pictures_are_classified(open_classifier):
    page = open_classifier()
    for name in NAMES:
        choose(page, shape(name), f"{name}.png")
        expect(page.get_by_role("heading", level=2)).to_have_text(name)
        expect(page.get_by_role("img", name=f"{name}.png")).to_be_visible()
        assert page.locator(".name").all_inner_texts() == NAMES
        percents = [
            float(text.removesuffix(" %"))
            for text in page.locator(".percent").all_inner_texts()
        ]
        assert NAMES[int(np.argmax(percents))] == name
        assert sum(percents) == pytest.approx(100, abs=0.3)


def test_the_keyboard_alone(open_classifier):
    page = open_classifier()
    file = {"name": "a.png", "mimeType": "image/png", "buffer": shape("disk")}
    # Listened to from the start: Playwright turns it on without waiting for it.
    page.on("filechooser", lambda chooser: chooser.set_files([file]))
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Choose a picture")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#verdict")).to_have_text("disk")
    expect(page.get_by_role("button", name="Choose a picture")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Use the camera")).to_be_focused()


def transfer(page, contents=None):
    """Returns what a drop or a paste carries: a file, or text."""
    return page.evaluate_handle(
        """(bytes) => {
          const transfer = new DataTransfer();
          if (bytes === null) transfer.setData("text/plain", "a picture of a disk");
          else transfer.items.add(new File([new Uint8Array(bytes)], "given.png"));
          return transfer;
        }""",
        None if contents is None else list(contents),
    )


def give(page, way, carried):
    """Drops or pastes."""
    page.evaluate(
        """([way, carried]) => {
          const event = way === "drop"
            ? new DragEvent("drop", { dataTransfer: carried, bubbles: true })
            : new ClipboardEvent("paste", { clipboardData: carried, bubbles: true });
          document.body.dispatchEvent(event);
        }""",
        [way, carried],
    )


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_a_picture_is_dropped_or_pasted(open_classifier, way):
    page = open_classifier()
    give(page, way, transfer(page))
    expect(page.get_by_role("status")).to_contain_text("This is not a picture.")
    give(page, way, transfer(page, shape("beam")))
    expect(page.locator("#verdict")).to_have_text("beam")
    expect(page.get_by_role("status")).to_have_text("given.png")


def test_the_last_picture_wins(open_classifier):
    page = open_classifier()
    large = file_of(picture("bar", (1500, 1500)))
    for contents in (large, shape("disk")):
        choose(page, contents)
    expect(page.locator("#verdict")).to_have_text("disk")
    # The large one is done as well, and shown nowhere.
    page.evaluate("running")
    expect(page.locator("#verdict")).to_have_text("disk")


TEXT = b"<html><script>alert(1)</script></html>"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'


def test_files_that_are_no_pictures(open_classifier):
    page = open_classifier()
    files = {
        "text.png": TEXT,
        "empty.png": b"",
        "cut.png": shape("disk")[:60],
        "drawing.svg": SVG,
        "<b>bold</b>.png": TEXT,
    }
    for name, contents in files.items():
        choose(page, shape("disk"))
        expect(page.locator("#verdict")).to_be_visible()
        choose(page, contents, name)
        said = f"{name} is not a picture that this browser can read. Try JPEG or PNG."
        expect(page.get_by_role("status")).to_have_text(said)
        expect(page.locator("#verdict")).to_be_hidden()
        expect(page.locator("#picture")).to_be_hidden()


@pytest.mark.parametrize(
    "format", [pytest.param("PNG", marks=pytest.mark.slow), "JPEG"]
)
def test_a_photograph_of_100_megapixels(open_classifier, classifiers, format):
    small = Image.fromarray(picture("disk", (100, 100)))
    options = {"compress_level": 1} if format == "PNG" else {}
    contents = file_of(small.resize((10_000, 10_000), 0), format, **options)
    page = open_classifier()
    choose(page, contents, "large")
    expect(page.locator("#verdict")).to_have_text("disk")
    probability = classifiers("color").predict_classes([contents])[0].probability
    expect(page.locator(".percent").nth(2)).to_have_text(f"{100 * probability:.1f} %")
    preview = page.locator("#picture").evaluate(
        "canvas => [canvas.width, canvas.height]"
    )
    assert preview == [640, 640]


@pytest.mark.slow
def test_a_picture_of_more_than_179_megapixels(open_classifier):
    page = open_classifier()
    choose(page, file_of(Image.new("L", (14_000, 13_000))), "huge.png")
    said = "huge.png cannot be classified: it has more than 179 megapixels."
    expect(page.get_by_role("status")).to_have_text(said)


def test_pictures_of_extreme_shape(open_classifier, classifiers):
    page = open_classifier()
    for size in [(1, 1), (1, 3000), (3000, 1)]:
        contents = file_of(Image.new("RGB", size, "white"))
        choose(page, contents, f"{size}")
        wanted = classifiers("color").predict_classes([contents])[0].class_name
        expect(page.get_by_role("status")).to_have_text(f"{size}")
        expect(page.locator("#verdict")).to_have_text(wanted)


def test_names_are_not_html(open_classifier):
    page = open_classifier("of_hostile_names")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog), dialog.dismiss()))
    choose(page, shape("bar"), name=HOSTILE[0])
    expect(page.locator("#verdict")).to_have_text(HOSTILE[0])
    assert sorted(page.locator(".name").all_text_contents()) == sorted(HOSTILE)
    assert page.locator("img, main script").count() == 0
    assert dialogs == []


def test_a_phone(open_classifier):
    page = open_classifier("of_hostile_names", viewport=PHONE, has_touch=True)
    choose(page, shape("frame"))
    expect(page.locator("#verdict")).to_have_text(HOSTILE[NAMES.index("frame")])
    width = page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    for button in page.get_by_role("button").all():
        assert button.bounding_box()["height"] >= 44


def test_a_picture_like_none_of_the_classes(open_classifier):
    page = open_classifier("never_sure")
    choose(page, shape("disk"))
    expect(page.locator("#verdict")).to_have_text("unknown")
    expect(page.locator("#note")).to_have_text("It is like none of the classes.")


def test_of_many_classes_the_most_probable_are_shown(open_classifier, classifiers):
    page = open_classifier("of_many_classes")
    choose(page, shape("disk"))
    expect(page.locator("#rest")).to_have_text("The most probable 10 of 100 classes.")
    best = classifiers("of_many_classes").predict_classes([shape("disk")])[0].top(10)
    assert page.locator(".name").all_inner_texts() == [name for name, _ in best]
