"""`fsl-keras app` in a real browser."""

import zipfile

import keras
import pytest

from fsl_keras.classifier import FewShotClassifier
from tests.app.pictures import COLORS, array, encoded, png, write_archive
from tests.app.server import serving
from tests.browser.conftest import PHONE
from tests.browser.person import Person


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where the server keeps its temporary files."""
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def address(folder):
    pytest.importorskip("gradio")
    with serving(folder) as address:
        yield address
    # The uploads, thumbnails and downloads of all tests are gone with the server.
    assert list(folder.glob("fsl-keras-*")) == []


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Files of five pictures of each color, by color."""
    folder = tmp_path_factory.mktemp("pictures")
    found = {}
    for number, color in enumerate(COLORS):
        found[color] = [folder / f"{color}_{i}.png" for i in range(5)]
        for i, path in enumerate(found[color]):
            path.write_bytes(png(color, 10 * number + i))
    return found


@pytest.fixture
def person(browser, open_page, address):
    return Person(open_page(browser, address))


@pytest.fixture
def teacher(person, pictures):
    """A person who has taught three colors."""
    for color, paths in pictures.items():
        person.teaches(color, paths)
        button = person.page.locator("#corrections").get_by_role("button", name=color)
        button.wait_for()
    return person


def test_classes_are_taught_and_known(teacher, pictures):
    teacher.shows(pictures["blue"][0])
    teacher.reads("blue")
    bars = teacher.page.locator("#answer").inner_text()
    assert {*COLORS, "unknown"} <= set(bars.split())
    assert (
        "Leave-one-out accuracy 100.0 %"
        in teacher.page.locator("#accuracy").inner_text()
    )
    teacher.page.get_by_alt_text("Confusion matrix of leave-one-out").wait_for()
    assert teacher.page.locator("#gallery img").count() == 5


