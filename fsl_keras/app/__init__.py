"""A page in the browser to teach a classifier, on Gradio."""

from fsl_keras.app.learners import Embedder, Learners
from fsl_keras.app.session import Session
from fsl_keras.app.uploads import Limits

__all__ = ["Embedder", "Learners", "Limits", "Session"]
