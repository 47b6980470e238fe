"""CLINC150: requests to an assistant, of 150 intents and of none of them.

Larson et al., "An Evaluation Dataset for Intent Classification and Out-of-Scope
Prediction", EMNLP 2019, https://aclanthology.org/D19-1131. CC BY 3.0.
"""

import json

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.intents import found_file, load_fold, text_folder
from fsl_keras.typing import Path

FILES = ("data_full.json", "clinc150_full.json", "clinc150_train_val.json")
# Intents of training, validation and test.
SIZES = (50, 50, 50)


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
    known = ("train", "val", "test")
    sentences = [pair for part in known for pair in parts.get(part, [])]
    return load_fold(sentences, split, fold, SIZES)


def read(data_dir: Path | None = None) -> dict[str, list[tuple[str, str]]]:
    """Reads the sentences by the set's own split, whose parts have all intents.

    Args:
        data_dir: optional folder of `data_full.json`; `$FSL_KERAS_DATA/text` by
            default.

    Returns:
        A dictionary from the parts that the file has, among `"train"`, `"val"`,
        `"test"`, `"oos_train"`, `"oos_val"` and `"oos_test"`, to lists of pairs
        `(sentence, intent)`. The intent of sentences out of scope is `"oos"`.

    Raises:
        FileNotFoundError: if the file is not there, with where to put it.
        ValueError: if it is another file.
    """
    folder = text_folder(data_dir)
    path = found_file(folder, FILES)
    if path is None:
        raise FileNotFoundError(
            f"CLINC150 is not in {folder}: put `data/data_full.json` of "
            f"https://github.com/clinc/oos-eval there, or name its folder with "
            f"`data_dir` or as `text` below FSL_KERAS_DATA."
        )
    try:
        parts = json.loads(path.read_text(encoding="utf-8"))
        return {
            part: [(str(text), str(intent)) for text, intent in pairs]
            for part, pairs in parts.items()
        }
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is not the file of CLINC150, a JSON object of lists of pairs "
            f"[sentence, intent]."
        ) from error