def test_a_wrong_answer_is_corrected_by_one_click(teacher, tmp_path):
    white = tmp_path / "white.png"
    white.write_bytes(encoded(array("red", 3) // 8 + 220))
    teacher.shows(white)
    teacher.reads("unknown")
    teacher.page.get_by_label("Or another class").fill("white")
    teacher.page.locator("#correct").click()
    teacher.says("Learned what is shown as white.")
    button = teacher.page.locator("#corrections").get_by_role("button", name="white")
    button.wait_for()
    teacher.shows(white)
    teacher.reads("white")
    teacher.page.locator("#corrections").get_by_role("button", name="red").click()
    teacher.says("Learned what is shown as red.")
    teacher.has({"red (6)", "green (5)", "blue (5)", "white (1)"})


def test_classes_are_renamed_merged_removed_and_brought_back(teacher):
    page = teacher.page
    teacher.chooses("chosen", "red (5)")
    page.get_by_label("New name").fill("scarlet")
    page.locator("#rename").click()
    teacher.says("Renamed red.")
    teacher.chooses("target", "blue (5)")
    page.locator("#merge").click()
    teacher.says("Merged scarlet into blue.")
    teacher.has({"green (5)", "blue (10)"})
    page.locator("#remove-class").click()
    teacher.says("Removed blue.")
    teacher.has({"green (5)"})
    for before in (
        {"green (5)", "blue (10)"},
        {"scarlet (5)", "green (5)", "blue (5)"},
        {"red (5)", "green (5)", "blue (5)"},
    ):
        page.locator("#undo").click()
        teacher.has(before)


def test_single_pictures_are_marked_removed_and_moved(teacher, pictures):
    page = teacher.page
    teacher.teaches("red", pictures["blue"][:1])
    page.locator("#gallery").get_by_text("of blue").wait_for()
    note = page.locator("#note").inner_text()
    assert "1 picture may be a copy or in the wrong class" in note
    page.locator("#gallery button").last.click()
    teacher.says("blue_0.png, of red")
    page.locator("#remove").click()
    teacher.says("Removed the picture.")
    page.locator("#gallery button").first.click()
    teacher.says("red_0.png, of red")
    teacher.chooses("target", "green (5)")
    page.locator("#move").click()
    teacher.says("Moved the picture to green.")
    teacher.has({"red (4)", "green (6)", "blue (5)"})


def test_a_download_is_opened_by_keras_and_on_the_page(
    teacher, browser, open_page, address, tmp_path
):
    page = teacher.page
    page.locator("#make").click()
    teacher.says("classifier.keras is ready")
    with page.expect_download() as started:
        page.locator("#download a").first.click()
    path = tmp_path / "colors.keras"
    started.value.save_as(path)
    classifier = keras.saving.load_model(path)
    assert isinstance(classifier, FewShotClassifier)
    assert classifier.class_names == list(COLORS)
    other = Person(open_page(browser, address))
    other.page.locator("#saved input[type=file]").set_input_files(path)
    other.says("Opened colors.keras: 3 classes.")
    other.has({f"{color} (5)" for color in COLORS})
    assert "15 examples of an opened file" in other.page.locator("#note").inner_text()


def test_the_pictures_are_downloaded_in_folders(teacher, tmp_path):
    page = teacher.page
    teacher.chooses("format", "Pictures in folders (.zip)")
    page.locator("#make").click()
    teacher.says("pictures.zip is ready")
    with page.expect_download() as started:
        page.locator("#download a").first.click()
    started.value.save_as(tmp_path / "pictures.zip")
    names = zipfile.ZipFile(tmp_path / "pictures.zip").namelist()
    assert sorted({name.split("/")[0] for name in names}) == sorted(COLORS)


def test_an_archive_of_class_folders_is_taught_at_once(person, tmp_path):
    files = {f"{c}/{i}.png": png(c, i) for c in ("red", "blue") for i in range(3)}
    files["../../escaped.png"] = png("red", 9)
    person.teaches(
        "", [write_archive(tmp_path / "colors.zip", files)], "Learned 6 pictures."
    )
    person.says("../../escaped.png: its path leads out of the archive")
    person.has({"red (3)", "blue (3)"})


def test_a_folder_is_taught(person, pictures):
    page = person.page
    page.get_by_label("Name of the class").fill("red")
    page.get_by_role("tab", name="A folder").click()
    folder = pictures["red"][0].parent
    page.locator("#folder input[type=file]").set_input_files(folder)
    page.locator("#folder").get_by_text("red_4").wait_for()
    page.locator("#teach").click()
    person.says("Learned 15 pictures.")


def test_what_is_no_picture_is_named(person, tmp_path):
    path = tmp_path / "diary.png"
    path.write_bytes(b"Dear diary")
    page = person.page
    page.get_by_label("Name of the class").fill("red")
    page.locator("#files input[type=file]").set_input_files([path])
    page.locator("#files").get_by_text("diary").wait_for()
    page.locator("#teach").click()
    person.is_told("diary.png: not a JPEG")
    person.has(set())


def test_a_class_needs_a_name_of_its_own(teacher, pictures):
    page = teacher.page
    page.get_by_label("Name of the class").fill("  ")
    page.locator("#files input[type=file]").set_input_files(pictures["red"])
    page.locator("#files").get_by_text("red_4").wait_for()
    page.locator("#teach").click()
    teacher.is_told("The class has no name")
    teacher.chooses("chosen", "red (5)")
    page.get_by_label("New name").fill("blue")
    page.locator("#rename").click()
    teacher.is_told("There is a class 'blue' already")
    teacher.has({f"{color} (5)" for color in COLORS})


def test_markup_in_names_is_text(person, pictures):
    name = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script>"
    person.teaches(name, pictures["red"])
    person.teaches("blue", pictures["blue"])
    person.shows(pictures["red"][0])
    person.reads(name)
    page = person.page
    page.locator("#corrections").get_by_role("button", name=name).click()
    person.says(f"Learned what is shown as {name}.")
    person.chooses("chosen", "blue (5)")
    page.get_by_label("New name").fill(name)
    page.locator("#rename").click()
    person.is_told(f"There is a class '{name}' already")
    assert page.evaluate("window.hacked") is None
    assert page.locator("img[src=x]").count() == 0


def test_a_file_of_another_kind_is_not_opened(person, tmp_path):
    path = tmp_path / "other.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    person.page.locator("#saved input[type=file]").set_input_files(path)
    person.is_told("other.keras is a Sequential and not a classifier")


def test_another_learner_is_chosen(teacher, pictures):
    teacher.chooses("learner", "simple_shot_conv4_mini_imagenet")
    teacher.says("The learner is simple_shot_conv4_mini_imagenet.")
    teacher.shows(pictures["green"][0])
    teacher.reads("green")
    teacher.chooses("learner", "reptile_conv4_omniglot")
    teacher.is_told("made for a fixed number of classes")


def test_two_people_keep_apart(browser, open_page, address, pictures):
    first, second = (Person(open_page(browser, address)) for _ in range(2))
    first.teaches("red", pictures["red"])
    second.teaches("blue", pictures["blue"])
    second.teaches("green", pictures["green"])
    first.has({"red (5)"})
    second.has({"blue (5)", "green (5)"})


def test_a_page_that_is_closed_while_it_learns(browser, open_page, address, pictures):
    page = browser.new_page()
    page.goto(address)
    person = Person(page)
    person.teaches("red", pictures["red"])
    page.locator("#files input[type=file]").set_input_files(pictures["blue"])
    page.locator("#teach").click()
    page.close()
    other = Person(open_page(browser, address))
    other.teaches("green", pictures["green"])
    other.has({"green (5)"})


def test_by_the_keyboard_alone(teacher):
    page = teacher.page
    page.get_by_label("New name").focus()
    page.keyboard.press("Shift+Tab")  # the list of classes
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("first")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    teacher.says("Renamed")
    reached = set()
    page.locator("body").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(document.activeElement.closest('[id]:not([id^=component])') || {}).id"
            )
        )
    assert {"undo", "teach", "rename", "merge", "remove", "make"} <= reached


