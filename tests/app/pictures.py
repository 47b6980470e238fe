"""Pictures of three colors, as a person would upload them."""

import io
import zipfile

import numpy as np
from PIL import Image

from fsl_keras.app.uploads import Upload

COLORS = {"red": (200, 40, 40), "green": (40, 170, 60), "blue": (40, 60, 200)}


def array(color, seed, size=64):
    """A picture of a color, with a texture of its own."""
    noise = np.random.default_rng(seed).normal(0, 30, (8, 8, 3))
    noise = noise.repeat(size // 8, 0).repeat(size // 8, 1)
    return np.clip(np.asarray(COLORS[color]) + noise, 0, 255).astype("uint8")


def encoded(picture, format="PNG", **options):
    """The bytes of the file of a picture."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, format, **options)
    return file.getvalue()


def png(color, seed):
    return encoded(array(color, seed))


def uploads(color, seeds):
    return [Upload(f"{color}_{seed}.png", png(color, seed)) for seed in seeds]


def teach_colors(session, shots=5):
    """Teaches the three colors, each from pictures of its own."""
    for number, color in enumerate(COLORS):
        session.teach(color, uploads(color, range(10 * number, 10 * number + shots)))


def write_archive(path, files):
    """Writes a ZIP archive of a dictionary from name to contents."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in files.items():
            archive.writestr(name, contents)
    return path
