"""Plotting leaves Matplotlib as it was, and is loaded when it is used."""

import matplotlib
import numpy as np
from matplotlib import pyplot

from fsl_keras import plots
from tests.checks import run_python
from tests.plots.checks import draw, flat


def test_nothing_global_changes():
    before = dict(matplotlib.rcParams)
    draw(plots.few_shot_classes(flat(0, 1), [0, 1]))
    draw(plots.embeddings(np.eye(5, 3), np.arange(5)))
    draw(plots.training_curves({"loss": [1.0]}))
    assert dict(matplotlib.rcParams) == before
    assert not pyplot.get_fignums()


def test_the_package_loads_its_plots_when_they_are_used():
    code = (
        "import sys, fsl_keras as fsl\n"
        "print('fsl_keras.plots' in sys.modules)\n"
        "fsl.plots.episode\n"
        "print('fsl_keras.plots' in sys.modules)"
    )
    assert run_python(code).split() == ["False", "True"]
