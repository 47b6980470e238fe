"""The episodes that a run is validated and tested on."""

from typing import Any

from fsl_keras.datasets import ClassDataset, class_groups
from fsl_keras.training.options import Options
from fsl_keras.training.sections import EvaluationOptions
from fsl_keras.training.transforms import load_data
from fsl_keras.typing import Dataset, Model

# Queries per class in test and validation episodes.
QUERIES = 15
# The same for all runs: what they were trained with has no part in the test.
TEST_SEED = 2


def episodes_of_test(
    data: ClassDataset, options: EvaluationOptions, ways: int, shots: int, queries: Any
) -> Dataset:
    """Returns the episodes of one test.

    Args:
        data: `ClassDataset` of the tested classes.
        options: `EvaluationOptions`.
        ways: integer, classes of an episode.
        shots: integer, support examples per class.
        queries: what `ClassDataset.episodes` takes.
    """
    within = options.within_groups
    return data.episodes(
        ways,
        shots,
        queries,
        seed=TEST_SEED,
        count=options.episodes,
        groups=class_groups(data.class_names) if within else None,
        stratified=within,
    )


def check_tests(options: Options) -> None:
    """Refuses groups of too few classes before the training, not after it."""
    if options.test.within_groups:
        data = load_data(options.data, options.data.test_split)
        for ways, shots in options.test.protocols:
            episodes_of_test(data, options.test, ways, shots, QUERIES)


def ways_of(learner: Model, options: Options, ways: int = 5) -> int:
    """Returns ways for validation: those of training where the learner fixes them."""
    return options.train.ways if learner.incremental == "fixed_ways" else ways


def protocols_of(learner: Model, options: Options) -> list[tuple[int, int]]:
    """Returns ways and shots of the tests, in ways that the learner can take."""
    if learner.incremental != "fixed_ways":
        return list(options.test.protocols)
    shots = {shots for _, shots in options.test.protocols}
    return [(options.train.ways, shots) for shots in sorted(shots)]
