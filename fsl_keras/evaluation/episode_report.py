"""The report of a learner's accuracy over episodes."""

import dataclasses
from typing import Any

import numpy as np

from fsl_keras.files import read_json, write_json
from fsl_keras.files.outputs import JSON
from fsl_keras.metrics import mean_and_interval
from fsl_keras.typing import Path


@dataclasses.dataclass
class EpisodeReport:
    """The accuracy of a learner on each episode, and the protocol of the measurement.

    Args:
        name: string, the name of the learner.
        accuracies: float64 array `[episodes]`, from 0 to 1.
        protocol: dictionary of dataset, ways, shots, queries, episodes, seed, kind
            (inductive or transductive), batch_norm mode, prior (the class prior that a
            transductive head assumes), training_classes and overlap.

    Example:

    >>> report = EpisodeReport("random", np.array([0.25, 0.15]), {"ways": 5})
    >>> round(report.accuracy, 3), round(report.ci95, 3)
    (0.2, 0.098)
    """

    name: str
    accuracies: np.ndarray
    protocol: dict[str, Any]

    @property
    def accuracy(self) -> float:
        """The mean over episodes, from 0 to 1."""
        return mean_and_interval(self.accuracies)[0]

    @property
    def ci95(self) -> float:
        """The half width of the 95% interval of `accuracy` (normal approximation)."""
        return mean_and_interval(self.accuracies)[1]

    @property
    def error(self) -> float:
        """The mean error rate, from 0 to 1; its interval is that of `accuracy`."""
        return 1.0 - self.accuracy

    def row(self) -> dict[str, str]:
        """Returns the cells of the report's row in a table."""
        protocol = self.protocol
        kind, batch_norm = (protocol.get(key, "?") for key in ("kind", "batch_norm"))
        prior = f", {protocol['prior']} class prior" if "prior" in protocol else ""
        return {
            "model": self.name,
            "data": str(protocol.get("dataset", "?")),
            "task": f"{_spelled(protocol.get('ways'))}-way "
            f"{_spelled(protocol.get('shots'))}-shot",
            "queries": _spelled(protocol.get("queries")),
            "episodes": str(len(self.accuracies)),
            "seed": _spelled(protocol.get("seed")),
            "accuracy": f"{100 * self.accuracy:.2f} ± {100 * self.ci95:.2f} %",
            "kind": f"{kind}, {batch_norm} BatchNorm{prior}",
            "overlap": _spelled(protocol.get("overlap")),
        }

    def __str__(self) -> str:
        return " | ".join(f"{key} {cell}" for key, cell in self.row().items())

    def save(self, path: Path) -> None:
        """Writes the report as JSON, with the accuracy of every episode."""
        content = {
            "name": self.name,
            "accuracy": self.accuracy,
            "ci95": self.ci95,
            "protocol": self.protocol,
            "accuracies": [round(float(a), 9) for a in self.accuracies],
        }
        write_json(path, content, JSON)

    @classmethod
    def load(cls, path: Path) -> "EpisodeReport":
        """Reads a report that `save` wrote.

        Raises:
            ValueError: if the file does not hold JSON.
        """
        content = read_json(path)
        accuracies = np.asarray(content["accuracies"])
        return cls(content["name"], accuracies, content["protocol"])


def _spelled(value):
    if value is None:
        return "?"
    return "-".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
