"""What the embeddings of photographs by known networks have in common."""

import functools
import pathlib

import numpy as np

from fsl_keras.typing import Model

FILE = pathlib.Path(__file__).with_name("statistics.npz")
# The least cosine of a network's embedding of a gray image with that of a known
# network. Other weights, or layers that were trained, give another embedding.
SAME = 0.98
GRAY = 0.5


def photograph_directions(backbone: Model) -> np.ndarray | None:
    """Returns the directions of embeddings that say little about their class.

    They were estimated once, from 30 photographs of each of miniImageNet's 64 training
    classes, for MobileNetV2 of widths 0.35 and 1.0 and ResNet50 with the weights of
    ImageNet, and come with the package (`benchmarks/base_statistics.py`). A network is
    known by its embedding of a gray image, so other weights have none.

    Args:
        backbone: built Keras model from images `[*, H, W, 3]` to vectors `[*, D]`, such
            as that of `backbones.pretrained`.

    Returns:
        float32 `[D, 33]`: the mean, and 32 directions that vary within classes, as
        `heads.WhitenedRidgeHead` takes them; or None for another network.

    Example:

    >>> import fsl_keras as fsl
    >>> photograph_directions(fsl.backbones.Conv4((28, 28, 3))) is None
    True
    """
    shape = backbone.input_shape[1:]
    size = backbone.output_shape[-1]
    candidates = [
        entry for entry in _stored().values() if len(entry["directions"]) == size
    ]
    if not candidates or len(shape) != 3 or shape[-1] != 3:
        return None
    found = embedding_of_gray(backbone)
    for entry in candidates:
        if cosine(found, entry["gray"]) > SAME:
            return entry["directions"]
    return None


def embedding_of_gray(backbone: Model) -> np.ndarray:
    """Returns the embedding `[D]` of an image that is gray all over."""
    image = np.full((1, *backbone.input_shape[1:]), GRAY, "float32")
    return np.asarray(backbone.predict_on_batch(image), "float32")[0]


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Returns the cosine of the angle of two vectors, 0 for vectors of zeros."""
    length = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / length if length else 0.0


@functools.cache
def _stored():
    """Returns a dictionary from the name of a network to its arrays."""
    entries: dict[str, dict[str, np.ndarray]] = {}
    with np.load(FILE) as arrays:
        for key, value in arrays.items():
            name, part = key.split("/")
            entries.setdefault(name, {})[part] = value.astype("float32")
    return entries
