"""Which pictures are unusual."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from fsl_keras.reports.quality import KINDS, Quality, at_most, unusual

SIDE = 96


def photograph(seed=0, size=(SIDE, SIDE)):
    """A picture of colored disks, as full of edges as a photograph."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: size[1], : size[0]]
    values = np.full((*x.shape, 3), 120.0)
    for _ in range(40):
        center, radius = rng.uniform(0, max(size), 2), rng.uniform(4, 16)
        inside = (x - center[0]) ** 2 + (y - center[1]) ** 2 < radius**2
        values[inside] = rng.uniform(0, 255, 3)
    noisy = values + rng.normal(scale=6, size=values.shape)
    return Image.fromarray(np.clip(noisy, 0, 255).astype("uint8"))


CHANGES = {
    "dark": lambda image: image.point(lambda value: value // 4),
    "bright": lambda image: image.point(lambda value: 243 + value // 21),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(5)),
    "empty": lambda image: Image.new("RGB", image.size, (130, 90, 70)),
    "tiny": lambda image: image.resize((SIDE // 6, SIDE // 6)),
    "odd shape": lambda image: image.resize((3 * SIDE, SIDE)),
    "gray": lambda image: image.convert("L").convert("RGB"),
}


def found(image):
    """The kinds of a picture among usual ones."""
    others = [Quality.of(photograph(seed)) for seed in range(1, 8)]
    kinds = unusual([Quality.of(image), *others])
    assert not any(rows[1:].any() for rows in kinds.values())
    return [kind for kind, rows in kinds.items() if rows[0]]


def test_a_usual_picture():
    assert found(photograph()) == []


def test_every_kind_is_explained():
    assert list(unusual([Quality.of(photograph())])) == list(KINDS) == list(CHANGES)


@pytest.mark.parametrize("kind", CHANGES)
def test_each_kind(kind):
    assert found(CHANGES[kind](photograph())) == [kind]


def test_gray_pictures_are_usual_among_gray_ones():
    gray = [Quality.of(CHANGES["gray"](photograph(seed))) for seed in range(3)]
    assert not unusual(gray)["gray"].any()


def test_the_brightness_is_that_of_a_color():
    quality = Quality.of(Image.new("RGB", (30, 30), (0, 255, 0)))
    assert quality.brightest == quality.darkest == pytest.approx(np.sqrt(0.691))
    assert (quality.width, quality.height, quality.is_gray) == (30, 30, False)


def test_a_picture_of_a_few_pixels():
    assert unusual([Quality.of(Image.new("RGB", (1, 2)))])["empty"].all()


def test_no_pictures():
    assert {kind: len(rows) for kind, rows in unusual([]).items()} == dict.fromkeys(
        KINDS, 0
    )


def test_smaller_pictures_keep_their_shape():
    assert at_most(Image.new("RGB", (400, 100)), 64).size == (64, 16)
    assert at_most(Image.new("RGB", (4000, 2)), 64).size == (64, 1)
    image = Image.new("RGB", (20, 10))
    assert at_most(image, 64) is image
