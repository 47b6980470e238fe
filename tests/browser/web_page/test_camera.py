"""The camera on the web page of a classifier."""

import numpy as np
import pytest
from PIL import Image

from tests.shapes import picture

expect = pytest.importorskip("playwright.sync_api", reason="needs playwright").expect


def write_video(path, images):
    """Writes gray pictures as an uncompressed video of one frame a second."""
    height, width = images[0].shape
    with path.open("wb") as file:
        file.write(f"YUV4MPEG2 W{width} H{height} F30:1 Ip A1:1 C420jpeg\n".encode())
        for image in images:
            color = np.full(image.size // 2, 128, "uint8")
            file.write(b"FRAME\n" + image.tobytes() + color.tobytes())


@pytest.fixture(scope="module")
def with_camera(launch, tmp_path_factory):
    """Starts Chromium with a camera that films a shape, with or without asking."""

    def start(name, allowed=True):
        path = tmp_path_factory.mktemp("camera") / "shape.y4m"
        gray = Image.fromarray(picture(name, (240, 320))).convert("L")
        write_video(path, [np.asarray(gray)])
        return launch(
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={path}",
            *(["--use-fake-ui-for-media-stream"] if allowed else []),
        )

    return start


def test_it_is_classified_live_until_it_is_stopped(open_classifier, with_camera):
    page = open_classifier(browser=with_camera("frame"))
    for _ in ("started with the keyboard alone", "started again"):
        page.get_by_role("button", name="Use the camera").focus()
        page.keyboard.press("Space")
        expect(page.locator("#verdict")).to_have_text("frame")
        expect(page.locator("#video")).to_be_visible()
        page.get_by_role("button", name="Stop the camera").press("Enter")
        expect(page.get_by_role("status")).to_have_text("The camera is off.")
        expect(page.locator("#video")).to_be_hidden()
        expect(page.locator("#answer")).to_be_hidden()
    assert page.evaluate("document.getElementById('video').srcObject") is None


def test_a_picture_takes_its_place(open_classifier, with_camera):
    page = open_classifier(browser=with_camera("frame"))
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#verdict")).to_have_text("frame")
    file = {"name": "no picture", "mimeType": "image/png", "buffer": b"text"}
    page.locator("#file").set_input_files([file])
    expect(page.get_by_role("status")).to_contain_text("is not a picture")
    expect(page.get_by_role("button", name="Use the camera")).to_be_visible()
    expect(page.locator("#video")).to_be_hidden()


def test_there_is_none(open_classifier):
    page = open_classifier()
    page.get_by_role("button", name="Use the camera").click()
    said = "There is no camera. Choose a picture instead."
    expect(page.get_by_role("status")).to_have_text(said)


def test_it_is_not_allowed(open_classifier, with_camera):
    page = open_classifier(browser=with_camera("disk", allowed=False))
    page.get_by_role("button", name="Use the camera").click()
    expect(page.get_by_role("status")).to_contain_text("may not use the camera")


def test_it_is_disconnected(open_classifier, with_camera):
    page = open_classifier(browser=with_camera("disk"))
    page.get_by_role("button", name="Use the camera").click()
    expect(page.locator("#verdict")).to_have_text("disk")
    page.evaluate("stream.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("status")).to_have_text("The camera was disconnected.")
    expect(page.get_by_role("button", name="Use the camera")).to_be_visible()
