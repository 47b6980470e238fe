"""Descriptions of classes in words, which are learned as examples with a weight."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from fsl_keras import heads, inputs
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

    @classmethod
    def of(
        cls,
        descriptions: Mapping[str | int, str] | None,
        weight: float,
        learner: Model,
    ) -> "Descriptions":
        """Checks descriptions.

        Args:
            descriptions: optional dictionary from class name to text.
            weight: float above 0.
            learner: the learner that will learn them.

        Raises:
            ValueError: if a description is not a text, the learner does not take texts,
                or its head has no weights of examples and `weight` is not 1.
        """
        if not descriptions:
            return NONE
        if not isinstance(descriptions, Mapping):
            raise ValueError(
                f"`descriptions` must be a dictionary from class name to text. "
                f"Received: descriptions={descriptions!r}"
            )
        if learner.item_kind != "text":
            raise ValueError(
                f"`descriptions` are texts, and this learner takes "
                f"{inputs.noun_of(learner.item_kind)}s: leave them out."
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
        return cls(texts, float(weight))

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
    size, rows = inputs.batch_size(learner.item_shape), np.arange(len(texts))
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
