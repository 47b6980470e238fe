"""One learner of items of two kinds, from a learner of each."""

import copy
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.datasets import ClassDataset
from fsl_keras.datasets.labels import label_index
from fsl_keras.episodes.tuner import untuned
from fsl_keras.files import SavesBeside
from fsl_keras.models.episodic import EpisodicModel
from fsl_keras.models.origin import HasOrigin
from fsl_keras.multimodal.episodes import paired_episodes
from fsl_keras.multimodal.fused_classifier import FusedClassifier
from fsl_keras.multimodal.fusion import Fusion
from fsl_keras.multimodal.held_out import fit_to_examples
from fsl_keras.multimodal.pairs import pair_of
from fsl_keras.typing import EpisodeBatch, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class LateFusion(HasOrigin, SavesBeside, keras.Model):
    """Learns items of two kinds, such as a picture and its name (late fusion).

    Each kind has a learner of its own, and the logits of both are added, see `Fusion`.
    What the weights are chosen on, in this order:

    - `fusion` if it is given, or was fitted to episodes of base classes (`fit_fusion`);
    - the examples of the task by leave-one-out, where a class has two examples or more;
    - else nothing: the weights are equal, and the temperatures are those of the
      `base_calibration` of each learner, or 1.

    Args:
        learners: pair of learners, such as `models.PrototypicalNetwork` of pictures and
            `models.TransferLearner` of texts.
        fusion: optional `Fusion`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Call arguments:
        episode: an episode batch, in which `support` and `query` are pairs, see
            `paired_episodes`.

    Returns:
        Logits `[T, M, N]`.

    Raises:
        ValueError: if there are not two learners, or one cannot make a classifier.

    Example:

    >>> import fsl_keras as fsl
    >>> pictures = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> names = fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder())
    >>> learner = LateFusion([pictures, names])
    >>> images = np.random.default_rng(0).integers(
    ...     0, 256, (4, 28, 28, 1), dtype="uint8")
    >>> texts = ["grey heron", "heron, grey", "little egret", "egrets"]
    >>> classifier = learner.adapt(
    ...     (images, texts), ["heron", "heron", "egret", "egret"])
    >>> classifier.predict((images, texts), verbose=0).shape
    (4, 2)
    """

    def __init__(
        self,
        learners: Sequence[EpisodicModel],
        fusion: Fusion | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        if not isinstance(learners, (list, tuple)) or len(learners) != 2:
            raise ValueError(
                f"`learners` must be a pair of learners, one for each kind of item. "
                f"Received: learners={learners!r}"
            )
        for learner in learners:
            if not isinstance(learner, EpisodicModel):
                raise ValueError(
                    f"`learners` must be learners, such as "
                    f"`fsl_keras.models.TransferLearner`. Received: {learner!r}"
                )
        self.learners = list(learners)
        self.fusion = fusion
        known = [x.training_classes for x in learners if x.training_classes]
        self.training_classes = tuple(dict.fromkeys(sum(known, ()))) or None
        self.built = True

    @property
    def kind(self) -> str:
        """Whether the logits of a query depend on the others, as of a learner."""
        kinds = {learner.kind for learner in self.learners}
        return "transductive" if "transductive" in kinds else "inductive"

    @property
    def batch_norm(self) -> str:
        """The statistics that normalize in evaluation, as of a learner."""
        return ", ".join(dict.fromkeys(x.batch_norm for x in self.learners))

    @property
    def unfitted(self) -> Fusion:
        """The `Fusion` where there is nothing to fit it to."""
        calibrations = [learner.base_calibration for learner in self.learners]
        temperatures = [c.temperature if c else 1.0 for c in calibrations]
        return Fusion(temperatures=(temperatures[0], temperatures[1]))

    def call(self, episode: EpisodeBatch, training: bool | None = None) -> Tensor:
        logits = self.logits_of_each(episode, training)
        return (self.fusion or self.unfitted).logits(*logits)

    def logits_of_each(
        self, episode: EpisodeBatch, training: bool | None = None
    ) -> tuple[Tensor, Tensor]:
        """Returns the logits `[T, M, N]` of each learner, before they are added."""
        found = []
        for place, learner in enumerate(self.learners):
            items = {name: episode[name][place] for name in ("support", "query")}
            found.append(learner({**episode, **items}, training=training))
        return found[0], found[1]

    def fit_fusion(
        self,
        datasets: Sequence[ClassDataset],
        ways: int = 5,
        shots: int = 1,
        queries: int = 15,
        count: int = 200,
        seed: int = 0,
    ) -> Fusion:
        """Chooses weight and temperatures on episodes of base classes.

        Args:
            datasets: pair of `ClassDataset`, see `paired_episodes`. Their classes are
                not those that will be learned, and best not those that the backbones
                were trained on.
            ways: integer, the number of classes of an episode.
            shots: integer, the number of examples of a class.
            queries: integer, the number of queries of a class.
            count: integer, the number of episodes.
            seed: integer, the seed of the episodes.

        Returns:
            The `Fusion`, which is `fusion` from now on.
        """
        episodes = paired_episodes(
            datasets, ways, shots, queries, seed=seed, count=count
        )
        predict = tf.function(self.logits_of_each, reduce_retracing=True)
        found = [(*predict(x), y) for x, y in untuned(episodes)]
        first, second, labels = map(np.concatenate, zip(*found, strict=True))
        self.fusion = Fusion.fitted(
            first.reshape(-1, ways),
            second.reshape(-1, ways),
            labels.ravel(),
            f"{count} episodes of {ways}-way {shots}-shot of "
            f"{episodes.protocol['dataset']}, seed {seed}",
        )
        return self.fusion

    def adapt(
        self,
        items: Sequence,
        labels: Any,
        class_names: Sequence[str] | None = None,
        arguments: Sequence[Mapping[str, Any]] = ({}, {}),
    ) -> FusedClassifier:
        """Learns classes from a few examples and returns a classifier of them.

        Args:
            items: pair of the examples of each kind, in any form that
                `EpisodicModel.adapt` takes without labels, such as
                `(images, texts)`. The first image belongs to the first text.
            labels: `n` integers, names or one-hot rows.
            class_names: optional list of names: what integer labels stand for, or the
                order of the classes if labels are names.
            arguments: pair of dictionaries, further arguments of `adapt` of each
                learner, such as `({"invert": True}, {"descriptions": descriptions})`.

        Returns:
            A `FusedClassifier`.

        Raises:
            ValueError: if there are more items of one kind than of the other, labels
                do not match, or a class has no example or description of a kind.
        """
        kinds = [learner.item_kind for learner in self.learners]
        pair = pair_of(items, kinds)
        numbers, class_names = label_index(labels, class_names, len(pair[0]))
        classifiers = [
            learner.adapt(some, numbers, class_names, **more)
            for learner, some, more in zip(self.learners, pair, arguments, strict=True)
        ]
        fusion = self.fusion or fit_to_examples(classifiers, pair, numbers)
        return FusedClassifier(classifiers, fusion or self.unfitted)

    def get_config(self) -> dict[str, Any]:
        return {
            "learners": [keras.saving.serialize_keras_object(x) for x in self.learners],
            "fusion": self.fusion and dataclasses.asdict(self.fusion),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LateFusion":
        config = copy.deepcopy(config)
        config["learners"] = [
            keras.saving.deserialize_keras_object(x) for x in config["learners"]
        ]
        config["fusion"] = config["fusion"] and Fusion(**config["fusion"])
        return cls(**config)
