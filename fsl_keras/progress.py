"""Progress of long computations, on standard error."""

from typing import Any, Self

import keras
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bar


class Progress:
    """A progress bar on a terminal; elsewhere a line for every tenth of the work.

    A context manager, which restores the terminal when the work is interrupted.

    Args:
        total: integer, the number of steps.
        label: string, what is counted.
        verbose: 0 or 1, whether anything is shown. Defaults to 1.
        done: integer, the steps that are complete. Defaults to 0.
        console: optional `rich.console.Console`. Defaults to standard error.

    Example:

    >>> import sys
    >>> with Progress(20, "images", console=Console(file=sys.stdout)) as progress:
    ...     progress.update(3)
    ...     progress.update(20, "loss 0.1")
    images: 3 of 20
    images: 20 of 20, loss 0.1
    """

    def __init__(
        self,
        total: int,
        label: str,
        verbose: int = 1,
        done: int = 0,
        console: Console | None = None,
    ):
        self._console = console or Console(stderr=True)
        self._total = total
        self._label = label
        self._tenth = 10 * done // total if total else 0
        self._verbose = verbose
        self._bar = None
        if verbose and self._console.is_terminal:
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(bar_width=12),  # the whole line fits in 80 characters
                MofNCompleteColumn(),
                TextColumn("{task.fields[figures]}"),
                TimeRemainingColumn(),
                console=self._console,
            )
            self._task = self._bar.add_task(
                label, total=total, completed=done, figures=""
            )

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar:
            self._bar.stop()

    def update(self, done: int, figures: str = "") -> None:
        """Shows how many steps are complete.

        Args:
            done: integer.
            figures: string, shown next to the number, such as the loss.
        """
        if self._bar:
            self._bar.update(self._task, completed=done, figures=figures)
            return
        tenth = 10 * done // self._total if self._total else 0
        if self._verbose and tenth > self._tenth:
            self._tenth = tenth
            line = f"{self._label}: {done} of {self._total}"
            line += f", {figures}" if figures else ""
            self._console.print(line, soft_wrap=True, highlight=False, markup=False)


class TrainingProgress(keras.callbacks.Callback):
    """Shows loss, accuracy and the remaining time while a model trains.

    A context manager, like `Progress`.

    Args:
        steps: integer, the steps of the whole training.
        console: optional `rich.console.Console`. Defaults to standard error.
    """

    def __init__(self, steps: int, console: Console | None = None):
        super().__init__()
        self._steps = steps
        self._console = console
        self._validated = ""
        self._done = 0
        self._progress: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._progress:
            self._progress.__exit__(*exception)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._done = epoch * self.params["steps"]
        if self._progress is None:
            self._progress = Progress(
                self._steps, "steps", done=self._done, console=self._console
            ).__enter__()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        figures = f"loss {logs['loss']:.3f}"
        if "accuracy" in logs:
            figures += f" accuracy {logs['accuracy']:.3f}"
        self._done += 1
        self._progress.update(self._done, figures + self._validated)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        # The line has no room for more metrics.
        self._validated = f" validation {logs['val_accuracy']:.3f}"
