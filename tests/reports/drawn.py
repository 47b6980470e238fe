"""Pictures of shapes of which no two are nearly the same."""

import numpy as np

from tests.shapes import picture


def drawn(names, count=4, seed=0):
    """`count` pictures of each name as one array, and the name of each.

    Each has its own spots of light and shadow.
    """
    images, labels = [], []
    for number, name in enumerate(names):
        rng = np.random.default_rng((seed, number))
        for _ in range(count):
            image = picture(name, seed=int(rng.integers(2**30)))
            spots = np.kron(rng.normal(scale=25, size=(5, 6)), np.ones((4, 4)))
            images.append(np.clip(image + spots[..., None], 0, 255).astype("uint8"))
            labels.append(name)
    return np.stack(images), labels
