"""The characters that are classes, and their splits."""

import dataclasses
import itertools
import unicodedata

import numpy as np

from fsl_keras.datasets.glyphs import outlines

# Whole scripts are held out. Of characters that look alike the first is kept.
SPLITS = {
    "train": ("Latin", "Greek", "Cyrillic", "Canadian Syllabics"),
    "validation": ("Armenian", "Hebrew", "Lao", "Nko", "Coptic", "Old Italic", "Lisu"),
    "test": ("Arabic", "Georgian", "Tifinagh"),
}

# Two letters look alike from these cosine similarities of their blurred rasters on.
ALIKE_WITHIN_SPLIT = 0.90
ALIKE_ACROSS_SPLITS = 0.87

_ALPHABET = "DejaVuSans"  # the face with the most characters, to compare any two
_COMPARED = (_ALPHABET, "DejaVuSerif", "DejaVuSansMono", "STIXGeneral")
# Finds thin copies of bold letters. Two bold letters look alike by their weight alone.
_COMPARED_ONCE = "DejaVuSans-Bold"
_SIZE = 32  # pixels along the side of a compared raster
_MARGIN = 1  # pixels around it
_LETTERS = ("Lu", "Ll", "Lo")
# Ligatures, and an Arabic letter's shapes for its place in a word; the final one is
# the first with a tail. Other decompositions mean a letter with a mark or a styled
# copy.
_FORMS = ("<compat>", "<isolated>", "<initial>", "<medial>")


@dataclasses.dataclass(frozen=True)
class GlyphClass:
    """A character that is a class.

    Attributes:
        code: int, its code point.
        name: string, its Unicode name.
        script: string, its script.
        split: string, the split of the script.
    """

    code: int
    name: str
    script: str
    split: str


def glyph_classes() -> list[GlyphClass]:
    """Returns the classes: letters of which no two look alike.

    Letters are added in the order of `SPLITS`, then of their code points, unless they
    look like a letter that was added before. So the Latin A is also the Greek and the
    Cyrillic letter of the same outline, and no letter of a held-out script resembles
    one of another split. Only the first letter of a class is drawn, so chains of
    letters that are similar pairwise are not merged.

    Returns:
        list of `GlyphClass`, training classes first.
    """
    letters = _letters()
    cosines = _cosines([letter.code for letter in letters])
    splits = np.array([letter.split for letter in letters])
    same_split = splits[:, None] == splits
    alike = cosines >= np.where(same_split, ALIKE_WITHIN_SPLIT, ALIKE_ACROSS_SPLITS)
    kept: list[int] = []
    for i in range(len(letters)):
        if not alike[i, kept].any():
            kept.append(i)
    return [letters[i] for i in kept]


def _letters():
    """Returns all letters of the scripts in `SPLITS`, each as if a class."""
    letters = {script: [] for scripts in SPLITS.values() for script in scripts}
    splits = {script: split for split, scripts in SPLITS.items() for script in scripts}
    for code in sorted(outlines.code_points(_ALPHABET)):
        name = unicodedata.name(chr(code), "")
        script = next((s for s in letters if name.startswith(s.upper() + " ")), None)
        if script and _is_plain_letter(chr(code)):
            letter = GlyphClass(code, name, script, splits[script])
            letters[script].append(letter)
    return [letter for script in letters.values() for letter in script]


def _is_plain_letter(character):
    parts = unicodedata.decomposition(character).split()
    if parts and parts.pop(0) not in _FORMS:
        return False
    characters = [character, *(chr(int(part, 16)) for part in parts)]
    return all(unicodedata.category(c) in _LETTERS for c in characters)


def _cosines(codes):
    """Returns the largest cosine of rasters of each pair, float64 `[codes, codes]`."""
    held, rasters = {}, {}
    for face in (*_COMPARED, _COMPARED_ONCE):
        points = outlines.code_points(face)
        held[face] = [i for i in range(len(codes)) if codes[i] in points]
        rasters[face] = _clean_rasters(face, [codes[i] for i in held[face]])
    largest = np.zeros((len(codes), len(codes)))
    regular = itertools.combinations_with_replacement(_COMPARED, 2)
    bold = itertools.product(_COMPARED, [_COMPARED_ONCE])
    for one, other in itertools.chain(regular, bold):
        pairs = np.ix_(held[one], held[other])
        cosine = _cosine(rasters[one], rasters[other])
        largest[pairs] = np.maximum(largest[pairs], cosine)
    return np.maximum(largest, largest.T)


def _clean_rasters(face, codes):
    """Returns blurred rasters of characters, float32 `[codes, pixels]`, integers."""
    filled = [_fill_frame(outlines.outline(face, code)) for code in codes]
    ink = outlines.rasterize(filled, 2 * _SIZE)
    ink = ink.reshape(-1, _SIZE, 2, _SIZE, 2).sum((2, 4))
    for axis in (1, 2):  # weights 1, 2, 1; the free margin is what wraps around
        ink = np.roll(ink, 1, axis) + 2 * ink + np.roll(ink, -1, axis)
    return ink.reshape(len(codes), -1).astype(np.float32)


def _fill_frame(outline):
    """Returns the outline on the grid, its longer side as long as the frame.

    The ratio of the sides becomes its root, so that a wide and a narrow letter of
    one shape come closer, while I does not become a square.
    """
    low, high = outline.min((0, 1)), outline.max((0, 1))
    sides = high - low
    zoom = 2 * (_SIZE - 2 * _MARGIN) / np.sqrt(sides * sides.max()) * (1, -1)
    samples = (outline - (low + high) / 2) * zoom + _SIZE
    return np.floor(samples * outlines.FINE + 0.5).astype(np.int64)


def _cosine(ones, others):
    """Returns the cosine of each pair of rows, the same on every machine.

    Sums stay below 2**24, where float32 holds every integer: the order in which
    a matrix product adds them makes no difference.
    """
    norms = [np.sqrt((x * x).sum(1).astype(np.float64)) for x in (ones, others)]
    product = (ones @ others.T).astype(np.float64)
    return product / norms[0][:, None] / norms[1]
