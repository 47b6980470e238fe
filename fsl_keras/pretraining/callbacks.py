"""Callbacks: resumed training that equals uninterrupted one, a warning of collapse."""

import pathlib
import warnings
from typing import Any

import keras
import numpy as np

from fsl_keras.files import replacing
from fsl_keras.files.outputs import NPZ
from fsl_keras.typing import Model, Path


class EpochSeeds(keras.callbacks.Callback):
    """Seeds the random layers of a model, such as dropout, at each epoch.

    Keras does not save the states of their generators. Here they follow from the number
    of the epoch, so that a resumed run draws what an uninterrupted one draws.

    Args:
        seed: integer.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        generator = np.random.default_rng((self.seed, epoch))
        for variable in self.model.variables:
            if variable.name == "seed_generator_state":
                variable.assign([generator.integers(2**31), 0])


class CollapseWarning(keras.callbacks.Callback):
    """Warns once if the embeddings of all items have the same direction.

    It reads the metric `spread` at the end of each epoch.
    """

    # The spread below which embeddings say nothing of an item in float32.
    SMALLEST = 1e-3

    def __init__(self) -> None:
        super().__init__()
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        spread = logs["spread"]
        if self._warned or spread >= self.SMALLEST:
            return
        self._warned = True
        warnings.warn(
            f"The embeddings collapsed in epoch {epoch + 1}: those of all items have "
            f"nearly the same direction (spread {spread:.1g}, from 0 to 1), and the "
            f"backbone tells no items apart. Try a lower learning rate, larger batches "
            f"or another method.",
            stacklevel=2,
        )


class Backup(keras.callbacks.Callback):
    """Keeps the state of training after each epoch in a file, and restores it.

    Unlike `keras.callbacks.BackupAndRestore`, it writes one file, atomically, and keeps
    the state of early stopping. The file is removed at the end of training.

    Args:
        folder: path of the folder of the file.
        key: string, which tells this training from another one.
        stopping: optional `keras.callbacks.EarlyStopping`, which must come before this
            in the list of callbacks.
    """

    def __init__(
        self,
        folder: Path,
        key: str,
        stopping: keras.callbacks.EarlyStopping | None = None,
    ):
        super().__init__()
        self.path = pathlib.Path(folder).expanduser() / "fine_tuning.npz"
        self.key = key
        self.stopping = stopping
        self._kept: dict[str, np.ndarray] = {}

    def restore(self, model: Model) -> int:
        """Gives a compiled model the state of the file, if there is one.

        Args:
            model: Keras model, whose optimizer is built.

        Returns:
            The number of epochs that are done.

        Raises:
            ValueError: if the file is of another training.
        """
        if not self.path.exists():
            return 0
        with np.load(self.path) as file:
            self._kept = dict(file)
        if str(self._kept["key"]) != self.key:
            raise ValueError(
                f"{self.path} is the backup of another training: of other examples, "
                f"arguments or initial weights. Remove it, or use another folder."
            )
        for place, variable in enumerate(_state(model)):
            variable.assign(self._kept[f"state {place}"])
        return int(self._kept["epochs"])

    def on_train_begin(self, logs: Any = None) -> None:
        if self.stopping is None or "best" not in self._kept:
            return
        self.stopping.best = float(self._kept["best"])
        self.stopping.best_epoch = int(self._kept["best_epoch"])
        self.stopping.wait = int(self._kept["wait"])
        self.stopping.best_weights = [
            self._kept[f"best {place}"] for place in range(len(self.model.weights))
        ]

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        kept: dict[str, Any] = {"key": self.key, "epochs": epoch + 1}
        for place, variable in enumerate(_state(self.model)):
            kept[f"state {place}"] = keras.ops.convert_to_numpy(variable)
        stopping = self.stopping
        if stopping is not None and stopping.best_weights is not None:
            for name in ("best", "best_epoch", "wait"):
                kept[name] = getattr(stopping, name)
            for place, weight in enumerate(stopping.best_weights):
                kept[f"best {place}"] = weight
        with replacing(self.path, NPZ) as temporary:
            np.savez(temporary, **kept)

    def on_train_end(self, logs: Any = None) -> None:
        self.path.unlink(missing_ok=True)


def _state(model):
    return [*model.weights, *model.optimizer.variables]
