"""What data sets of sentences and their intents share: files and folds."""

import os
import pathlib
from collections.abc import Iterable, Sequence

from fsl_keras.datasets.catalogue import SPLITS
from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.division import divided
from fsl_keras.typing import Path

FOLDS = 5


def text_folder(data_dir: Path | None = None) -> pathlib.Path:
    """Returns the folder of the files: by default `$FSL_KERAS_DATA/text`."""
    if data_dir is None:
        data_dir = pathlib.Path(os.environ.get("FSL_KERAS_DATA", "."), "text")
    return pathlib.Path(data_dir).expanduser()


def found_file(folder: pathlib.Path, names: Iterable[str]) -> pathlib.Path | None:
    """Returns the first of the files of a folder that is there, or None."""
    paths = (folder / name for name in names)
    return next((path for path in paths if path.is_file()), None)


def load_fold(
    sentences: Iterable[tuple[str, str]], split: str, fold: int, sizes: Sequence[int]
) -> ClassDataset:
    """Makes the data set of one part of the intents, in one of five divisions.

    A sentence that an intent has several times is kept once. One that two intents have
    is kept in both.

    Args:
        sentences: pairs `(sentence, intent)`.
        split: `"train"`, `"validation"` or `"test"`.
        fold: integer from 0 to 4, the number of the division. Each is drawn at random,
            always in the same way.
        sizes: three integers, the number of intents of each part.

    Raises:
        ValueError: if there is no such fold, or the number of intents is not the sum of
            `sizes`.
    """
    if fold not in range(FOLDS):
        raise ValueError(f"`fold` must be from 0 to {FOLDS - 1}. Received: fold={fold}")
    pairs = dict.fromkeys((text.strip(), intent) for text, intent in sentences)
    intents = sorted({intent for _, intent in pairs})
    if len(intents) != sum(sizes):
        raise ValueError(
            f"The files have {len(intents)} intents instead of {sum(sizes)}, such as "
            f"{intents[:3]}. Use the files as they were published."
        )
    parts = divided(len(intents), [size / sum(sizes) for size in sizes], seed=fold)
    chosen = {intents[number] for number in parts[SPLITS.index(split)]}
    texts, labels = zip(*(pair for pair in pairs if pair[1] in chosen), strict=True)
    return ClassDataset.from_arrays(list(texts), list(labels))
