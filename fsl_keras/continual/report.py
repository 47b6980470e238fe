"""The report of a learner that learns one session after another."""

import dataclasses

import numpy as np

from fsl_keras.files import read_json, write_json
from fsl_keras.files.outputs import JSON
from fsl_keras.typing import Path


@dataclasses.dataclass
class ContinualReport:
    """The accuracy of a learner after each of a number of sessions.

    Classes belong to the session in which they are learned first. Averages over
    sessions leave out those without a new class.

    `forgetting` and `backward_transfer` are defined as in
    [Avalanche](https://avalanche.continualai.org). They mix two causes, as a class
    is harder to tell from more classes even if nothing is forgotten. So the report
    divides forgetting into `forgetting_among_known` and `loss_to_new_classes`.

    Args:
        name: string, the name of the learner.
        accuracies: float64 array `[S, S, S]`, from 0 to 1. `accuracies[t, k, j]` is the
            accuracy after session `t`, on test examples of the classes of session `k`,
            predicted among the classes known after session `j`. It is NaN unless
            `k <= j <= t`, and where session `k` has no new class.
        examples: int64 array `[S]`, the number of test examples of the classes of each
            session.
        classes: list of `S` lists, the names of the new classes of each session.
        memory_bytes: int64 array `[S]`, the size of the learner's memory after each
            session.
        seconds: float64 array `[S]`, the time to learn each session from features.
        joint_accuracy: optional float, the accuracy of the learner that has learned
            the examples of all sessions at once.

    Example:

    >>> nan = np.nan
    >>> accuracies = np.array([
    ...     [[1.0, nan], [nan, nan]],
    ...     [[0.9, 0.7], [nan, 0.8]]])
    >>> report = ContinualReport(
    ...     "ridge", accuracies, [10, 10], [["ash"], ["elm"]], [800, 800], [0.1, 0.1])
    >>> report.accuracy_by_session.tolist(), report.last_accuracy
    ([1.0, 0.75], 0.75)
    >>> round(report.forgetting, 2)
    0.3
    >>> round(report.forgetting_among_known, 2), round(report.loss_to_new_classes, 2)
    (0.1, 0.2)
    """

    name: str
    accuracies: np.ndarray
    examples: np.ndarray
    classes: list[list[str]]
    memory_bytes: np.ndarray
    seconds: np.ndarray
    joint_accuracy: float | None = None

    def __post_init__(self):
        self.accuracies = np.asarray(self.accuracies, "float64")
        self.examples = np.asarray(self.examples, "int64")
        self.memory_bytes = np.asarray(self.memory_bytes, "int64")
        self.seconds = np.asarray(self.seconds, "float64")
        count = len(self.classes)
        for name, shape in (
            ("accuracies", (count,) * 3),
            ("examples", (count,)),
            ("memory_bytes", (count,)),
            ("seconds", (count,)),
        ):
            received = getattr(self, name).shape
            if received != shape:
                raise ValueError(
                    f"`{name}` must have the shape {shape} for the {count} sessions of "
                    f"`classes`. Received: {name} of shape {received}"
                )

    @property
    def accuracy_matrix(self) -> np.ndarray:
        """Float64 array `[S, S]`: after session `t`, on the classes of session `k`.

        Predictions are among all classes known after session `t`.
        """
        return np.einsum("tkt->tk", self.accuracies)

    @property
    def accuracy_by_session(self) -> np.ndarray:
        """Float64 array `[S]`, after each session, over all classes seen."""
        right = np.nan_to_num(self.accuracy_matrix) @ self.examples
        return right / np.cumsum(self.examples)

    @property
    def average_accuracy(self) -> float:
        """The mean of `accuracy_by_session` ("average incremental accuracy")."""
        return float(self.accuracy_by_session.mean())

    @property
    def last_accuracy(self) -> float:
        """The accuracy after the last session over all classes."""
        return float(self.accuracy_by_session[-1])

    @property
    def forgetting_by_session(self) -> np.ndarray:
        """Float64 array `[S]`, the forgetting of the classes of each session.

        It is their accuracy right after their session minus that after the last
        session; 0 for the last session, and NaN for those without a new class.
        """
        matrix = self.accuracy_matrix
        return np.diagonal(matrix) - matrix[-1]

    @property
    def forgetting(self) -> float:
        """The mean of `forgetting_by_session` over all sessions but the last."""
        return _mean(self.forgetting_by_session)

    @property
    def backward_transfer(self) -> float:
        """The mean change of accuracy after the own session: minus `forgetting`."""
        return -self.forgetting

    @property
    def forgetting_among_known(self) -> float:
        """As `forgetting`, where predictions are always among the same classes.

        These are the classes that were known when the tested ones were learned.
        """
        among_known = np.einsum("tkk->tk", self.accuracies)
        return _mean(np.diagonal(among_known) - among_known[-1])

    @property
    def loss_to_new_classes(self) -> float:
        """What classes learned later cost the earlier ones in the end.

        It is the accuracy after the last session among the classes known when the
        tested ones were learned, minus that among all classes. The sum of it and of
        `forgetting_among_known` is `forgetting`.
        """
        last = self.accuracies[-1]
        return _mean(np.diagonal(last) - last[:, -1])

    @property
    def joint_gap(self) -> float | None:
        """`joint_accuracy` minus `last_accuracy`, or None."""
        if self.joint_accuracy is None:
            return None
        return self.joint_accuracy - self.last_accuracy

    def row(self) -> dict[str, str]:
        """Returns the cells of the report's row in a table."""
        gap = self.joint_gap
        return {
            "model": self.name,
            "sessions": str(len(self.classes)),
            "classes": str(sum(map(len, self.classes))),
            "last accuracy": f"{100 * self.last_accuracy:.2f} %",
            "average accuracy": f"{100 * self.average_accuracy:.2f} %",
            "forgetting": f"{100 * self.forgetting:.2f} points",
            "among known classes": f"{100 * self.forgetting_among_known:.2f} points",
            "lost to new classes": f"{100 * self.loss_to_new_classes:.2f} points",
            "gap to all at once": "?" if gap is None else f"{100 * gap:.2f} points",
            "memory": f"{self.memory_bytes[-1] / 1e6:.2f} MB",
            "time": f"{self.seconds.mean():.2f} s a session",
        }

    def __str__(self) -> str:
        return " | ".join(f"{key} {cell}" for key, cell in self.row().items())

    def save(self, path: Path) -> None:
        """Writes the report as JSON, with the accuracies of all sessions."""
        content = {
            "name": self.name,
            "last_accuracy": self.last_accuracy,
            "average_accuracy": self.average_accuracy,
            "forgetting": self.forgetting,
            "forgetting_among_known": self.forgetting_among_known,
            "loss_to_new_classes": self.loss_to_new_classes,
            "joint_accuracy": self.joint_accuracy,
            "classes": self.classes,
            "examples": self.examples.tolist(),
            "memory_bytes": self.memory_bytes.tolist(),
            "seconds": self.seconds.tolist(),
            # JSON has no NaN.
            "accuracies": [
                [[None if np.isnan(value) else value for value in row] for row in table]
                for table in self.accuracies.tolist()
            ],
        }
        write_json(path, content, JSON)

    @classmethod
    def load(cls, path: Path) -> "ContinualReport":
        """Reads a report that `save` wrote.

        Raises:
            ValueError: if the file does not hold JSON.
        """
        content = read_json(path)
        fields = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: content[name] for name in fields})


def _mean(by_session):
    """Returns the mean over the sessions before the last that have new classes."""
    before = by_session[:-1][~np.isnan(by_session[:-1])]
    return float(before.mean()) if len(before) else 0.0
