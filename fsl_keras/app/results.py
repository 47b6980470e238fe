"""What a session says of uploads, and of what it is shown."""

from collections.abc import Sequence
from typing import NamedTuple

from fsl_keras.app.uploads import Skipped

# The number of files that are named in a message.
MOST_NAMED = 3


class Taught(NamedTuple):
    """What was learned of an upload.

    Attributes:
        added: integer, the number of new examples.
        known: integer, how many were known already.
        skipped: list of `Skipped`.
        noun: string, the word for an example.
    """

    added: int
    known: int
    skipped: list[Skipped]
    noun: str = "picture"

    def __str__(self) -> str:
        parts = [f"Learned {counted(self.added, self.noun)}."]
        if self.known:
            parts.append(f"{counted(self.known, self.noun)} known already.")
        if self.skipped:
            parts.append(f"Left out {listed_reasons(self.skipped)}.")
        return " ".join(parts)


class Answer(NamedTuple):
    """The answer to one picture or text.

    Attributes:
        class_name: string, the most probable class, or `"unknown"`.
        probabilities: dictionary from name to probability; `"unknown"` is among them
            if there are enough examples to tell.
    """

    class_name: str
    probabilities: dict[str, float]


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun.

    Example:

    >>> counted(1, "picture"), counted(3, "picture")
    ('1 picture', '3 pictures')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed_reasons(skipped: Sequence[Skipped]) -> str:
    """Returns the first files that were left out, with the reasons.

    Example:

    >>> listed_reasons([Skipped("a.txt", "not a picture")])
    'a.txt: not a picture'
    """
    first = "; ".join(f"{name}: {reason}" for name, reason in skipped[:MOST_NAMED])
    more = len(skipped) - MOST_NAMED
    return f"{first}; and {more} more" if more > 0 else first
