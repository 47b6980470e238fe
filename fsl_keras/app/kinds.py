"""What differs between classes of pictures and classes of texts."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fsl_keras.app import pictures, texts
from fsl_keras.app.uploads import Limits


class Kind(NamedTuple):
    """The kind of the items that a session learns.

    Attributes:
        noun: string, the word for an item on the page.
        types: tuple of the types of an item, as it is shown or uploaded.
        nothing_given: string, what to do when nothing is given to learn.
        nothing_shown: string, what to do when nothing is shown.
        embed: function from a list of originals and an `Embedder` to a list of
            `Embedded`, and a list of pairs of the position and the reason of others.
        features_of: function from what is shown and an `Embedder` to its features.
        upload_of: function from what is shown to an `Upload`.
    """

    noun: str
    types: tuple[type, ...]
    nothing_given: str
    nothing_shown: str
    embed: Callable[..., Any]
    features_of: Callable[..., Any]
    upload_of: Callable[..., Any]

    def check(self, item: Any, limits: Limits) -> None:
        """Raises an error for an item of another kind, and for a text that is too long.

        Args:
            item: the bytes of a picture's file, an array, or a text.
            limits: `Limits`.
        """
        if not isinstance(item, self.types):
            raise ValueError(
                f"The classes here are of {self.noun}s, and this is no {self.noun}."
            )
        if isinstance(item, str) and len(item) > limits.characters:
            raise ValueError(
                f"The text has {len(item):,} characters: shorten it to "
                f"{limits.characters:,}."
            )


# By the `item_kind` of a learner.
KINDS = {
    "image": Kind(
        "picture",
        (bytes, np.ndarray),
        "Choose files, or a ZIP archive",
        "Show a picture first: to the camera, or as a file.",
        pictures.embed,
        pictures.features_of,
        pictures.upload_of,
    ),
    "text": Kind(
        "text",
        (str,),
        "Enter texts, one in each line, or choose a file of them",
        "Enter a text first.",
        texts.embed,
        texts.features_of,
        texts.upload_of,
    ),
}
