"""Whether fine-tuning a backbone helps, by leaving examples out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from keras import ops

from fsl_keras import features
from fsl_keras.datasets import ClassDataset
from fsl_keras.model_selection.candidates import Candidate, per_group, support_of
from fsl_keras.model_selection.held_out import HeldOut, assign_folds
from fsl_keras.pretraining import fine_tune
from fsl_keras.pretraining.examples import read
from fsl_keras.typing import Model


def cross_validate_fine_tuning(
    learner: Model,
    items: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    interpolations: Sequence[float] = (0.5,),
    n_splits: int = 4,
    **arguments: Any,
) -> list[Candidate]:
    """Compares a frozen backbone with a fine-tuned one by cross-validation.

    The examples are divided into folds, stratified by class; near duplicates are in the
    same fold. Of each fold the backbone is fine-tuned on the others, the head learns
    from them, and the fold is predicted. So this takes as long as `n_splits` calls of
    `fine_tune`. Afterwards the weights of the backbone are those from before.

    With few examples the difference is uncertain: see `Candidate.minus`.

    Args:
        learner: as in `pretraining.fine_tune`.
        items: as in `pretraining.fine_tune`.
        labels: as in `pretraining.fine_tune`.
        class_names: optional, as in `pretraining.fine_tune`.
        interpolations: list of floats in (0, 1], each the `interpolation` of
            `fine_tune` of a candidate. Defaults to `(0.5,)`.
        n_splits: integer, at least 2, the maximum number of folds. Defaults to `4`.
        **arguments: further arguments of `fine_tune`, such as `epochs`.

    Returns:
        A list of `Candidate`, whose names are the interpolations: first `0.0`, the
        frozen backbone, which `recommended` prefers among equals.

    Raises:
        ValueError: if an argument is invalid, no class has two examples that are not
            near duplicates, or as `fine_tune`.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(12) % 3
    >>> items = np.eye(3, 4)[labels] + rng.normal(size=(12, 4))
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> learner = fsl.models.TransferLearner(backbone, "ridge", unfreeze="all")
    >>> found = cross_validate_fine_tuning(
    ...     learner, items, labels, n_splits=2, epochs=1, verbose=0)
    >>> [candidate.name for candidate in found]
    [0.0, 0.5]
    """
    if n_splits < 2 or not all(0 < fraction <= 1 for fraction in interpolations):
        raise ValueError(
            f"`n_splits` must be at least 2, and `interpolations` above 0 and at most "
            f"1. Received: n_splits={n_splits}, interpolations={interpolations}"
        )
    data = read(learner, items, labels, class_names)
    weights = learner.backbone.trainable_weights
    initial = [ops.convert_to_numpy(weight).copy() for weight in weights]
    has_thumbnails_or_texts = learner.item_kind != "array"
    support = support_of(data, _embedded(data, learner), has_thumbnails_or_texts)
    classes, groups = support.labels, support.groups
    folds = assign_folds(classes, groups, n_splits)
    logits, tested = HeldOut(learner, support, len(data)).out_of_fold(folds)
    if not tested.any():
        raise ValueError(
            f"No class has two examples that are not near duplicates, so none can be "
            f"left out. Provide more examples of a class. Received: {data.summary()}"
        )
    found = {0.0: logits.argmax(axis=-1)}
    found |= {fraction: np.zeros(len(folds), int) for fraction in interpolations}
    for fold in np.unique(folds[tested]):
        kept, left_out = folds != fold, np.flatnonzero(tested & (folds == fold))
        try:
            fine_tune(learner, _part(data, kept), interpolation=1.0, **arguments)
            trained = [ops.convert_to_numpy(weight).copy() for weight in weights]
            for fraction in interpolations:
                for weight, old, new in zip(weights, initial, trained, strict=True):
                    weight.assign(fraction * new + (1 - fraction) * old)
                support = support_of(data, _embedded(data, learner))
                held_out = HeldOut(learner, support, len(data))
                (logits,) = held_out.predict([(kept, left_out)])
                found[fraction][left_out] = logits.argmax(axis=-1)
        finally:
            for weight, old in zip(weights, initial, strict=True):
                weight.assign(old)
    parameters = learner.backbone.count_params()
    return [
        Candidate(
            fraction,
            per_group((numbers == classes)[tested], groups[tested]),
            parameters,
        )
        for fraction, numbers in found.items()
    ]


def _embedded(data, learner):
    return features.embed(data, learner.backbone, cache=False)


def _part(data, kept):
    """Returns the examples of a bool array, without classes that have none."""
    parts = np.split(kept, np.cumsum(data.class_sizes)[:-1])
    rows = [every[own] for every, own in zip(data.class_rows, parts, strict=True)]
    names = [name for name, own in zip(data.class_names, rows, strict=True) if len(own)]
    return ClassDataset(data.items, [own for own in rows if len(own)], names, data.name)
