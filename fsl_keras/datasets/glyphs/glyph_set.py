"""`glyphs`: characters of many scripts, a data set that needs no download."""

import dataclasses

import numpy as np

from fsl_keras import files
from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.glyphs.classes import glyph_classes
from fsl_keras.datasets.glyphs.drawing import SIZE, draw
from fsl_keras.typing import Path

RECIPE = 1  # raise it with every change of a pixel or a class


@dataclasses.dataclass(frozen=True)
class GlyphSet:
    """The drawings of all classes, with their names, scripts and splits.

    Attributes:
        images: uint8 array `[classes, 20, 28, 28, 1]`, ink 255 on 0.
        class_names: list of strings, the Unicode name of each class.
        scripts: list of strings, the script of each class.
        splits: list of strings, `"train"`, `"validation"` or `"test"` for each
            class; all classes of a script are in one split.
    """

    images: np.ndarray
    class_names: list[str]
    scripts: list[str]
    splits: list[str]


def load_split(
    split: str, data_dir: Path | None = None, image_size: tuple[int, int] = (SIZE, SIZE)
) -> ClassDataset:
    """Loads the classes of one split; see `datasets.load`.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        data_dir: not used, as the data is drawn and not read.
        image_size: pair of integers, which must be the size of the drawings.

    Raises:
        ValueError: if it is another size.
    """
    del data_dir
    if tuple(image_size) != (SIZE, SIZE):
        raise ValueError(
            f"The images of glyphs are {SIZE}x{SIZE} pixels. Received: "
            f"image_size={image_size}"
        )
    glyphs = load_glyphs()
    chosen = [i for i, part in enumerate(glyphs.splits) if part == split]
    images = glyphs.images[chosen]
    return ClassDataset.from_arrays(
        images.reshape(-1, *images.shape[2:]),
        np.repeat(np.arange(len(chosen)), images.shape[1]),
        [glyphs.class_names[i] for i in chosen],
    )


def load_glyphs() -> GlyphSet:
    """Returns the `glyphs` data set, built on first use and cached from then on.

    It has about a thousand letters of the fonts that Matplotlib installs, with 20
    drawings of each in various faces, poses and pen widths. Whole scripts are held out,
    and no two classes look alike. The pixels are the same on every machine.

    The cache is one file in `fsl_keras.files.cache_folder()`. A damaged file is built
    again, and a warning is issued if it cannot be written.

    Returns:
        A `GlyphSet`.

    Example:

    >>> glyphs = load_glyphs()
    >>> glyphs.images.shape[1:]
    (20, 28, 28, 1)
    >>> glyphs.class_names[0], glyphs.scripts[0], glyphs.splits[0]
    ('LATIN CAPITAL LETTER A', 'Latin', 'train')
    """
    path = files.cache_folder() / f"glyphs-{RECIPE}.npz"
    glyphs = files.read_kept(path, _read, "The glyphs")
    if glyphs is None:
        glyphs = build_glyphs()
        _cache(glyphs, path)
    return glyphs


def build_glyphs() -> GlyphSet:
    """Returns the `glyphs` data set, drawn without the cache.

    Returns:
        A `GlyphSet`.
    """
    classes = glyph_classes()
    return GlyphSet(
        images=np.stack([draw(c.code) for c in classes])[..., None],
        class_names=[c.name for c in classes],
        scripts=[c.script for c in classes],
        splits=[c.split for c in classes],
    )


def _cache(glyphs, path):
    arrays = dataclasses.asdict(glyphs)
    files.keep(path, lambda file: np.savez_compressed(file, **arrays), "The glyphs")


def _read(path):
    with np.load(path, allow_pickle=False) as arrays:
        return GlyphSet(
            images=arrays["images"],
            class_names=arrays["class_names"].tolist(),
            scripts=arrays["scripts"].tolist(),
            splits=arrays["splits"].tolist(),
        )
