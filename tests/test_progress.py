import io
import re

import keras
import numpy as np
from rich.console import Console

from fsl_keras.progress import Progress, TrainingProgress


def test_the_bar_shows_steps_loss_accuracies_and_the_remaining_time():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True)
    model.compile("sgd", loss, metrics=["accuracy"])
    x, y = np.eye(2, dtype="float32").repeat(8, axis=0), np.eye(2).repeat(8, axis=0)
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with TrainingProgress(8, console) as progress:
        history = model.fit(
            x,
            y,
            batch_size=4,
            epochs=2,
            validation_data=(x, y),
            callbacks=[progress],
            verbose=0,
        ).history
    shown = console.file.getvalue()
    assert "8/8" in shown
    assert f"loss {history['loss'][-1]:.3f}" in shown
    assert f"accuracy {history['accuracy'][-1]:.3f}" in shown
    assert f"validation {history['val_accuracy'][-1]:.3f}" in shown
    assert re.search(r"\d:\d\d:\d\d", shown)


def test_a_loss_alone_is_shown():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with TrainingProgress(1, console) as progress:
        measured = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: logs.update(val_accuracy=0.5)
        )
        callbacks = [measured, progress]
        model.fit(np.ones((2, 2)), np.ones((2, 1)), callbacks=callbacks, verbose=0)
    assert "loss" in console.file.getvalue()
    assert "accuracy" not in console.file.getvalue()


def test_elsewhere_there_is_a_line_for_every_tenth_from_the_step_a_run_resumes_at():
    console = Console(file=io.StringIO())
    with Progress(1000, "steps", done=450, console=console) as progress:
        for done in range(451, 1001):
            progress.update(done, f"loss {1000 - done}")
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "steps: 500 of 1000, loss 500"
    assert lines[-1] == "steps: 1000 of 1000, loss 0"
    assert len(lines) == 6


def test_nothing_is_shown_without_verbose_or_work(capsys):
    with Progress(2, "images", verbose=0) as progress:
        progress.update(2)
    with Progress(0, "images") as progress:
        progress.update(0)
    assert capsys.readouterr() == ("", "")
