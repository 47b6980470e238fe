"""A method: what it trains, on which stream, with which options."""

import dataclasses
from typing import Any

from fsl_keras.typing import Model


@dataclasses.dataclass(frozen=True)
class Method:
    """A few-shot learning method, and how it is trained.

    The entry is plain data, so that methods can be listed without importing Keras.

    Args:
        learner_name: string, the class of the learner in `fsl_keras.models`.
        paper: string, its reference.
        kind: string, the learner's `kind`: `"inductive"` or `"transductive"`.
        incremental: string, the learner's `incremental`: `"exact"`, `"refit"` or
            `"fixed_ways"`.
        options: dictionary of the arguments of the learner, or of the head, that a run
            may set, with their defaults.
        streams: tuple of the streams it trains on, one after the other: `"episodes"`
            (the learner itself), `"batches"` (a classifier of the training classes on
            its backbone), `"pairs"` (its model of pairs), or, without labels,
            `"views"` (a self-supervised model of its backbone), `"instances"` (the
            learner itself, on episodes in which each item is a class) or
            `"pseudo_classes"` (the learner itself, on episodes of clusters of the
            items, which are made anew at the start of each such stage).
        has_classifier: bool. True if the learner wraps a full classifier, with one
            logit per class, instead of a backbone; with the argument `shared_head` it
            wraps a backbone too.
        takes_feature_maps: bool, whether it compares feature maps, not vectors.
        suited: dictionary of the options of `train` that suit the method.
        arguments: dictionary of the arguments of the learner that suit it.
        head_name: optional string, the class in `fsl_keras.heads` of a transductive
            head, from which the learner is made.
        pretraining_name: string, the class in `fsl_keras.pretraining` that trains the
            backbone on `"batches"` or `"views"`.
    """

    learner_name: str
    paper: str
    kind: str = "inductive"
    incremental: str = "exact"
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    streams: tuple[str, ...] = ("episodes",)
    has_classifier: bool = False
    takes_feature_maps: bool = False
    suited: dict[str, Any] = dataclasses.field(default_factory=dict)
    arguments: dict[str, Any] = dataclasses.field(default_factory=dict)
    head_name: str | None = None
    pretraining_name: str = "SupervisedPretraining"

    @property
    def learner(self) -> type:
        """The class of the learner."""
        from fsl_keras import models

        return getattr(models, self.learner_name)

    @property
    def head(self) -> type | None:
        """The class of the transductive head, or None."""
        from fsl_keras import heads

        return None if self.head_name is None else getattr(heads, self.head_name)

    @property
    def trains_learner(self) -> bool:
        """Whether it trains the learner alone, with the learner's own optimizer."""
        return set(self.streams) <= {"episodes", "instances"}

    @property
    def needs_augmentation(self) -> bool:
        """Whether it trains on random views of one item."""
        return bool({"views", "instances"} & set(self.streams))

    @property
    def is_gradient_based(self) -> bool:
        """Whether it learns a task by gradient steps on the weights of its network."""
        return "inner_steps" in self.options

    def check_arguments(self, arguments: dict[str, Any]) -> None:
        """Raises a `ValueError` for arguments that the learner does not have."""
        unknown = sorted(set(arguments) - set(self.options))
        if unknown:
            raise ValueError(
                f"{self.head_name or self.learner_name} has no options {unknown}. It "
                f"has: {', '.join(self.options) or 'none'}."
            )

    def make(self, backbone: Model, ways: int = 5, **arguments: Any) -> Model:
        """Returns a new learner on a backbone.

        Args:
            backbone: Keras model from items to embeddings.
            ways: integer, classes of an episode, where the learner fixes them.
            **arguments: arguments of the learner, see `options`.
        """
        import keras

        if self.head is not None:
            return self.learner(backbone, self.head(**arguments))
        network = backbone
        if self.has_classifier and not arguments.get("shared_head"):
            logits = keras.layers.Dense(ways, name="logits")(backbone.output)
            network = keras.Model(backbone.input, logits, name="network")
        return self.learner(network, **{**self.arguments, **arguments})
