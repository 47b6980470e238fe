"""The page of `fsl_keras.reports` in a browser."""

import csv

import pytest

import fsl_keras as fsl
from tests.reports.drawn import drawn
from tests.shapes import NAMES, make_learner, write

HOSTILE = '</script><script>window.hacked = 1</script><img src=x onerror="hacked=1">'


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The report of a table of shapes, of which one has a hostile name."""
    folder = tmp_path_factory.mktemp("report")
    tables = []
    for part, seed in (("examples", 0), ("test", 100)):
        images, labels = drawn(NAMES, seed=seed)
        tables.append(folder / f"{part}.csv")
        with tables[-1].open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["image", "label"])
            for path, name in zip(
                write(folder / part, images, labels), labels, strict=True
            ):
                rows.writerow([path, HOSTILE if name == "bar" else name])
    path = folder / "report.html"
    found = fsl.reports.write(make_learner(), path, *tables, title=HOSTILE)
    return path, found


@pytest.fixture
def shown(page, report):
    """The page, on a screen of a computer, with lists of its errors and requests."""
    path, _ = report
    page.problems, page.requested = [], []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("request", lambda request: page.requested.append(request.url))
    # A page of a file may load nothing else.
    page.route(lambda url: url != path.as_uri(), lambda route: route.abort())
    page.set_viewport_size({"width": 1280, "height": 900})
    page.goto(path.as_uri())
    page.wait_for_selector("#map-chart canvas")
    return page


def test_it_loads_nothing_and_runs_no_script_of_a_name(shown, report):
    path, _ = report
    assert shown.problems == []
    others = [url for url in shown.requested if not url.startswith("data:")]
    assert others == [path.as_uri()]
    assert shown.evaluate("window.hacked") is None
    assert shown.title() == HOSTILE
    assert shown.locator("h1").inner_text() == HOSTILE
    assert shown.locator("img[src='x']").count() == 0


def test_a_number_of_the_confusion_matrix_shows_its_pictures(shown, report):
    _, found = report
    (row,) = [
        row
        for row, name in enumerate(found.scores(of_test=True).class_names)
        if name == "disk"
    ]
    count = int(found.scores(of_test=True).matrix[row].max())
    button = shown.locator(".matrix button[data-label=disk][data-part=test]").first
    button.click()
    assert shown.locator("#gallery").is_visible()
    assert f"({count})" in shown.locator("#gallery-title").inner_text()
    images = shown.locator("#gallery-pictures img")
    assert images.count() == count
    sizes = images.evaluate_all("all => all.map(image => image.naturalWidth)")
    assert set(sizes) == {24}


def test_the_keyboard_reaches_the_pictures(shown):
    shown.keyboard.press("Tab")
    assert shown.evaluate("document.activeElement.className") == "skip"
    shown.locator(".matrix button").first.focus()
    shown.keyboard.press("Enter")
    assert shown.locator("#gallery").is_visible()
    shown.keyboard.press("Escape")
    assert not shown.locator("#gallery").is_visible()


def test_a_class_is_chosen_in_the_map(shown):
    shown.select_option("#chosen", HOSTILE)
    selected = shown.evaluate(
        "Bokeh.documents.map(page => page.get_model_by_name('pictures'))"
        ".find(source => source).selected.indices.length"
    )
    assert selected == 8
    shown.click("#open-chosen")
    assert shown.locator("#gallery-title").inner_text() == f"{HOSTILE} (8)"
    assert shown.locator("#gallery-pictures img").count() == 8


def test_a_point_of_the_map_shows_its_picture(shown, report):
    _, found = report
    shown.locator("#map-chart").scroll_into_view_if_needed()
    x, y = found.points[0]
    place = shown.evaluate(
        """([x, y]) => {
          const plot = [...Bokeh.index.roots].find(view => view.model.document
            .get_model_by_name("pictures"));
          const box = plot.canvas_view.el.getBoundingClientRect();
          return [box.x + plot.frame.x_scale.compute(x),
                  box.y + plot.frame.y_scale.compute(y)];
        }""",
        [round(float(x), 5), round(float(y), 5)],
    )
    shown.mouse.move(*place)
    shown.wait_for_selector("#preview img")
    assert HOSTILE in shown.locator("#preview").inner_text()
    shown.mouse.click(*place)
    shown.wait_for_selector("#gallery-pictures img")


def test_a_phone_shows_it_without_scrolling_sideways(shown):
    shown.set_viewport_size({"width": 390, "height": 844})
    shown.wait_for_function("document.documentElement.scrollWidth <= 390")
    assert shown.problems == []
