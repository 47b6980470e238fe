"""The kinds of items, and the words for them in messages."""

NOUNS = {"image": "image", "text": "sentence", "array": "item"}


def noun_of(item_kind: str) -> str:
    """Returns the word for an item in messages and reports.

    Args:
        item_kind: string, the `item_kind` of a learner: `"image"`, `"text"` or
            `"array"`.

    Example:

    >>> noun_of("text")
    'sentence'
    """
    return NOUNS[item_kind]
