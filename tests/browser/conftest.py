"""A real browser: Debian's Chromium, driven by Playwright, and pages for it."""

import contextlib
import functools
import http.server
import os
import pathlib
import shutil
import threading

import pytest

PHONE = {"width": 390, "height": 844}
# How long a page may take, in milliseconds: the processor may be shared.
MOST_WAITING = 60_000


@pytest.fixture(scope="module")
def launch():
    """Starts Chromium with further arguments; it is closed at the end of the file.

    The end of the file and not of the run, as Playwright's event loop would be in the
    way of other tests.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    playwright.expect.set_options(timeout=MOST_WAITING)
    with playwright.sync_playwright() as running, contextlib.ExitStack() as stack:

        def start(*arguments):
            browser = running.chromium.launch(
                executable_path=path,
                args=["--no-sandbox", *arguments],  # root cannot use the sandbox
                timeout=MOST_WAITING,
            )
            stack.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="module")
def browser(launch):
    """Chromium without a camera."""
    return launch()


@pytest.fixture
def open_page():
    """Opens a page in a browser; one that raises an error in a script fails the test.

    Its arguments are the browser, the address, and those of `browser.new_page`.
    """
    errors = []
    with contextlib.ExitStack() as stack:

        def open_in(browser, address, **options):
            page = browser.new_page(**options)
            stack.callback(page.close)
            page.set_default_timeout(MOST_WAITING)
            page.on("pageerror", lambda error: errors.append(error))
            page.goto(address)
            return page

        yield open_in
    assert errors == []


@pytest.fixture
def page(browser, open_page):
    """An empty page."""
    return open_page(browser, "about:blank")


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        """Writes nothing between the lines of the tests."""


@pytest.fixture(scope="module")
def serve():
    """Serves the files of a folder; returns the address of the folder."""
    with contextlib.ExitStack() as stack:

        def start(folder):
            handler = functools.partial(_Handler, directory=str(folder))
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
            stack.callback(server.server_close)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_port}/"

        yield start


@pytest.fixture(scope="session")
def web_runtime():
    """The folder of the unpacked package onnxruntime-web."""
    folder = os.environ.get("FSL_KERAS_ONNXRUNTIME_WEB")
    if not folder or not pathlib.Path(folder).is_dir():
        pytest.skip("needs the package onnxruntime-web: FSL_KERAS_ONNXRUNTIME_WEB")
    return pathlib.Path(folder)
