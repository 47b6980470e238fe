"""Examples for another learner."""

from fsl_keras.app.examples import ExampleSet
from fsl_keras.app.kinds import KINDS, Kind
from fsl_keras.app.learners import Embedder
from fsl_keras.app.results import counted
from fsl_keras.digests import item_digest


def relearned(examples: ExampleSet, kind: Kind, embedder: Embedder) -> ExampleSet:
    """Returns examples with the features of another learner.

    Args:
        examples: `ExampleSet`. If it is empty, its kind does not matter.
        kind: `Kind` of the examples.
        embedder: `Embedder`, the other learner.

    Raises:
        ValueError: if the learner takes items of another kind, or the picture or text
            of an example is not known.
    """
    noun, taken = kind.noun, KINDS[embedder.learner.item_kind]
    if examples and taken is not kind:
        raise ValueError(
            f"{embedder.name} takes {taken.noun}s, and the classes here are of "
            f"{noun}s. Remove them first, or open this page in another tab."
        )
    lacking = sum(example.original is None for example in examples)
    if lacking:
        raise ValueError(
            f"{counted(lacking, 'example')} of a classifier that was opened cannot be "
            f"learned by another learner, as the {noun}s are not in its file. Remove "
            f"these classes, or teach the {noun}s again."
        )
    found, bad = taken.embed([example.original for example in examples], embedder)
    if bad:
        raise ValueError(f"A {noun} cannot be read again: {bad[0][1]}.")
    return ExampleSet().with_more(
        examples[read.row]._replace(
            digest=item_digest(read.item), features=read.features, small=read.small
        )
        for read in found
    )
