"""Descriptions of classes in words, which are learned as examples with a weight."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from fsl_keras import heads, inputs
from fsl_keras.backbones.check import check_network
from fsl_keras.classifier.learning import learn
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.datasets.labels import class_name_of
from fsl_keras.datasets.texts import text_of
from fsl_keras.model_selection import SupportSet
from fsl_keras.typing import Model, Nested


class Descriptions(NamedTuple):
    """Descriptions of classes.

    Attributes:
        texts: dictionary from class name to text.
        weight: float above 0, the weight of each.
        encoder: optional Keras model from strings to vectors in the space of the
            learner's backbone. None if the learner takes texts.

    Example:

    >>> import fsl_keras as fsl
    >>> learner = fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder())
    >>> classifier = learner.adapt(
    ...     ["where is my card", "i lost my card", "send money to a friend"],
    ...     ["card", "card", "transfer"],
    ...     descriptions={"refund": "the customer wants a refund"})
    >>> classifier.predict_classes("i want a refund")[0].class_name
    'refund'
    """

    texts: dict[str, str]
    weight: float
    encoder: Model | None = None

    @classmethod
    def of(
        cls,
        descriptions: Mapping[str | int, str] | None,
        weight: float,
        learner: Model,
        encoder: Model | None = None,
    ) -> "Descriptions":
        """Checks descriptions.

        Args:
            descriptions: optional dictionary from class name to text.
            weight: float above 0.
            learner: the learner that will learn them.
            encoder: optional Keras model, see the class.

        Raises:
            ValueError: if a description is not a text, the learner does not take texts
                and there is no encoder of them into its space, or its head has no
                weights of examples and `weight` is not 1.
        """
        if encoder is not None:
            _check_encoder(encoder, learner, descriptions)
        if not descriptions:
            return NONE
        if not isinstance(descriptions, Mapping):
            raise ValueError(
                f"`descriptions` must be a dictionary from class name to text. "
                f"Received: descriptions={descriptions!r}"
            )
        if learner.item_kind != "text" and encoder is None:
            raise ValueError(
                f"`descriptions` are texts, and this learner takes "
                f"{inputs.noun_of(learner.item_kind)}s: leave them out, or provide the "
                f"`text_encoder` that belongs to its backbone, such as that of a "
                f"`fsl_keras.backbones.ImageTextEncoder`."
            )
        _check_weight(weight, learner)
        names = [class_name_of(name) for name in descriptions]
        if len(set(names)) != len(names):
            raise ValueError(f"`descriptions` repeats a class: {names}.")
        texts = {}
        for name, text in zip(names, descriptions.values(), strict=True):
            try:
                texts[name] = text_of(text)
            except ValueError as error:
                raise ValueError(f"The description of {name!r} {error}.") from error
        return cls(texts, float(weight), encoder)

    def class_names(self, learned: Sequence[str], is_given: bool = False) -> list[str]:
        """Returns the names of all classes: those of examples, then the others, sorted.

        Args:
            learned: list of the names of the classes of the examples.
            is_given: bool, whether there are no other classes.

        Raises:
            ValueError: if a described class is not in `learned` if that is given.
        """
        learned = [class_name_of(name) for name in learned]
        others = sorted(set(self.texts) - set(learned))
        if is_given and others:
            raise ValueError(
                f"`descriptions` has classes that are not in `class_names`: {others}."
            )
        return [*learned, *others]

    def check_all_described(self, learned: Sequence[str]) -> None:
        """Raises an error if classes of images and of texts would be compared.

        In a space of images and texts an image is nearer to any image than to most
        texts. So a class of images alone would win over a described one.

        Args:
            learned: list of the names of the classes of the examples.

        Raises:
            ValueError: if the texts have an encoder of their own, there are examples,
                and a class has examples alone or a description alone.
        """
        if self.encoder is None or not learned:
            return
        without = [name for name in learned if name not in self.texts]
        if without:
            raise ValueError(
                f"The classes {without} have no description, and others do. With a "
                f"`text_encoder` describe all classes, or none."
            )
        others = [name for name in self.texts if name not in learned]
        if others:
            raise ValueError(
                f"The classes {others} have a description and no example, and others "
                f"have examples. With a `text_encoder` provide examples of all "
                f"classes, or of none; or correct the names in `descriptions`."
            )


NONE = Descriptions({}, 1.0)


def is_empty(items: Any) -> bool:
    """Returns whether there are no examples: None, or a list or array of none."""
    return items is None or (hasattr(items, "__len__") and len(items) == 0)


def learn_descriptions(
    learner: Model,
    descriptions: Descriptions,
    class_names: Sequence[str],
    memory: Nested | None = None,
    examples: LearnedExamples | None = None,
    support: SupportSet | None = None,
) -> tuple[Nested, LearnedExamples]:
    """Adds descriptions to a memory; see `learn` for arguments and results."""
    texts = np.asarray(list(descriptions.texts.values()), object)
    classes = np.array([class_names.index(name) for name in descriptions.texts])
    size, rows = inputs.batch_size(()), np.arange(len(texts))
    return learn(
        learner,
        (
            (texts[start:][:size], classes[start:][:size], rows[start:][:size])
            for start in range(0, len(texts), size)
        ),
        len(class_names),
        memory,
        examples,
        support,
        source=lambda row: inputs.shortened(texts[row], inputs.LONGEST),
        description_weight=descriptions.weight,
        embed=descriptions.encoder and _embedder(descriptions.encoder),
    )


def _embedder(encoder):
    """Returns a function from an array of texts to float32 vectors."""

    def embed(texts):
        return np.asarray(
            encoder.predict_on_batch(tf.constant(texts.tolist())), "float32"
        )

    return embed


def _check_encoder(encoder, learner, descriptions):
    if not descriptions:
        raise ValueError(
            "`text_encoder` embeds `descriptions`: provide these too, or leave it out."
        )
    if learner.item_kind == "text":
        raise ValueError(
            "This learner takes texts and embeds `descriptions` by its own backbone: "
            "leave `text_encoder` out."
        )
    check_network(encoder, "text_encoder")
    if encoder.inputs[0].dtype != "string":
        raise ValueError(
            f"`text_encoder` must be a Keras model that takes strings. Received: "
            f"{encoder.name!r} of items of {encoder.inputs[0].dtype}"
        )
    if not hasattr(learner, "embedding_shape"):
        raise ValueError(
            f"{type(learner).__name__} has no backbone whose space texts could share: "
            f"leave `descriptions` and `text_encoder` out."
        )
    wanted, found = tuple(learner.embedding_shape), tuple(encoder.output_shape[1:])
    if wanted != found:
        raise ValueError(
            f"The backbone and `text_encoder` must embed into one space, and their "
            f"embeddings have the shapes {wanted} and {found}. Use the two encoders of "
            f"one model, such as a `fsl_keras.backbones.ImageTextEncoder`."
        )


def _check_weight(weight, learner):
    if not 0 < weight < math.inf:
        raise ValueError(
            f"`description_weight` must be above 0. Received: "
            f"description_weight={weight!r}"
        )
    if weight == 1 or learner.head.weighs_examples:
        return
    able = [
        name
        for name in heads.__all__
        if getattr(getattr(heads, name), "weighs_examples", False)
    ]
    raise ValueError(
        f"{type(learner.head).__name__} has no weights of examples: leave out "
        f"`description_weight`, or use one of {', '.join(able)}. Received: "
        f"description_weight={weight!r}"
    )
