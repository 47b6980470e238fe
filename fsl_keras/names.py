"""Suggestions for misspelled names."""

import difflib
from collections.abc import Iterable


def did_you_mean(name: object, known: Iterable[str], cutoff: float = 0.6) -> str:
    """Returns a sentence that suggests the known name nearest to a misspelled one.

    Case, dashes and underscores are ignored.

    Args:
        name: the name that was given.
        known: iterable of strings.
        cutoff: float from 0 to 1, the similarity from which a name is suggested.

    Returns:
        A string that begins with a space, to be appended to the sentence that says what
        is wrong; or the empty string, if no name is similar.

    Example:

    >>> did_you_mean("ResNet-5", ["ResNet50", "VGG16"])
    " Did you mean 'ResNet50'?"
    >>> did_you_mean("glyphs", ["ResNet50", "VGG16"])
    ''
    """
    spelled = {plain_name(other): other for other in known}
    near = difflib.get_close_matches(plain_name(name), spelled, n=1, cutoff=cutoff)
    return f" Did you mean {spelled[near[0]]!r}?" if near else ""


def plain_name(name: object) -> str:
    """Returns a name in lower case, without dashes and underscores.

    Example:

    >>> plain_name("MobileNet_V2")
    'mobilenetv2'
    """
    return str(name).lower().replace("_", "").replace("-", "")
