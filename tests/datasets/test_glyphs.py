"""The embedded data set: which letters it holds, how they are drawn and cached."""

import hashlib
import pathlib
import unicodedata

import matplotlib
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from fsl_keras.datasets.glyphs import classes, drawing, outlines
from fsl_keras.datasets.glyphs import glyph_set as glyph_sets


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A cache folder in which the cached set has been damaged."""
    folder = tmp_path_factory.mktemp("home")
    (folder / f"glyphs-{glyph_sets.RECIPE}.npz").write_bytes(b"half a download")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FSL_KERAS_HOME", str(folder))
        yield folder


@pytest.fixture(scope="module")
def glyph_set(home):
    with pytest.warns(UserWarning, match="cannot be read .* made again"):
        return glyph_sets.load_glyphs()


@pytest.fixture(scope="module")
def small_set():
    images = np.arange(2 * 20 * 28 * 28, dtype=np.uint8).reshape(2, 20, 28, 28, 1)
    return glyph_sets.GlyphSet(images, ["HA", "LA"], ["Lao", "Nko"], ["train", "test"])


def checksum(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


# The set


def test_there_are_at_least_900_classes_of_20_drawings(glyph_set):
    count = len(glyph_set.class_names)
    assert count >= 900
    assert glyph_set.images.shape == (count, 20, 28, 28, 1)
    assert glyph_set.images.dtype == np.uint8
    assert len(set(glyph_set.class_names)) == count
    assert len(glyph_set.scripts) == len(glyph_set.splits) == count


def test_every_split_has_classes_of_several_scripts(glyph_set):
    scripts = {split: set() for split in ("train", "validation", "test")}
    for script, split in zip(glyph_set.scripts, glyph_set.splits, strict=True):
        scripts[split].add(script)
    assert all(len(members) >= 3 for members in scripts.values())
    assert glyph_set.splits.count("validation") >= 100
    assert glyph_set.splits.count("test") >= 200


def test_no_script_is_in_two_splits(glyph_set):
    pairs = set(zip(glyph_set.scripts, glyph_set.splits, strict=True))
    assert len(pairs) == len(set(glyph_set.scripts))


def test_the_whole_set_is_the_same_on_every_machine(glyph_set):
    """A new checksum needs a new `RECIPE`, or old caches live on."""
    names = "\n".join(glyph_set.class_names).encode()
    assert glyph_sets.RECIPE == 1
    assert hashlib.sha256(names).hexdigest()[:16] == "cdf4344c9f2d2c56"
    assert checksum(glyph_set.images)[:16] == "80182299fc0361ac"


# Look-alikes


def picture(character):
    """A letter as Pillow and FreeType draw it, blurred, of unit length."""
    folder = pathlib.Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = ImageFont.truetype(str(folder / "DejaVuSans.ttf"), 64)
    page = Image.new("L", (256, 256))
    ImageDraw.Draw(page).text((96, 64), character, 255, font)
    page = page.crop(page.getbbox())
    size = [round(28 * (side / max(page.size)) ** 0.5) for side in page.size]
    frame = Image.new("L", (32, 32))
    page = page.resize(size, Image.Resampling.BOX)
    frame.paste(page, [(32 - side) // 2 for side in size])
    pixels = np.asarray(frame.filter(ImageFilter.GaussianBlur(0.7)), float).ravel()
    return pixels / np.linalg.norm(pixels)


@pytest.mark.parametrize("twins", ["AΑА", "Vᐯⴸ", "oOοоօ"])
def test_the_independent_image_recognizes_twins(twins):
    pictures = [picture(character) for character in twins]
    assert min(pictures[0] @ other for other in pictures) > 0.91


def test_no_letter_resembles_one_of_another_split(glyph_set):
    pictures = np.stack(
        [picture(unicodedata.lookup(name)) for name in glyph_set.class_names]
    )
    splits = np.array(glyph_set.splits)
    across = (pictures @ pictures.T)[splits[:, None] != splits]
    assert across.max() < 0.91


@pytest.mark.parametrize("twins", ["AΑАᴀ", "oOοОоՕօⵔ", "VvᐯѴⴸ", "sSЅѕ", "HНΗᕼ", "XΧХⵝ"])
def test_letters_that_look_alike_are_one_class(glyph_set, twins):
    names = {unicodedata.name(character) for character in twins}
    assert len(names & set(glyph_set.class_names)) <= 1


def test_the_first_of_the_twins_stands_for_all(glyph_set):
    assert "LATIN CAPITAL LETTER A" in glyph_set.class_names
    assert "GREEK CAPITAL LETTER ALPHA" not in glyph_set.class_names


def test_letters_with_marks_and_styled_letters_are_no_classes(glyph_set):
    names = set(glyph_set.class_names)
    assert "LATIN SMALL LETTER E" in names
    assert "LATIN SMALL LETTER E WITH ACUTE" not in names
    assert not any(name.startswith("MATHEMATICAL") for name in names)


def test_cosines_of_equal_outlines_are_one():
    cosines = classes._cosines([ord(c) for c in "AΑL"])
    assert cosines[0, 1] == pytest.approx(1, abs=1e-12)
    assert cosines[0, 2] < 0.6
    np.testing.assert_array_equal(cosines, cosines.T)


# The drawings


def test_ink_is_255_on_0_and_never_touches_the_border(glyph_set):
    images = glyph_set.images[..., 0]
    assert (images.max((2, 3)) == 255).all()
    assert images.min() == 0
    border = np.ones((28, 28), bool)
    border[1:-1, 1:-1] = False
    assert not images[:, :, border].any()


def test_no_drawing_is_nearly_empty_or_nearly_full(glyph_set):
    ink = (glyph_set.images > 127).sum((2, 3, 4))
    assert ink.min() > 25
    assert ink.max() < 28 * 28 / 2


def test_the_drawings_of_a_class_all_differ(glyph_set):
    for drawings in glyph_set.images:
        assert len({drawing.tobytes() for drawing in drawings}) == 20


def test_a_class_depends_on_its_own_character_alone(glyph_set):
    for position in (0, -1):
        character = unicodedata.lookup(glyph_set.class_names[position])
        again = drawing.draw(ord(character))
        np.testing.assert_array_equal(glyph_set.images[position, ..., 0], again)


@pytest.mark.parametrize(
    ("character", "expected"),
    [
        ("A", "e75af4b67be385e8"),
        ("Ж", "d4de368bdafe87ae"),
        ("ش", "d733ea7d6138aa12"),
        ("ᐂ", "872e7136ab7aa447"),
    ],
)
def test_drawings_are_the_same_on_every_machine(character, expected):
    assert checksum(drawing.draw(ord(character)))[:16] == expected


def test_a_wider_pen_adds_one_sample_on_every_side():
    ink = np.zeros((2, 7, 7), bool)
    ink[:, 3, 3] = True
    wide = drawing._widen(ink, np.array([0, 2]))
    np.testing.assert_array_equal(wide[0], ink[0])
    expected = np.zeros((7, 7), bool)
    expected[1:6, 1:6] = True
    np.testing.assert_array_equal(wide[1], expected)


# Outlines and rasters


def square(low, high, reverse=False):
    points = [[low, low], [high, low], [high, high], [low, high], [low, low]]
    return np.array([points[::-1] if reverse else points]) * outlines.FINE


def test_a_contour_of_the_other_direction_is_a_hole():
    both = np.concatenate([square(1, 6), square(2, 5, reverse=True)])
    ink = outlines.rasterize([both], 7)[0]
    assert ink.sum() == 5 * 5 - 3 * 3
    assert not ink[3, 3]


def test_overlapping_contours_of_one_direction_leave_no_hole():
    both = np.concatenate([square(1, 4), square(3, 6)])
    ink = outlines.rasterize([both], 7)[0]
    assert ink.sum() == 9 + 9 - 1
    assert ink[3, 3]


def test_a_sample_is_ink_when_its_centre_is_inside():
    half = outlines.FINE // 2
    ink = outlines.rasterize([square(1, 3) + half - 1, square(1, 3) + half], 5)
    np.testing.assert_array_equal(np.flatnonzero(ink[0].any(0)), [1, 2])
    np.testing.assert_array_equal(np.flatnonzero(ink[1].any(0)), [1, 2])
    ink = outlines.rasterize([square(1, 3) + half + 1], 5)
    np.testing.assert_array_equal(np.flatnonzero(ink[0].any(0)), [2, 3])


def test_contours_of_an_outline_are_closed():
    for character in "o8ЖشB":
        pieces = outlines.outline("DejaVuSans", ord(character))
        starts = sorted(map(tuple, pieces[:, 0]))
        assert starts == sorted(map(tuple, pieces[:, -1]))


def test_the_letter_o_has_a_hole():
    drawings = drawing.draw(ord("o"))
    rows, columns = np.nonzero(drawings[0])
    middle = drawings[0, (rows.min() + rows.max()) // 2]
    assert middle[(columns.min() + columns.max()) // 2] == 0


# The cache


def test_a_damaged_cache_is_replaced_by_a_good_one(home, glyph_set):
    path = home / f"glyphs-{glyph_sets.RECIPE}.npz"
    assert [p.name for p in home.iterdir()] == [path.name]
    again = glyph_sets.load_glyphs()
    np.testing.assert_array_equal(again.images, glyph_set.images)
    assert again.class_names == glyph_set.class_names
    assert again.scripts == glyph_set.scripts
    assert again.splits == glyph_set.splits


def test_what_is_cached_is_loaded(tmp_path, monkeypatch, small_set):
    monkeypatch.setenv("FSL_KERAS_HOME", str(tmp_path))
    glyph_sets._cache(small_set, tmp_path / f"glyphs-{glyph_sets.RECIPE}.npz")
    loaded = glyph_sets.load_glyphs()
    np.testing.assert_array_equal(loaded.images, small_set.images)
    assert loaded.class_names == ["HA", "LA"]
    assert loaded.splits == ["train", "test"]


def test_a_folder_that_cannot_be_written_only_warns(tmp_path, small_set):
    (tmp_path / "file").write_text("no folder")
    with pytest.warns(UserWarning, match="cannot be cached .* FSL_KERAS_HOME"):
        glyph_sets._cache(small_set, tmp_path / "file" / "glyphs.npz")
