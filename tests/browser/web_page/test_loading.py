"""How the web page of a classifier is loaded, and what it may load."""

import pytest

from fsl_keras.classifier.exporting import web
from tests.browser.web_page.classified import compare, file_of, wait_until_ready
from tests.shapes import NAMES, picture

FILES = [file_of(picture(name)) for name in NAMES]


def test_from_a_server(browser, open_page, exported, classifiers, serve):
    address = serve(exported("color"))
    page = open_page(browser, "about:blank")
    requested = []
    page.on("request", lambda request: requested.append(request.url))
    page.goto(address)
    wait_until_ready(page)
    assert compare(page, classifiers("color"), FILES)[0] == 1
    foreign = [url for url in requested if not url.startswith((address, "blob:"))]
    assert foreign == []


def test_nothing_can_be_sent(browser, open_page, exported, serve):
    address = serve(exported("color"))
    page = open_page(browser, address)
    sent = page.evaluate(
        "fetch(location, { method: 'POST', body: 'a' }).then(() => 'sent', String)"
    )
    assert sent.startswith("TypeError")


@pytest.fixture(scope="module")
def of_public_server(classifiers, tmp_path_factory):
    """The folder of a page that contains no runtime."""
    folder = tmp_path_factory.mktemp("public") / "page"
    classifiers("color").export(folder, "web")
    return (folder / "index.html").as_uri()


def test_the_runtime_of_a_public_server(
    browser, open_page, of_public_server, classifiers, web_runtime
):
    page = open_page(browser, "about:blank")
    files = web.runtime_folder(web_runtime)

    def answer(route):
        name = route.request.url.removeprefix(web.CDN)
        headers = {"Access-Control-Allow-Origin": "*"}
        route.fulfill(path=files / name, headers=headers)

    # The server cannot be reached from here: these are the files that it has.
    page.route(f"{web.CDN}*", answer)
    page.goto(of_public_server)
    wait_until_ready(page)
    assert compare(page, classifiers("color"), FILES)[0] == 1


@pytest.mark.parametrize("script", [None, "alert('another script')"])
def test_a_runtime_that_is_missing_or_another(
    browser, open_page, of_public_server, script
):
    page = open_page(browser, "about:blank")

    def answer(route):
        if script is None:
            route.abort()
        else:
            headers = {"Access-Control-Allow-Origin": "*"}
            route.fulfill(body=script, headers=headers, content_type="text/javascript")

    page.route(f"{web.CDN}*", answer)
    page.goto(of_public_server)
    said = wait_until_ready(page)
    assert "onnxruntime-web could not be loaded. Connect to the internet" in said
    assert page.get_by_role("button", disabled=True).count() == 2
