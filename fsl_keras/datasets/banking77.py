"""BANKING77: questions of customers of a bank, of 77 intents.

Casanueva et al., "Efficient Intent Detection with Dual Sentence Encoders", NLP4ConvAI
2020, https://aclanthology.org/2020.nlp4convai-1.5. CC BY 4.0.
"""

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.folders import warn_of_skipped
from fsl_keras.datasets.intents import found_file, load_fold, text_folder
from fsl_keras.datasets.tables import read_table
from fsl_keras.typing import Path

# Intents of training, validation and test, as many as of Dopierre et al. 2021,
# https://arxiv.org/abs/2105.12995.
SIZES = (25, 25, 27)


def load_split(
    split: str, data_dir: Path | None = None, *, fold: int = 0
) -> ClassDataset:
    """Loads the sentences of the intents of one split; see `datasets.load`.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        data_dir: optional folder, as in `read`.
        fold: integer from 0 to 4, which of five divisions of the intents.
    """
    parts = read(data_dir)
    sentences = [pair for pairs in parts.values() for pair in pairs]
    return load_fold(sentences, split, fold, SIZES)


def read(data_dir: Path | None = None) -> dict[str, list[tuple[str, str]]]:
    """Reads the sentences by the set's own split, whose parts have all intents.

    Args:
        data_dir: optional folder of `banking77_train.csv` or `train.csv`, and of
            `banking77_test.csv` or `test.csv`; `$FSL_KERAS_DATA/text` by default.

    Returns:
        A dictionary from `"train"`, and `"test"` if its file is there, to lists of
        pairs `(sentence, intent)`.

    Raises:
        FileNotFoundError: if there is no file of `"train"`, with where to put it.
        ValueError: if a file is no table of texts and labels.
    """
    folder = text_folder(data_dir)
    parts = {}
    for part in ("train", "test"):
        path = found_file(folder, (f"banking77_{part}.csv", f"{part}.csv"))
        if path is not None:
            table = read_table(path, "text", labelled=True)
            total = len(table.items) + len(table.skipped)
            warn_of_skipped(table.skipped, total, "rows")
            parts[part] = list(zip(table.items, table.labels, strict=True))
    if "train" not in parts:
        raise FileNotFoundError(
            f"BANKING77 is not in {folder}: put `banking_data/train.csv` and "
            f"`banking_data/test.csv` of "
            f"https://github.com/PolyAI-LDN/task-specific-datasets there, or name "
            f"their folder with `data_dir` or as `text` below FSL_KERAS_DATA."
        )
    return parts
