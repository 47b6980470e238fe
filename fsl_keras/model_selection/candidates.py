"""Candidate learners, compared by cross-validation on the same images."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fsl_keras import features
from fsl_keras.datasets import ClassDataset
from fsl_keras.metrics import mean_and_interval, wilson_interval
from fsl_keras.model_selection.held_out import HeldOut, assign_folds
from fsl_keras.model_selection.support_set import SupportSet
from fsl_keras.typing import Model

# Thumbnails are computed for this many images at a time, which are then in memory.
CHUNK = 64


@dataclasses.dataclass
class Candidate:
    """A learner and its cross-validated accuracy.

    Attributes:
        name: the key of the learner in `cross_validate`.
        right: float array `[n]`, 1 for each image that is predicted right and 0 for
            the others. Near duplicates are one element, their mean.
        parameters: integer, the number of parameters of the backbone.

    Example:

    >>> print(Candidate("cosine", np.array([1.0, 1.0, 0.0, 1.0])))
    cosine: accuracy 75.0 % (95% interval 30.1 to 95.4 %)
    """

    name: Any
    right: np.ndarray
    parameters: int = 0

    @property
    def accuracy(self) -> float:
        """The fraction of images that are predicted right."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% Wilson interval of `accuracy`, a pair."""
        return wilson_interval(self.right.sum(), len(self.right))

    def minus(self, other: "Candidate") -> tuple[float, float]:
        """Returns the difference in accuracy to another candidate.

        Args:
            other: a `Candidate` of the same call of `cross_validate`.

        Returns:
            A pair: the mean of the differences, paired by image, and the half width of
            its 95% interval.
        """
        return mean_and_interval(self.right - other.right)

    def is_worse_than(self, other: "Candidate") -> bool:
        """Returns whether this candidate is significantly worse than another one.

        That is the case if the 95% interval of `minus` is below zero.
        """
        difference, interval = self.minus(other)
        return difference + interval < 0

    def __str__(self) -> str:
        low, high = (100 * bound for bound in self.interval)
        return (
            f"{self.name}: accuracy {100 * self.accuracy:.1f} % "
            f"(95% interval {low:.1f} to {high:.1f} %)"
        )


def recommended(candidates: Sequence[Candidate]) -> Candidate:
    """Returns the candidate with the highest accuracy.

    Among equals, that is one with the fewest parameters, and the first of those.

    Args:
        candidates: list of `Candidate`, as `cross_validate` returns it.

    Example:

    >>> right = np.array([1.0, 0.0])
    >>> recommended([Candidate("large", right, 9), Candidate("small", right, 3)]).name
    'small'
    """
    return max(candidates, key=lambda c: (c.accuracy, -c.parameters))


def cross_validate(
    learners: Mapping[Any, Model],
    data: ClassDataset,
    cache: bool = True,
    verbose: int = 0,
    n_splits: int = 50,
) -> list[Candidate]:
    """Compares learners by stratified group k-fold cross-validation.

    All learners are evaluated on the same folds. Near duplicates are a group, which is
    in one fold. Each backbone computes the features of each image once.

    Args:
        learners: dictionary from name to learner with a frozen backbone, such as
            `TransferLearner`. All take items of the same shape.
        data: `ClassDataset` of images or texts.
        cache: bool, whether to keep features on disk, see `features.embed`.
        verbose: 0 or 1, whether to show a progress bar.
        n_splits: integer, the maximum number of folds. If there are no more groups
            than this, it is leave-one-group-out.

    Returns:
        A list of `Candidate`, in the order of the learners.

    Raises:
        ValueError: if no class has two items that are not near duplicates.

    Example:

    >>> import fsl_keras as fsl, keras
    >>> identity = keras.Sequential([keras.Input((2,)), keras.layers.Identity()])
    >>> data = fsl.ClassDataset.from_arrays(
    ...     np.array([[1, 0], [9, 1], [0, 1], [1, 9]], "float32"), ["a", "a", "b", "b"])
    >>> learners = {
    ...     head: fsl.models.TransferLearner(identity, head)
    ...     for head in ("cosine", "prototypes")}
    >>> [(c.name, c.accuracy) for c in cross_validate(learners, data, cache=False)]
    [('cosine', 1.0), ('prototypes', 0.5)]
    """
    candidates: list[Candidate] = []
    folds: Any = None
    supports: dict[int, SupportSet] = {}
    for name, learner in learners.items():
        backbone = learner.backbone
        if id(backbone) not in supports:
            vectors = features.embed(data, backbone, cache=cache, verbose=verbose)
            # One at a time, as each may be large.
            supports = {id(backbone): support_of(data, vectors, folds is None)}
        support = supports[id(backbone)]
        if folds is None:
            groups = support.groups
            folds = assign_folds(support.labels, groups, n_splits)
        logits, tested = HeldOut(learner, support, len(data)).out_of_fold(folds)
        if not tested.any():
            noun = "sentence" if data.item_dtype == "string" else "image"
            raise ValueError(
                f"No class of {data.name} has two {noun}s that are not near "
                f"duplicates, so there is nothing to learn from. Provide more {noun}s "
                f"of a class."
            )
        right = logits[tested].argmax(axis=-1) == support.labels[tested]
        right = per_group(right, groups[tested])
        candidates.append(Candidate(name, right, backbone.count_params()))
    return candidates


def per_group(right: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Returns the mean over each group, as near duplicates are one observation.

    Args:
        right: float or bool array `[n]`, which examples are predicted right.
        groups: integers `[n]`, the group of each.
    """
    _, places = np.unique(groups, return_inverse=True)
    return np.bincount(places, right) / np.bincount(places)


def support_of(
    data: ClassDataset, vectors: ClassDataset, with_items: bool = False
) -> SupportSet:
    """Returns the support set of all items of a data set, class by class.

    Args:
        data: `ClassDataset`.
        vectors: `ClassDataset` of the features of the same items.
        with_items: bool, whether near duplicates are found by the items.
    """
    support = SupportSet()
    for number, name in enumerate(data.class_names):
        rows, found = data.class_rows[number], vectors.class_items(name)
        for start in range(0, len(rows), CHUNK):
            images, texts, part = None, None, slice(start, start + CHUNK)
            if with_items and data.item_dtype == "string":
                texts = data.items.take(rows[part])
            elif with_items and len(data.item_shape) == 3:
                images = data.items.take(rows[part])
            labels = [number] * len(found[part])
            support.add(found[part], labels, images=images, texts=texts)
    return support
