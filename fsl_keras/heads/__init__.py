"""Heads: layers that turn the embeddings of a support set into class scores."""

from fsl_keras.heads.head import Head
from fsl_keras.heads.prototype import PrototypeHead

__all__ = ["Head", "PrototypeHead"]
