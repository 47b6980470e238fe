"""A live progress bar of training."""

import keras
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)


class TrainingProgress(keras.callbacks.Callback):
    """Shows loss, accuracy and the time left while a model trains.

    A context manager, so that the terminal is left in order when training is
    interrupted.

    Args:
        console: `rich.console.Console` to draw on.
        steps: integer, the steps of the whole training.
    """

    def __init__(self, console, steps):
        super().__init__()
        self._steps = steps
        self._validated = ""
        self._task = None
        self._bar = Progress(
            BarColumn(bar_width=12),  # the whole line fits in 80 characters
            MofNCompleteColumn(),
            TextColumn("{task.fields[figures]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._bar.stop()

    def on_epoch_begin(self, epoch, logs=None):
        done = epoch * self.params["steps"]
        if self._task is None:
            self._task = self._bar.add_task("training", total=self._steps, figures="")
            self._bar.start()
        self._bar.update(self._task, completed=done)

    def on_train_batch_end(self, batch, logs=None):
        figures = f"loss {logs['loss']:.3f}"
        if "accuracy" in logs:
            figures += f" accuracy {logs['accuracy']:.3f}"
        self._bar.update(self._task, advance=1, figures=figures + self._validated)

    def on_epoch_end(self, epoch, logs=None):
        # Not the learner's whole report: what is left in the line's width.
        self._validated = f" validation {logs['val_accuracy']:.3f}"
