"""Examples that are clusters of vectors."""

import numpy as np

NAMES = ["ash", "birch", "cedar", "elm", "fir", "gum"]


def vectors(names, shots, seed=0, length=8, noise=0.7):
    """Vectors in a cluster for each name, and the name of each."""
    rng = np.random.default_rng(seed)
    centers = {
        name: np.random.default_rng(number).normal(size=length)
        for number, name in enumerate(NAMES)
    }
    labels = [name for name in names for _ in range(shots)]
    items = np.stack([centers[name] for name in labels])
    return (items + noise * rng.normal(size=items.shape)).astype("float32"), labels
