"""Pictures of four shapes that any network tells apart, of any size."""

import keras
import numpy as np
from PIL import Image

import fsl_keras as fsl

NAMES = ["bar", "beam", "disk", "frame"]
THREE = NAMES[:3]


def picture(name, size=(20, 24), seed=0):
    """A uint8 RGB picture of a shape, with noise, dark on light."""
    rng = np.random.default_rng((NAMES.index(name), seed))
    y, x = np.meshgrid(*(np.linspace(-1, 1, n) for n in size), indexing="ij")
    inside = {
        "bar": np.abs(x) < 0.35,
        "beam": np.abs(y) < 0.35,
        "disk": x**2 + y**2 < 0.6,
        "frame": np.maximum(np.abs(x), np.abs(y)) > 0.7,
    }[name]
    value = np.where(inside, 40.0, 215.0)[..., None]
    value = value + rng.normal(scale=8.0, size=(*size, 3))
    return np.clip(np.round(value), 0, 255).astype("uint8")


def pictures(names, count=4, seed=0, **kwargs):
    """`count` pictures of each name as one array, and the name of each."""
    labels = [name for name in names for _ in range(count)]
    seeds = [seed + i for _ in names for i in range(count)]
    images = [picture(n, seed=s, **kwargs) for n, s in zip(labels, seeds, strict=True)]
    return np.stack(images), labels


def write(folder, images, labels):
    """Writes pictures into a folder a class; returns their paths."""
    paths = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / label / f"{number:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
        paths.append(path)
    return paths


def make_learner(seed=0, channels=1):
    """A learner that was never trained: its random filters are enough here."""
    keras.utils.set_random_seed(seed)
    backbone = fsl.backbones.Conv4((16, 16, channels), filters=8)
    images = pictures(NAMES, size=(16, 16))[0][..., :channels] / 255
    for _ in range(60):
        backbone(images, training=True)  # moves the running statistics
    return fsl.models.PrototypicalNetwork(backbone)


def names(classifier, images):
    """The names a classifier gives to pictures."""
    return [answer.class_name for answer in classifier.predict_classes(images)]


def prototypes(classifier):
    """The prototypes `[N, D]` of the classes a classifier knows."""
    return np.asarray(classifier.task.state["prototypes"][0])
