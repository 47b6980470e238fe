"""Groups of classes, such as alphabets, and episodes within them."""

from collections.abc import Sequence

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.typing import Dataset


def class_groups(class_names: Sequence[str]) -> list[str]:
    """Returns the group of each class, as its name gives it.

    The group is the name without its second part: `Greek/character01/rot090` belongs to
    `Greek/rot090`. So a rotated or mirrored alphabet is a group of its own.

    Args:
        class_names: list of strings such as `Greek/character01`.

    Returns:
        A list of strings, for the argument `groups` of `ClassDataset.episodes`.

    Raises:
        ValueError: if a name has no slash.

    Example:

    >>> class_groups(["Greek/character01", "Greek/character01/rot090"])
    ['Greek', 'Greek/rot090']
    """
    groups = []
    for name in class_names:
        group, slash, own = name.partition("/")
        if not slash:
            raise ValueError(
                f"The group of a class is the beginning of its name, as in "
                f"'Greek/character01'. Received the class name {name!r}: rename the "
                f"classes, or pass `groups`."
            )
        groups.append("/".join([group, *own.split("/")[1:]]))
    return groups


def episodes_within(
    data: ClassDataset, ways: int, shots: int, queries: int, count: int, seed: int = 0
) -> Dataset:
    """Streams stratified episodes within the groups that class names give.

    The same as `data.episodes(..., groups=class_groups(data.class_names),
    stratified=True)`, which new code should call.
    """
    groups = class_groups(data.class_names)
    return data.episodes(
        ways, shots, queries, seed=seed, count=count, groups=groups, stratified=True
    )
