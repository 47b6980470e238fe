"""Runs that take little time: what is tested is not how well they learn."""

from fsl_keras.training.options import Options, merged

SMALL = {
    "backbone": {"filters": 4},
    "train": {"ways": 5, "steps": 2, "steps_per_epoch": 2, "validation_episodes": 4},
    "test": {"protocols": [[5, 1]], "episodes": 4, "calibration_episodes": 4},
}


def small_options(suited=False, **tables):
    """The options of a small run, with some changed."""
    make = Options.suited if suited else Options.from_tables
    return make(merged(SMALL, tables))
