"""Paired comparison of reports on the same episodes."""

import dataclasses
from collections.abc import Sequence

from fsl_keras.evaluation.episode_report import EpisodeReport
from fsl_keras.metrics import mean_and_interval

# The parts of a protocol that determine the episodes.
DRAWN_BY = (
    *("dataset", "ways", "shots", "queries", "episodes"),
    *("seed", "start", "shard"),
)


@dataclasses.dataclass
class PairedDifference:
    """The mean difference of two reports on the same episodes.

    Attributes:
        name: string, the name of the report.
        baseline: string, the name of the report it is compared with.
        difference: float, the mean difference of accuracies.
        ci95: float, the half width of the 95% interval of the difference (normal
            approximation).
    """

    name: str
    baseline: str
    difference: float
    ci95: float

    def __str__(self) -> str:
        return (
            f"{self.name} minus {self.baseline}: {100 * self.difference:+.2f} ± "
            f"{100 * self.ci95:.2f} points"
        )


def paired_differences(reports: Sequence[EpisodeReport]) -> list[PairedDifference]:
    """Compares reports on the same episodes, each with the first.

    The differences are computed episode by episode, so the variance between easy and
    hard episodes cancels out.

    Args:
        reports: list of at least two `EpisodeReport`.

    Returns:
        A list of `PairedDifference`, one for each report after the first.

    Raises:
        ValueError: if the reports are not of the same episodes.

    Example:

    >>> import numpy as np
    >>> protocol = {"dataset": "glyphs test", "seed": 1}
    >>> a = EpisodeReport("nearest", np.array([0.5, 0.7, 0.6]), protocol)
    >>> b = EpisodeReport("prototypes", np.array([0.7, 0.8, 0.8]), protocol)
    >>> print(paired_differences([a, b])[0])
    prototypes minus nearest: +16.67 ± 6.53 points
    """
    if len(reports) < 2:
        raise ValueError(f"`reports` must be at least two. Received: {len(reports)}")
    first = reports[0]
    for other in reports[1:]:
        differing = {
            key: (first.protocol.get(key), other.protocol.get(key))
            for key in DRAWN_BY
            if _jsoned(first.protocol.get(key)) != _jsoned(other.protocol.get(key))
        }
        if differing or len(first.accuracies) != len(other.accuracies):
            raise ValueError(
                f"{first.name} and {other.name} were not measured on the same "
                f"episodes: {differing or 'their numbers differ'}. Evaluate both on "
                f"the same stream."
            )
    return [
        PairedDifference(
            other.name,
            first.name,
            *mean_and_interval(other.accuracies - first.accuracies),
        )
        for other in reports[1:]
    ]


def _jsoned(value):
    """Returns a value as JSON gives it back: tuples become lists."""
    return list(value) if isinstance(value, tuple) else value
