"""Lake's runs of one-shot classification within an alphabet."""

import pathlib

import numpy as np
import tensorflow as tf

from fsl_keras import images
from fsl_keras.compat import renamed_parameters
from fsl_keras.typing import Dataset, Path

LABELS = "class_labels.txt"


@renamed_parameters(size="image_size")
def one_shot_runs(folder: Path, image_size: tuple[int, int] = (28, 28)) -> Dataset:
    """Reads the runs of Lake's one-shot task as a stream of episodes.

    Each run is an episode: the support set is a drawing of each of 20 characters of an
    alphabet, and 20 other drawings are the queries. A folder `runNN` holds a file
    `class_labels.txt` with lines `run01/test/item01.png run01/training/class08.png`: a
    query and the support example of the same character, relative to the folder of the
    runs. Ink is black and becomes 1.

    `evaluation.evaluate(learner, one_shot_runs(folder)).error` is the error rate.
    Each query is classified independently, so transductive learners are refused.

    Reference:

    - [Lake et al., 2015](https://doi.org/10.1126/science.aab3050)

    Args:
        folder: path.
        image_size: pair `(height, width)` in pixels, to which drawings are resized.

    Returns:
        A `tf.data.Dataset` of episode batches `(x, y)`, one for each run.

    Raises:
        FileNotFoundError: if there are no runs, or drawings are missing, with their
            names.
        ValueError: if a line is not a pair of paths, a drawing cannot be read, or runs
            differ in the number of drawings.

    Example:

    >>> one_shot_runs("no such folder")
    Traceback (most recent call last):
    FileNotFoundError: no such folder holds no runs: folders such as `run01` with a ...
    """
    folder = pathlib.Path(folder)
    files = sorted(folder.glob(f"run*/{LABELS}"))
    if not files:
        raise FileNotFoundError(
            f"{folder} holds no runs: folders such as `run01` with a file `{LABELS}` "
            f"each. Name the folder that holds them."
        )
    runs = [_pairs(path) for path in files]
    wanted = [path for run in runs for pair in run for path in pair]
    missing = sorted({path for path in wanted if not (folder / path).is_file()})
    if missing:
        raise FileNotFoundError(
            f"{len(missing)} drawings of the runs are not in {folder}: "
            f"{', '.join(missing[:5])}{', ...' * (len(missing) > 5)}"
        )
    episodes = [_episode(folder, run, image_size) for run in runs]
    shapes = {tuple(np.shape(part) for part in episode) for episode in episodes}
    if len(shapes) > 1:
        raise ValueError(
            f"The runs in {folder} differ in the number of support examples or "
            f"queries: {sorted(shapes)}."
        )
    support, query, labels = map(np.stack, zip(*episodes, strict=True))
    ways = support.shape[1]
    names = np.tile(np.eye(ways, dtype="float32"), (len(runs), 1, 1))
    x = {"support": support, "support_labels": names, "query": query}
    dataset = tf.data.Dataset.from_tensor_slices((x, labels)).batch(1)
    dataset.protocol = {
        "dataset": f"one-shot runs of {folder.name}",
        "ways": ways,
        "shots": 1,
        "queries": 1,
        "seed": None,
        "alone": True,
    }
    return dataset


def _pairs(path):
    """Returns the pairs of paths of a run: a query, and its support example."""
    lines = [
        line.split()
        for line in path.read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]
    invalid = [" ".join(line) for line in lines if len(line) != 2]
    if invalid or not lines:
        raise ValueError(
            f"{path} must hold lines of two paths, a drawing to classify and the one "
            f"of its character. Received: {invalid[:3] or 'no lines'}"
        )
    return lines


def _episode(folder, run, image_size):
    """Returns the support set, the queries and their labels."""
    classes = sorted({training for _, training in run})
    paths = [*classes, *(test for test, _ in run)]
    values, _, skipped = images.read(
        [folder / path for path in paths], image_size, channels=1, invert=True
    )
    if skipped:
        path, reason = skipped[0]
        raise ValueError(f"{len(skipped)} drawings cannot be read: {path} ({reason}).")
    values = images.to_unit_range(values).numpy()
    labels = np.array([classes.index(training) for _, training in run], "int32")
    return values[: len(classes)], values[len(classes) :], labels
