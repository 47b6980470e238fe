"""Plotting leaves Matplotlib as it was."""

import matplotlib
import numpy as np
from matplotlib import pyplot

from fsl_keras import plots
from tests.plots.checks import draw, flat


def test_nothing_global_changes():
    before = dict(matplotlib.rcParams)
    draw(plots.few_shot_classes(flat(0, 1), [0, 1]))
    draw(plots.embeddings(np.eye(5, 3), np.arange(5)))
    draw(plots.training_curves({"loss": [1.0]}))
    assert dict(matplotlib.rcParams) == before
    assert not pyplot.get_fignums()
