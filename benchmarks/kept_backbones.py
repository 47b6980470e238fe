"""Backbones that a benchmark trains once and keeps in a folder."""

import time

import keras
from fsl_keras.optimizers import ConvMuon


def kept(path, train, *arguments):
    """Returns a backbone and its CPU minutes of training.

    Args:
        path: `pathlib.Path` of a `.keras` file, which is read if it is complete.
        train: function of `arguments` that returns the trained backbone.
    """
    minutes = path.with_suffix(".minutes.txt")
    if minutes.exists():
        return keras.saving.load_model(path), float(minutes.read_text())
    start = time.process_time()
    backbone = train(*arguments)
    used = (time.process_time() - start) / 60
    path.parent.mkdir(parents=True, exist_ok=True)
    backbone.save(path)
    # Last, as it says that the training is done.
    minutes.write_text(f"{used:.2f}")
    return backbone, used


def muon(learning_rate, steps):
    """Returns Muon with a learning rate that decays to 0 as a cosine."""
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    return ConvMuon(schedule)
