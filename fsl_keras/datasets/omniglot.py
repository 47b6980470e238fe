"""Omniglot by the splits that papers use."""

import numpy as np
import tensorflow as tf

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.tfds import open_tfds
from fsl_keras.files import cache_folder, keep, read_kept
from fsl_keras.images import fit
from fsl_keras.typing import Path

IMAGE_SIZE = (28, 28)

# The split of Vinyals et al. as published with prototypical networks; all other
# alphabets are for training. Characters, not alphabets, are held out: Gurmukhi is in
# train and in test.
VALIDATION = ("Armenian", "Bengali", "Early_Aramaic", "Hebrew", "Mkhedruli_(Georgian)")
TEST = (
    "Kannada",
    "Keble",
    "Malayalam",
    "Manipuri",
    "Mongolian",
    "Old_Church_Slavonic_(Cyrillic)",
    "Oriya",
    "Sylheti",
    "Syriac_(Serto)",
    "Tengwar",
    "Tibetan",
    "ULOG",
)
SHARED_ALPHABET, FIRST_TEST_CHARACTER = "Gurmukhi", 42

ROTATIONS = (0, 90, 180, 270)


def vinyals_part(alphabet: str, character: int) -> str:
    """Returns the part of the Vinyals split a character (from 1) belongs to."""
    if alphabet == SHARED_ALPHABET:
        return "test" if character >= FIRST_TEST_CHARACTER else "train"
    if alphabet in TEST:
        return "test"
    return "validation" if alphabet in VALIDATION else "train"


def load_vinyals(
    split: str,
    data_dir: Path | None = None,
    image_size: tuple[int, int] = IMAGE_SIZE,
) -> ClassDataset:
    """Loads the Vinyals split, where each rotation of a character is a class.

    It holds out characters; the alphabet Gurmukhi has characters in train and in test.
    Classes are named `alphabet/character01/rot090`.

    Args:
        split: `"train"` (4,112 classes), `"validation"` (688), `"trainval"` (both)
            or `"test"` (1,692).
        data_dir: optional folder of prepared TensorFlow Datasets.
        image_size: pair `(height, width)` in pixels; the originals are 105x105.

    Returns:
        A `ClassDataset` of uint8 images `[*image_size, 1]`, ink 255 on 0.
    """
    images, alphabets, characters, _ = _read(data_dir, image_size)
    parts = np.asarray(
        [vinyals_part(a, c) for a, c in zip(alphabets, characters, strict=True)]
    )
    wanted = ("train", "validation") if split == "trainval" else (split,)
    chosen = np.isin(parts, wanted)
    names = [
        f"{a}/character{c:02d}"
        for a, c in zip(alphabets[chosen], characters[chosen], strict=True)
    ]
    # The axes are class, drawing, height, width and channel.
    rotated = [
        np.rot90(images[chosen], degrees // 90, axes=(2, 3)) for degrees in ROTATIONS
    ]
    images = np.stack(rotated, axis=1).reshape(-1, 20, *images.shape[2:])
    return _flat(images, [f"{n}/rot{d:03d}" for n in names for d in ROTATIONS])


def load_lake(
    split: str,
    data_dir: Path | None = None,
    image_size: tuple[int, int] = IMAGE_SIZE,
) -> ClassDataset:
    """Loads Lake's split by alphabets.

    Args:
        split: `"trainval"` (the 30 background alphabets), `"validation"` (the last five
            of them), `"train"` (the other 25) or `"test"` (the 20 evaluation
            alphabets).
        data_dir: optional folder of prepared TensorFlow Datasets.
        image_size: pair `(height, width)` in pixels.

    Returns:
        A `ClassDataset` of uint8 images `[*image_size, 1]`, ink 255 on 0. Classes are
        named `Greek/character01`.
    """
    images, alphabets, characters, background = _read(data_dir, image_size)
    held_out = np.unique(alphabets[background])[-5:]
    validation = background & np.isin(alphabets, held_out)
    chosen = {
        "train": background & ~validation,
        "validation": validation,
        "trainval": background,
        "test": ~background,
    }[split]
    names = [
        f"{a}/character{c:02d}"
        for a, c in zip(alphabets[chosen], characters[chosen], strict=True)
    ]
    return _flat(images[chosen], names)


def _flat(images, class_names):
    labels = np.repeat(np.arange(len(images)), images.shape[1])
    images = images.reshape(-1, *images.shape[2:])
    return ClassDataset.from_arrays(images, labels, class_names)


def _read(data_dir, size):
    """Returns arrays of all characters.

    They are images `[1623, 20, *size, 1]`, alphabets, character numbers from 1, and
    whether a character belongs to the background set.
    """
    height, width = size
    path = cache_folder() / f"omniglot-{height}x{width}-v1.npz"
    names = ("images", "alphabets", "characters", "background")

    def read(file):
        with np.load(file) as stored:
            return tuple(stored[name] for name in names)

    drawings = read_kept(path, read, "The drawings")
    if drawings is not None:
        return drawings
    arrays = _read_tfds(data_dir, size)
    keep(path, lambda temporary: np.savez(temporary, **arrays), "The drawings")
    return tuple(arrays[name] for name in names)


def _read_tfds(data_dir, size):
    def resized(example):
        image = fit(example["image"], size, channels=1, invert=True)
        return {**example, "image": image}

    images, labels, alphabets, characters, background = [], [], [], [], []
    for split in ("train", "test"):
        dataset, info = open_tfds("omniglot", split, data_dir)
        # All drawings have one size, so batches can be resized, which is faster.
        dataset = dataset.batch(256).map(resized, num_parallel_calls=tf.data.AUTOTUNE)
        for batch in dataset.as_numpy_iterator():
            images.append(batch["image"])
            labels.append(batch["label"])
            alphabets.append(batch["alphabet"])
            characters.append(batch["alphabet_char_id"] + 1)
            background.append(np.full(len(batch["label"]), split == "train"))
    order = np.argsort(np.concatenate(labels), kind="stable")
    per_class = [
        np.concatenate(part)[order].reshape(-1, 20, *part[0].shape[1:])
        for part in (images, alphabets, characters, background)
    ]
    names = np.asarray(info.features["alphabet"].names)
    return {
        "images": per_class[0],
        "alphabets": names[per_class[1][:, 0]],
        "characters": per_class[2][:, 0],
        "background": per_class[3][:, 0],
    }
