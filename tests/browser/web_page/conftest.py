"""Web pages of classifiers of shapes."""

import functools

import numpy as np
import pytest

from fsl_keras.layers import ImagePreprocessing
from tests.browser.web_page.classified import wait_until_ready
from tests.shapes import NAMES, THREE, make_learner, pictures

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "${alert(3)}'\"&amp;\u2028птица",
    "an_unbroken_name_" * 12,
]


def color():
    return make_learner(channels=3).adapt(*pictures(NAMES, size=(80, 100)))


def cropped():
    classifier = make_learner(channels=3).adapt(*pictures(THREE))
    classifier.preprocessing = ImagePreprocessing((16, 16), 3, resize="crop")
    return classifier


def padded():
    """Of dark ink on white paper, in gray."""
    classifier = make_learner().adapt(*pictures(THREE), invert=True)
    classifier.preprocessing = ImagePreprocessing((16, 16), 1, True, resize="pad")
    return classifier


def never_sure():
    return make_learner().adapt(*pictures(THREE), unknown_threshold=1.0)


def of_many_classes():
    images = np.random.default_rng(0).integers(0, 256, (100, 16, 16, 1), "uint8")
    names = [f"class {number}" for number in range(100)]
    return make_learner().adapt(images, range(100), class_names=names)


def of_hostile_names():
    images, labels = pictures(NAMES)
    return make_learner().adapt(images, [HOSTILE[NAMES.index(name)] for name in labels])


CASES = (color, cropped, padded, never_sure, of_many_classes, of_hostile_names)


@pytest.fixture(scope="session")
def classifiers():
    """Makes the classifier of a case, by its name."""
    makers = {make.__name__: make for make in CASES}
    return functools.cache(lambda name: makers[name]())


@pytest.fixture(scope="session")
def exported(classifiers, web_runtime, tmp_path_factory):
    """Exports the classifier of a case with the runtime; returns the folder."""
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    parent = tmp_path_factory.mktemp("web")

    @functools.cache
    def export(name):
        classifiers(name).export(parent / name, "web", runtime=web_runtime)
        return parent / name

    return export


@pytest.fixture
def open_classifier(browser, open_page, exported):
    """Opens the page of a case as a file, and waits until it is ready."""
    default = browser

    def open_case(name="color", browser=None, **options):
        address = (exported(name) / "index.html").as_uri()
        page = open_page(browser or default, address, **options)
        wait_until_ready(page)
        return page

    return open_case
