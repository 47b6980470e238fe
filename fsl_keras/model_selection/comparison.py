"""Which backbone and which head suit a folder of pictures."""

import dataclasses

import numpy as np

from fsl_keras import features
from fsl_keras.metrics import mean_and_interval, wilson_interval
from fsl_keras.model_selection.cross_validation import HeldOut, divide
from fsl_keras.model_selection.support_set import SupportSet

# Up to so many pictures are left out one after the other, more of them in so many
# parts.
PARTS = 50

# Thumbnails are made of so many images at a time, for which these are in memory.
CHUNK = 64


@dataclasses.dataclass
class Candidate:
    """A learner and what it says of pictures that it did not learn from.

    Attributes:
        name: string.
        right: float array `[n]`, for each picture 1 or 0, or the mean over near copies.
    """

    name: str
    right: np.ndarray

    @property
    def accuracy(self):
        """The share of right answers."""
        return float(self.right.mean())

    @property
    def interval(self):
        """The 95% interval of `accuracy`, a pair."""
        return wilson_interval(self.right.sum(), len(self.right))

    def minus(self, other):
        """Returns how much better it is than another, and the half width of its 95%
        interval, both paired by picture."""
        return mean_and_interval(self.right - other.right)


def cross_validate(learners, data, cache=True, verbose=0):
    """Measures learners on pictures, each on those that it did not learn from.

    All are asked about the same pictures after learning the same others, near copies
    are left out together, and each backbone sees each picture once.

    Args:
        learners: dictionary from name to learner with a frozen backbone, such as
            `TransferLearner`; all take items of one shape.
        data: `ClassDataset` of pictures.
        cache: bool, whether features are kept on disk, see `features.embed`.
        verbose: 0 or 1, whether to show a progress bar.

    Returns:
        A list of `Candidate`, in the order of the learners.

    Raises:
        ValueError: if no class has two pictures that are no copies.

    Example:

    >>> import fsl_keras as fsl, keras
    >>> nothing = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> data = fsl.ClassDataset.from_arrays(
    ...     np.array([[1, 0], [9, 1], [0, 1], [1, 9]], "float32"), ["a", "a", "b", "b"])
    >>> learners = {
    ...     head: fsl.models.TransferLearner(nothing, head)
    ...     for head in ("cosine", "prototypes")}
    >>> [(c.name, c.accuracy) for c in cross_validate(learners, data, cache=False)]
    [('cosine', 1.0), ('prototypes', 0.5)]
    """
    candidates, parts, vectors = [], None, {}
    for name, learner in learners.items():
        backbone = learner.backbone
        if id(backbone) not in vectors:
            found = features.embed(data, backbone, cache=cache, verbose=verbose)
            vectors = {id(backbone): _support(data, found, with_images=parts is None)}
        support = vectors[id(backbone)]
        if parts is None:
            groups = support.groups
            parts = divide(support.labels, groups, PARTS)
        held_out = HeldOut(learner, support, len(data))
        logits, tested = held_out.without(parts)
        if not tested.any():
            raise ValueError(
                f"No class of {data.name} has two pictures that are no copies of one "
                f"another: nothing is left to learn from. Give more pictures."
            )
        right = logits[tested].argmax(axis=-1) == support.labels[tested]
        # Near copies are one observation, not many.
        _, places = np.unique(groups[tested], return_inverse=True)
        right = np.bincount(places, right) / np.bincount(places)
        candidates.append(Candidate(name, right))
    return candidates


def _support(data, vectors, with_images):
    """Returns the support set of all items; thumbnails are taken of pictures once."""
    support = SupportSet()
    for number, name in enumerate(data.class_names):
        rows, found = data.class_rows[number], vectors.class_items(name)
        for start in range(0, len(rows), CHUNK):
            images, part = None, slice(start, start + CHUNK)
            if with_images and len(data.item_shape) == 3:
                images = data.items.take(rows[part])
            labels = [number] * len(found[part])
            support.add(found[part], labels, images=images)
    return support
