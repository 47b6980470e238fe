"""The learners that a person may choose from, loaded once for all sessions."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras import backbones
from fsl_keras.classifier import fingerprint_of
from fsl_keras.classifier.adaptation import check_learner, preprocessing_for
from fsl_keras.presets import folders, from_preset
from fsl_keras.typing import Model

# A preset of photographs: nearly the most accurate, and small and fast.
DEFAULT = "prototypical_5_shot_conv4_mini_imagenet"
# Frozen networks that are offered. Their weights of ImageNet are downloaded when one is
# chosen, if they are not there.
NETWORKS = ("mobilenet_v2", "resnet50", "efficientnet_v2_b0", "convnext_tiny")


# An encoder of words and their parts, which needs no download and knows no language.
TEXTS = "hashed_text_encoder"
# The learner of each kind of items.
DEFAULTS = {"image": DEFAULT, "text": TEXTS}


class Embedder:
    """A learner of pictures or texts, with the preprocessing of pictures.

    Args:
        name: string, for people.
        learner: a learner that can become a classifier.
        invert: bool, see `ImagePreprocessing`.
        preprocessing: optional `ImagePreprocessing`, instead of one that suits the
            learner.
    """

    def __init__(
        self,
        name: str,
        learner: Model,
        invert: bool = False,
        preprocessing: Model | None = None,
    ):
        check_learner(learner)
        if learner.incremental == "fixed_ways":
            raise ValueError(
                f"{name} was made for a fixed number of classes, so that none can be "
                f"added. Choose another learner."
            )
        if learner.item_kind == "array":
            raise ValueError(
                f"{name} takes items that are neither pictures nor texts. Choose "
                f"another learner."
            )
        self.name = name
        self.learner = learner
        self.fingerprint = fingerprint_of(learner)
        self.preprocessing: Any = preprocessing
        # Each way is compiled before several threads use it, for batches of any size.
        if learner.item_kind == "text":
            self.features(np.asarray(["one", "two"], object))
            return
        if preprocessing is None:
            self.preprocessing = preprocessing_for(learner, invert, None, "stretch")
        # Many operations on little, which take half the time in a graph.
        self._prepare = tf.function(
            self.preprocessing.__call__,
            input_signature=[tf.TensorSpec((1, None, None, 3), "uint8")],
            autograph=False,
        )
        self.features(np.zeros((2, *learner.item_shape), "float32"))
        self.features_of_frame(np.zeros((2, 2, 3), "uint8"))

    def features(self, items: np.ndarray) -> np.ndarray:
        """Returns the features `[n, *feature]` of preprocessed pictures or of texts."""
        return np.asarray(self.learner.features(items))

    def features_of_frame(self, frame: np.ndarray) -> np.ndarray:
        """Returns the features `[1, *feature]` of a uint8 array `[H, W, 3]`."""
        return self.features(self._prepare(frame[None]).numpy())


class Learners:
    """The learners by name, each loaded when it is first chosen.

    Args:
        own: optional dictionary from name to a function that returns a learner: those
            that are offered besides presets and frozen networks, before them.
        invert: bool, whether pictures are dark on light for learners of light on dark.

    Attributes:
        names: list of strings, the default first.
    """

    def __init__(
        self, own: Mapping[str, Callable[[], Model]] | None = None, invert: bool = False
    ):
        self._makers: dict[str, Callable[[], Any]] = dict(own or {})
        self._invert = invert
        for name in (DEFAULT, *folders.names(), *NETWORKS, TEXTS):
            self._makers.setdefault(name, _maker(name))
        self._loaded: dict[str, Embedder] = {}
        self._lock = threading.Lock()

    @property
    def names(self) -> list[str]:
        """The names of the learners, a list of strings."""
        return list(self._makers)

    def __getitem__(self, name: str) -> Embedder:
        """Returns a learner, an `Embedder`.

        Raises:
            ValueError: if there is none of this name, or it cannot become a classifier.
        """
        if name not in self._makers:
            raise ValueError(
                f"There is no learner {name!r}. Choose one of: {', '.join(self.names)}."
            )
        with self._lock:
            if name not in self._loaded:
                learner = self._makers[name]().deployable()
                self._loaded[name] = Embedder(name, learner, self._invert)
            return self._loaded[name]


def _maker(name):
    if name in NETWORKS:
        return lambda: _transfer(backbones.pretrained(name), "cosine")
    if name == TEXTS:
        return lambda: _transfer(backbones.HashedTextEncoder(), "ridge")
    return lambda: from_preset(name)


def _transfer(backbone, head):
    # Imported here, as a page may do without.
    from fsl_keras.models import TransferLearner

    return TransferLearner(backbone, head)
