"""Transparent pixels of a GIF are white, wherever its colors and extensions lie."""

import numpy as np
import pytest
from PIL import Image

from fsl_keras import images
from tests.images.test_images import encode, noise, on_white


def with_own_colors(contents):
    """Moves the colors of the canvas to the first frame."""
    size = 3 * 2 ** (contents[10] % 8 + 1)
    colors, rest = contents[13 : 13 + size], contents[13 + size :]
    frame = rest.index(b",\0\0\0\0") + 9
    flags = bytes([0x80 | contents[10] % 8])
    return (
        contents[:10]
        + bytes([contents[10] & 0x7F])
        + contents[11:13]
        + rest[:frame]
        + flags
        + colors
        + rest[frame + 1 :]
    )


COMMENT = b"an image, with the sign of a frame \x2c and of control !\xf9\x04" * 20
FILES = {
    "clear": encode(noise().quantize(16), "GIF", transparency=3),
    "clear, of 256 colors": encode(noise().quantize(256), "GIF", transparency=255),
    "clear, with a comment": encode(
        noise().quantize(16), "GIF", transparency=3, comment=COMMENT
    ),
    "opaque, with a comment": encode(noise().quantize(16), "GIF", comment=COMMENT),
    "clear, animated": encode(
        noise().quantize(16),
        "GIF",
        transparency=3,
        save_all=True,
        append_images=[noise("L").quantize(8)],
        loop=0,
    ),
}
FILES["clear, with colors of its own"] = with_own_colors(FILES["clear"])
FILES["opaque, with colors of its own"] = with_own_colors(
    encode(noise().quantize(16), "GIF")
)


@pytest.mark.parametrize("name", FILES)
def test_decoding_equals_pillow_on_white(name):
    expected = on_white(FILES[name])
    np.testing.assert_array_equal(images.decode(FILES[name]), expected)


def test_white_takes_the_place_of_the_clear_color_alone():
    image = Image.new("P", (3, 1))
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putdata([0, 1, 2])
    decoded = images.decode(encode(image, "GIF", transparency=1)).numpy()
    assert decoded.tolist() == [[[10, 20, 30], [255, 255, 255], [70, 80, 90]]]
