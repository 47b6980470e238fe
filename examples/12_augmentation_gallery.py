"""A gallery of augmentations: each layer, and eight of its results for one image.

Every layer is a pure function of its seed. In the gallery the seed is the row and the
column; in a pipeline it is that of the episode: `data.episodes(5, 1, 15,
augmentation=layer)`. In a model, which may run on an accelerator, the layer draws its
own seeds and is active in training only. Labels never change; a class that is rotated
as a whole is a new class, in support and queries.

Printed: the mean change of pixels by each layer.

    python examples/12_augmentation_gallery.py [FOLDER FOR THE IMAGES]
"""

import pathlib
import sys

import fsl_keras as fsl
import matplotlib.pyplot as plt
import numpy as np
from fsl_keras.images import decode, fit, to_unit_range
from fsl_keras.layers import augmentation as augment
from matplotlib import cbook
from PIL import Image

PICTURES = pathlib.Path(__file__).parent / "pictures"
SIZE, VARIANTS = (64, 64), 8

LAYERS = {
    "RandomFlip": augment.RandomFlip(),
    "RandomAffine": augment.RandomAffine(
        rotation_factor=0.07,
        zoom_factor=0.2,
        shear_factor=0.2,
        translation_factor=0.1,
    ),
    "RandomResizedCrop": augment.RandomResizedCrop(),
    "RandomElastic": augment.RandomElastic(),
    "ColorJitter": augment.ColorJitter(0.2, 0.4, 0.6, 0.15),
    "RandomErasing": augment.RandomErasing(rate=1.0),
    "one after the other": augment.SequentialAugmentation(
        [augment.RandomAffine(), augment.ColorJitter(), augment.RandomErasing()]
    ),
}


def main(folder=PICTURES):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    image = photograph()
    rows = {"the image": np.stack([image] * VARIANTS)}
    for row, (name, layer) in enumerate(LAYERS.items()):
        rows[name] = np.concatenate(
            [layer.transform(image[None], seed=(row, i)) for i in range(VARIANTS)]
        )
        apart = np.abs(rows[name] - image).mean()
        print(f"{name}: pixels change by {apart:.3f} on average")
    path = folder / "12_augmentation_gallery.png"
    draw(rows, path)
    # In 64 colors, a third of the bytes.
    Image.open(path).quantize(64).save(path, optimize=True)
    draw_class_rotation(folder / "12_class_rotation.png")
    return rows


def photograph():
    """Returns an image that ships with Matplotlib, float32 `[H, W, 3]` in [0, 1]."""
    with cbook.get_sample_data("Minduka_Present_Blue_Pack.png", asfileobj=True) as file:
        image = decode(file.read())
    return to_unit_range(fit(image, SIZE, channels=3)).numpy()


def draw(rows, path):
    """Draws images `[n, H, W, C]` to a file, one row per name."""
    figure, axes = plt.subplots(
        len(rows), VARIANTS, figsize=(1.1 * VARIANTS + 2, 1.1 * len(rows))
    )
    for places, (name, images) in zip(axes, rows.items(), strict=True):
        for place, image in zip(places, images, strict=True):
            place.imshow(np.squeeze(image), cmap="gray_r", vmin=0, vmax=1)
            place.set_xticks([])
            place.set_yticks([])
        places[0].set_ylabel(name, rotation=0, ha="right", va="center")
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)


def draw_class_rotation(path):
    """Draws an episode whose classes are rotated, support and queries alike."""
    data = fsl.datasets.load("glyphs", "test")
    names = ["original", "with ClassRotation"]
    rows = {}
    for name, layer in zip(names, (None, augment.ClassRotation()), strict=True):
        stream = data.episodes(4, 1, 1, seed=3, count=1, augmentation=layer)
        x, y = next(stream.as_numpy_iterator())
        order = np.argsort(y[0])
        both = np.stack([x["support"][0], x["query"][0][order]], axis=1)
        rows[f"{name}: an example and\na query of each class"] = both.reshape(
            VARIANTS, *both.shape[2:]
        )
    draw(rows, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
