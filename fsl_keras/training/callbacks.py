"""Callbacks of a run: checkpoints, validation and a time budget."""

import pathlib
import time
from typing import Any

import keras

from fsl_keras.files import read_json, replacing, write_json
from fsl_keras.files.outputs import KERAS
from fsl_keras.typing import Dataset, Model, Path

HISTORY = "history.json"


def restore(model: Model, checkpoint: Path) -> None:
    """Gives a compiled model the weights and the optimizer state of a checkpoint."""
    stored = keras.saving.load_model(checkpoint)
    model.set_weights(stored.get_weights())
    model.optimizer.build(model.trainable_variables)
    pairs = zip(model.optimizer.variables, stored.optimizer.variables, strict=True)
    for variable, value in pairs:
        variable.assign(value)


class FewShotValidation(keras.callbacks.Callback):
    """Evaluates the learner on episodes after each epoch of another model.

    Args:
        learner: the learner, which shares its weights with the trained model.
        episodes: finite stream of episodes.
    """

    def __init__(self, learner: Model, episodes: Dataset):
        super().__init__()
        self.learner = learner
        self.episodes = episodes
        self.learner.compile(optimizer=None)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        measured = self.learner.evaluate(self.episodes, return_dict=True, verbose=0)
        logs.update({f"val_{name}": value for name, value in measured.items()})


class Checkpoint(keras.callbacks.Callback):
    """Saves the model with its optimizer, and the history, after each epoch.

    The history includes the CPU seconds of each epoch, over all cores.

    Args:
        folder: path of the run.
        name: string, the file of the model.
        done: integer, the epochs of the run that are complete.
    """

    def __init__(self, folder: pathlib.Path, name: str, done: int):
        super().__init__()
        self.folder = folder
        self.name = name
        # Epochs after the last checkpoint are trained again.
        self.history = read_history(folder, done)
        self._done = done
        self._since = time.process_time()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        now = time.process_time()
        logs = {**(logs or {}), "cpu_seconds": now - self._since}
        self._since = now
        for name in self.history.keys() | logs.keys():
            # Stages may have different metrics.
            values = self.history.setdefault(name, [None] * self._done)
            values.append(float(logs[name]) if name in logs else None)
        self._done += 1
        write_json(self.folder / HISTORY, self.history)
        # `model.save` replaces a file safely for the package's models only.
        with replacing(self.folder / self.name, KERAS) as temporary:
            keras.saving.save_model(self.model, temporary)


def read_history(folder: pathlib.Path, epochs: int | None = None) -> dict[str, list]:
    """Returns the metrics of each epoch of a run.

    Args:
        folder: path of the run.
        epochs: optional integer, how many of the first epochs to return; all by
            default.

    Returns:
        A dictionary from the name of a metric to a list of its value in each epoch,
        None in epochs of a stage without it.
    """
    path = folder / HISTORY
    history = read_json(path) if path.exists() else {}
    # Earlier versions left out the epochs of a stage without the metric.
    most = max(map(len, history.values()), default=0)
    return {
        name: ([None] * (most - len(values)) + values)[:epochs]
        for name, values in history.items()
    }


class OutOfTime(RuntimeError):
    """Training stopped at a checkpoint, because its time budget was used up."""


class TimeBudget(keras.callbacks.Callback):
    """Raises `OutOfTime` at the end of the first epoch after a number of minutes.

    Args:
        minutes: float, counted from when the callback is made.
    """

    def __init__(self, minutes: float):
        super().__init__()
        self.minutes = minutes
        self._end = time.monotonic() + 60 * minutes

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if time.monotonic() > self._end:
            raise OutOfTime(
                f"The {self.minutes:g} minutes are over; epoch {epoch + 1} is done."
            )
