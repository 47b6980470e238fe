"""The examples that a person has taught, class by class."""

import pathlib
import unicodedata
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple

import numpy as np

from fsl_keras.classifier import UNKNOWN
from fsl_keras.datasets.labels import class_name_of

# The number of characters in the name of a class.
LONGEST_NAME = 80


class Example(NamedTuple):
    """One picture or text of a class.

    Attributes:
        id: integer, unique within a session.
        class_name: string.
        name: string, the name of its file, or the text, of 1,000 characters at most.
        digest: integer, equal for equal items.
        features: float array `[k, *feature]`, the features of the item and of its
            augmented copies.
        small: optional float array `[16, 16, 1]`, by which near duplicates of pictures
            are found.
        original: optional path of the picture, or the text. None in classifiers that
            were opened, which hold features, texts of 1,000 characters at most, and no
            pictures.
        thumbnail: optional path of a small picture.
    """

    id: int
    class_name: str
    name: str
    digest: int
    features: np.ndarray
    small: np.ndarray | None = None
    original: pathlib.Path | str | None = None
    thumbnail: pathlib.Path | None = None


class ExampleSet(tuple[Example, ...]):
    """The examples of all classes. Each change returns a new set.

    Classes are in the order in which they were taught. The same item counts once for a
    class, and a class without examples is gone.

    Example:

    >>> features = np.zeros((1, 2))
    >>> examples = ExampleSet([Example(0, "heron", "a.png", 17, features)])
    >>> examples.renamed("heron", "egret").class_names
    ['egret']
    """

    __slots__ = ()

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, a list of strings."""
        return list(dict.fromkeys(example.class_name for example in self))

    def of_class(self, class_name: str) -> "ExampleSet":
        """Returns the examples of one class.

        Raises:
            ValueError: if there is no such class.
        """
        if class_name not in self.class_names:
            raise ValueError(
                f"There is no class {class_name!r}. The classes are: "
                f"{', '.join(self.class_names) or 'none yet'}."
            )
        return ExampleSet(e for e in self if e.class_name == class_name)

    def with_more(self, more: Iterable[Example]) -> "ExampleSet":
        """Returns these examples and others."""
        return _distinct([*self, *more])

    def renamed(self, old: str, new: str) -> "ExampleSet":
        """Returns the examples with another name of a class.

        Raises:
            ValueError: if the old name is not known, or the new one is.
        """
        self.of_class(old)
        new = checked_name(new)
        if new != old and new in self.class_names:
            raise ValueError(
                f"There is a class {new!r} already. Choose another name, or merge the "
                f"two classes."
            )
        return self._with_class(new, lambda example: example.class_name == old)

    def merged(self, source: str, target: str) -> "ExampleSet":
        """Returns the examples with those of one class moved to another class.

        Raises:
            ValueError: if one of the classes is not known, or both are the same.
        """
        self.of_class(source), self.of_class(target)
        if source == target:
            raise ValueError(f"{source!r} cannot be merged into itself.")
        return self._with_class(target, lambda example: example.class_name == source)

    def without_class(self, class_name: str) -> "ExampleSet":
        """Returns the examples of all other classes."""
        gone = {example.id for example in self.of_class(class_name)}
        return ExampleSet(example for example in self if example.id not in gone)

    def without(self, ids: Collection[int]) -> "ExampleSet":
        """Returns the examples without some of them.

        Raises:
            ValueError: if there is no example with one of the ids.
        """
        self._check_ids(ids)
        return ExampleSet(example for example in self if example.id not in ids)

    def moved(self, ids: Collection[int], class_name: str) -> "ExampleSet":
        """Returns the examples with some of them moved to another class.

        Raises:
            ValueError: if there is no example with one of the ids, or no such class.
        """
        self._check_ids(ids)
        self.of_class(class_name)
        return self._with_class(class_name, lambda example: example.id in ids)

    def _check_ids(self, ids):
        missing = set(ids) - {example.id for example in self}
        if missing:
            raise ValueError(f"There is no example {min(missing)}: it was removed.")

    def _with_class(self, class_name: str, is_moved: Callable[[Example], bool]):
        return _distinct(
            [e._replace(class_name=class_name) if is_moved(e) else e for e in self]
        )


def checked_name(class_name: str) -> str:
    """Returns the name of a class, in one form for equal names.

    Args:
        class_name: string, as a person has typed it.

    Raises:
        ValueError: if it is blank, too long, reserved, or has control characters.

    Example:

    >>> checked_name("  grey  heron ")
    'grey heron'
    """
    if not isinstance(class_name, str) or not class_name.strip():
        raise ValueError("The class has no name: enter one.")
    name = " ".join(class_name_of(class_name).split())
    if len(name) > LONGEST_NAME:
        raise ValueError(
            f"The name of the class has {len(name)} characters: choose one of "
            f"{LONGEST_NAME} at most."
        )
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in name):
        raise ValueError("The name of the class has control characters: remove them.")
    if name == UNKNOWN:
        raise ValueError(
            f"{UNKNOWN!r} is what the classifier answers for things of no class. "
            f"Choose another name."
        )
    return name


def _distinct(examples):
    """Returns a set of examples, the same item of a class once, with its original."""
    kept = {}
    for example in examples:
        key = example.class_name, example.digest
        known = kept.setdefault(key, example)
        if known.original is None and example.original is not None:
            kept[key] = example._replace(id=known.id)
    return ExampleSet(kept.values())
