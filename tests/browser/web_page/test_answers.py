"""A web page says what `predict_classes` does."""

import functools

import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl
from fsl_keras.layers import ImagePreprocessing
from tests.browser.web_page.classified import (
    answers_of,
    compare,
    file_of,
    wait_until_ready,
)
from tests.shapes import NAMES, picture

# A graphics card in software, for machines without one.
WEBGPU = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")


@functools.cache
def shapes(count=12):
    """The files of shapes of many sizes."""
    sizes = np.random.default_rng(0).integers(8, 200, (count, 2))
    return [
        file_of(picture(NAMES[i % len(NAMES)], tuple(size), seed=100 + i))
        for i, size in enumerate(sizes)
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("color", "cropped"),
        *(pytest.param(n, marks=pytest.mark.slow) for n in ("padded", "never_sure")),
    ],
)
def test_pictures_of_any_size(open_classifier, classifiers, name):
    same, furthest = compare(open_classifier(name), classifiers(name), shapes())
    assert same == 1
    assert furthest < 1e-5


def test_on_a_graphics_card(launch, open_classifier, classifiers):
    page = open_classifier(browser=launch(*WEBGPU))
    assert page.locator("#message").inner_text() == "Ready. Runs by WebGPU."
    same, furthest = compare(page, classifiers("color"), shapes())
    assert same == 1
    assert furthest < 1e-3


def test_drawings(browser, open_page, web_runtime, omniglot_dir, tmp_path):
    data = fsl.datasets.load("omniglot", "test", omniglot_dir)
    drawings = [data.class_items(name)[:4] for name in data.class_names[:20]]
    learner = fsl.from_preset("prototypical_conv4_omniglot")
    classifier = learner.adapt(np.concatenate([one[:1] for one in drawings]), range(20))
    page = export_and_open(classifier, tmp_path, web_runtime, browser, open_page)
    files = [file_of(image) for one in drawings for image in one[1:]]
    same, furthest = compare(page, classifier, files)
    assert len(files) == 60
    assert same >= 0.99
    assert furthest < 1e-3


NOISE = np.random.default_rng(0).integers(0, 256, (31, 45, 4), "uint8")


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return file_of(NOISE[..., :3], exif=exif)


def gradient():
    """A photograph-like picture: JPEG is not made for noise."""
    y, x = np.mgrid[:90, :120]
    return np.stack([2 * x, 2 * y, 255 - x - y], axis=-1).astype("uint8")


# The file, and by how much a pixel may differ from that of Python, of 255.
FORMS = {
    "color": (file_of(NOISE[..., :3]), 0),
    "gray": (file_of(NOISE[..., 0]), 0),
    "a palette": (file_of(Image.fromarray(NOISE[..., :3]).quantize(16)), 0),
    "black and white": (file_of(Image.fromarray(NOISE[..., 0]).convert("1")), 0),
    "turned": (turned(), 0),
    "GIF": (file_of(Image.fromarray(NOISE[..., :3]), "GIF"), 0),
    "BMP": (file_of(NOISE[..., :3], "BMP"), 0),
    "WebP": (file_of(NOISE[..., :3], "WEBP", lossless=True), 0),
    "JPEG": (file_of(gradient(), "JPEG"), 1),
    # Browsers store transparent pixels multiplied by their opacity, in 8 bits.
    "transparent": (file_of(NOISE), 1),
}


def test_pixels_of_each_kind_of_file(open_classifier):
    files = [contents for contents, _ in FORMS.values()]
    wanted = 255 * np.asarray(ImagePreprocessing((16, 16), 3).from_bytes(files))
    found = [one["pixels"] for one in answers_of(open_classifier(), files)]
    differences = np.abs(wanted.reshape(len(files), -1) - found).max(axis=1).round(3)
    for (form, (_, most)), difference in zip(FORMS.items(), differences, strict=True):
        assert difference <= most, form


def export_and_open(classifier, folder, runtime, browser, open_page):
    classifier.export(folder / "page", "web", runtime=runtime)
    page = open_page(browser, (folder / "page" / "index.html").as_uri())
    wait_until_ready(page)
    return page