def test_on_a_phone(browser, open_page, address, pictures):
    person = Person(open_page(browser, address, viewport=PHONE))
    person.teaches("red", pictures["red"])
    person.shows(pictures["red"][0])
    person.reads("red")
    width = person.page.evaluate("document.documentElement.scrollWidth")
    assert width <= PHONE["width"]


def test_nothing_comes_from_other_hosts(browser, open_page, address, pictures):
    page = open_page(browser, "about:blank")
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    Person(page).teaches("red", pictures["red"])
    page.locator("#gallery img").last.wait_for()
    local = (address, "data:", "blob:")
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith(local)] == []


def test_the_camera_answers_live(launch, open_page, address, pictures, tmp_path):
    video = tmp_path / "blue.mjpeg"
    frame = encoded(array("blue", 20, 256), "JPEG", quality=95)
    video.write_bytes(frame * 30)
    browser = launch(
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={video}",
    )
    person = Person(open_page(browser, address))
    for color in ("red", "blue"):
        person.teaches(color, pictures[color])
    camera = person.page.locator("#camera")
    camera.get_by_role("button").first.click()
    camera.get_by_text("Record").click()
    person.reads("blue")
    person.page.get_by_label("Or another class").fill("the sea")
    person.page.locator("#correct").click()
    person.says("Learned what is shown as the sea.")
    # The camera goes on, and the new class is known at once.
    person.reads("the sea")
    person.page.locator("#undo").click()
    person.reads("blue")


def opened_without_camera(browser, address, says):
    """A page on which the camera was asked for; the browser says why there is none."""
    page = browser.new_page()  # the error of the missing camera reaches the console
    page.goto(address)
    person = Person(page)
    page.locator("#camera").get_by_role("button").first.click()
    page.locator("#camera-note").get_by_text(says).wait_for()
    page.locator("#camera-note").get_by_text("Use “Picture” to choose").wait_for()
    return person


def test_without_a_camera_there_are_files(browser, address, pictures):
    person = opened_without_camera(browser, address, "There is no camera.")
    person.teaches("red", pictures["red"])
    person.shows(pictures["red"][0])
    person.reads("red")
    person.page.close()


def test_a_camera_that_is_refused(launch, address):
    # Without a window, nobody can allow it.
    browser = launch("--use-fake-device-for-media-stream")
    says = "The browser does not let this page use the camera"
    opened_without_camera(browser, address, says).page.close()


def test_a_camera_on_another_machine(launch, open_page, address):
    browser = launch("--host-resolver-rules=MAP page.test 127.0.0.1")
    page = open_page(browser, address.replace("127.0.0.1", "page.test"))
    page.locator("#camera-note").get_by_text("lets no page use the camera").wait_for()
