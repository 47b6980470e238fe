"""Reads the sections of Keras's docstrings that Google's style does not have."""

import re

import griffe


class KerasDocstrings(griffe.Extension):
    """Brings docstrings to the form that the parser of Google's style reads.

    In Keras's style the text of "Example:" and "Reference:" is not indented. It becomes
    a paragraph with a bold title, and lines of a doctest a block of code.
    """

    def on_object(self, *, obj, **kwargs):
        if obj.docstring:
            obj.docstring.value = readable(obj.docstring.value)


def readable(text):
    """Returns a docstring whose sections Google's style has."""
    text = re.sub(r"^Call arguments:$", "Other Args: Call arguments", text, flags=re.M)
    text = re.sub(
        r"^(Examples?|References?):\n\n(?! )", r"**\1**\n\n", text, flags=re.M
    )
    session = re.compile(r"^>>> .*\n?(?:.+\n?)*", re.M)
    return session.sub(lambda match: f"```pycon\n{match[0].rstrip()}\n```\n", text)
