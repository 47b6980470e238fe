"""Groups of classes, such as alphabets, and episodes within them."""

import numpy as np

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.items import MemoryItems
from fsl_keras.episodes.pipeline import fetched, stream


def class_groups(class_names):
    """Returns the group of each class, which its name tells.

    The name without its second part, so that an alphabet that was turned or mirrored is
    a group of its own.

    Args:
        class_names: list of strings such as `Greek/character01`.

    Returns:
        A list of strings.

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
                f"Classes are grouped by what their names begin with, as in "
                f"'Greek/character01', and one is {name!r}. Name the classes so."
            )
        groups.append("/".join([group, *own.split("/")[1:]]))
    return groups


def episodes_within(data, ways, shots, queries, count, seed=0):
    """Streams episodes whose classes are all of one group, each group equally often.

    To train on, `ClassDataset.episodes` takes `groups`, and draws them at random.

    Args:
        data: `ClassDataset` with class names such as `Greek/character01`; the group of
            a class is told by `class_groups`.
        ways: integer, classes of an episode.
        shots: integer, support examples of a class.
        queries: integer, queries of each class.
        count: integer, the episodes in all. Where they cannot be shared out equally,
            the first groups have one more than the others.
        seed: integer.

    Returns:
        A `tf.data.Dataset` of `count` episodes, group after group.

    Raises:
        ValueError: if a group has fewer classes than `ways`, a name has no slash, or
            there are fewer episodes than groups.
    """
    groups = {}
    names = data.class_names
    for group, name in zip(class_groups(names), names, strict=True):
        groups.setdefault(group, []).append(name)
    small = [group for group, names in groups.items() if len(names) < ways]
    if small:
        raise ValueError(
            f"Episodes of {ways} classes need as many in each group. {len(small)} of "
            f"{len(groups)} have fewer, such as {small[:5]}. Lower `ways`, or leave "
            f"them out with `subset`."
        )
    if count < len(groups):
        raise ValueError(
            f"There are {len(groups)} groups, and each needs an episode at least. "
            f"Received: count={count}"
        )
    each, more = divmod(count, len(groups))
    # Of the numbers of items alone, which are looked up after: tf.data copies what each
    # of the streams holds.
    rows = MemoryItems(np.arange(len(data.items), dtype="int32"))
    numbers = ClassDataset(rows, data.class_rows, data.class_names, data.name)
    streams = [
        numbers.subset(names).episodes(
            ways, shots, queries, seed=seed, count=each + (i < more)
        )
        for i, names in enumerate(groups.values())
    ]
    whole = streams[0]
    for further in streams[1:]:
        whole = whole.concatenate(further)

    def look_up(x, *more):
        support, query = (
            fetched(data.items.fetch, x[part]) for part in ("support", "query")
        )
        return {**x, "support": support, "query": query}, *more

    whole = stream(whole.map(look_up, num_parallel_calls=2, deterministic=True))
    whole.protocol = {
        **streams[0].protocol,
        "dataset": f"{data.name}, within each of {len(groups)} groups",
        "episodes": count,
        "classes": data.class_names,
    }
    return whole
