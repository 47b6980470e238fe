"""Figures of episodes, embeddings and training curves.

Each function returns a `matplotlib.figure.Figure` that is not managed by `pyplot`:
display it in a notebook, or write it by `figure.savefig("episode.png")`. Names are
written in Matplotlib's fonts: if these lack the script of a name, add a font that has
it to `matplotlib.rcParams["font.family"]`.
"""

from fsl_keras.plots.attention import attention
from fsl_keras.plots.charts import embeddings, training_curves
from fsl_keras.plots.comparison import comparison
from fsl_keras.plots.confusion import confusion_matrix
from fsl_keras.plots.regression import regression
from fsl_keras.plots.sessions import accuracy_by_session
from fsl_keras.plots.sheets import episode, few_shot_classes

__all__ = [
    "accuracy_by_session",
    "attention",
    "comparison",
    "confusion_matrix",
    "embeddings",
    "episode",
    "few_shot_classes",
    "regression",
    "training_curves",
]
