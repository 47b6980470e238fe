"""Figures of episodes, embeddings and training curves.

Each function returns a `matplotlib.figure.Figure` that `pyplot` does not know:
nothing is shown until you show it; `figure.savefig("episode.png")` writes it.
Names are written in Matplotlib's fonts: where these lack the script of a name, put a
font that has it into `matplotlib.rcParams["font.family"]`.
"""

from fsl_keras.plots.attention import attention
from fsl_keras.plots.charts import embeddings, training_curves
from fsl_keras.plots.comparison import comparison
from fsl_keras.plots.confusion import confusion_matrix
from fsl_keras.plots.regression import regression
from fsl_keras.plots.sheets import episode, few_shot_classes

__all__ = [
    "attention",
    "comparison",
    "confusion_matrix",
    "embeddings",
    "episode",
    "few_shot_classes",
    "regression",
    "training_curves",
]
