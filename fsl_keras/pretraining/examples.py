"""The examples of fine-tuning: what is trained on, and what is left out."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras import inputs
from fsl_keras.datasets import ClassDataset
from fsl_keras.digests import item_digest
from fsl_keras.layers import ImagePreprocessing
from fsl_keras.typing import Model


def read(
    learner: Model,
    items: Any,
    labels: Any,
    class_names: Sequence[str] | None = None,
    **preprocessing: Any,
) -> ClassDataset:
    """Returns the examples as a `ClassDataset`, without repeated ones.

    Images are preprocessed by `ImagePreprocessing` with the arguments `preprocessing`.
    """
    if isinstance(items, ClassDataset):
        return items
    kind, layer = learner.item_kind, None
    if kind == "image":
        *size, channels = learner.item_shape
        layer = ImagePreprocessing(size, channels, **preprocessing)
    examples = inputs.Examples(items, labels, class_names, layer, kind)
    found: dict[tuple, Any] = {}
    for batch, numbers, _ in examples.batches(inputs.batch_size(learner.item_shape)):
        for item, number in zip(batch, numbers.tolist(), strict=True):
            found.setdefault((item_digest(item), number), item)
    own = [number for _, number in found]
    names = [examples.class_names[number] for number in sorted(set(own))]
    return ClassDataset.from_arrays(
        np.stack(list(found.values())),
        [examples.class_names[number] for number in own],
        names,
    )


def split(
    data: ClassDataset, fraction: float, seed: int
) -> tuple[ClassDataset, ClassDataset | None]:
    """Returns the data to train on and that which is left out, or None."""
    generator = np.random.default_rng(seed)
    kept, left, names = [], [], []
    for rows, name in zip(data.class_rows, data.class_names, strict=True):
        count = round(fraction * len(rows))
        if not 2 <= count <= len(rows) - 2:
            kept.append(rows)
            continue
        rows = generator.permutation(rows)
        kept.append(rows[count:])
        left.append(rows[:count])
        names.append(name)
    if fraction and len(left) < 2:
        raise ValueError(
            f"There are too few examples to leave out two of each of two classes, and "
            f"to keep two. The largest class has {data.class_sizes.max()}. Received: "
            f"validation_split={fraction}"
        )
    if max(map(len, kept)) < 2 or len(kept) < 2:
        raise ValueError(
            f"Fine-tuning needs two classes, and a class of two different examples. "
            f"Received: {data.summary()}"
        )
    part = ClassDataset(data.items, kept, data.class_names, data.name)
    return part, ClassDataset(data.items, left, names, data.name) if left else None
