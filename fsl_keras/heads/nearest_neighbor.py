"""Nearest neighbor: comparison with the examples themselves."""

from typing import Any

import keras
from keras import ops

from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.prototype import DISTANCES, squared_distances
from fsl_keras.heads.support import presence
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Tensor

# The extra weight of the vote of the nearest example: it breaks ties, and cannot
# outvote another example.
TIE = 0.1
# The votes of a class without votes, so that their logarithm is finite.
NO_VOTE = 1e-3


@keras.saving.register_keras_serializable(package="fsl_keras")
class NearestNeighborHead(ExampleHead):
    """Scores a query by the examples nearest to it.

    With one neighbor, a logit is the negative distance to the nearest example of the
    class. With more, the nearest `neighbors` examples (or all, if there are fewer) vote
    for their class, and a logit is the logarithm of the votes of the class, so that the
    softmax is the fraction of votes. Ties go to the class of the nearest example.

    Reference:

    - [Cover & Hart, 1967](https://doi.org/10.1109/TIT.1967.1053964)
    - as a few-shot baseline: [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)

    Args:
        neighbors: integer, at least 1.
        distance: `"squared_euclidean"`, or `"cosine"` for one minus the cosine
            similarity.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `distance` is unknown, or `neighbors` is not an integer of at
            least 1.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[0.0], [2.0], [6.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0]]])
    >>> np.asarray(NearestNeighborHead()(support, labels, query)).tolist()
    [[[-1.0, -9.0]]]
    >>> logits = NearestNeighborHead(neighbors=3)(support, labels, query)
    >>> [f"{fraction:.1f}" for fraction in np.asarray(ops.softmax(logits))[0, 0]]
    ['0.7', '0.3']
    """

    incremental = "exact"

    def __init__(
        self, neighbors: int = 1, distance: str = "squared_euclidean", **kwargs: Any
    ):
        super().__init__(**kwargs)
        if not isinstance(neighbors, int) or neighbors < 1:
            raise ValueError(
                f"`neighbors` must be an integer of at least 1. Received: "
                f"neighbors={neighbors!r}"
            )
        if distance not in DISTANCES:
            raise ValueError(
                f"`distance` must be one of {DISTANCES}. Received: "
                f"distance={distance!r}"
            )
        self.neighbors = neighbors
        self.distance = distance
        self.built = True

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the memory: the examples are the state."""
        return dict(memory)

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        support, labels = state["support"], state["labels"]
        distances = self._distances(ops.cast(query, "float32"), support)
        if self.neighbors == 1:
            logits = -_nearest_of_classes(distances, labels)
        else:
            logits = _votes(distances, labels, self.neighbors)
        return self.mask_absent(logits, presence(labels))

    def _distances(self, query, support):
        """Returns the distances `[T, M, S]` of queries and examples."""
        if self.distance == "cosine":
            query = to_unit_length(query)
            support = to_unit_length(support)
            return 1.0 - ops.einsum("tmd,tsd->tms", query, support)
        return squared_distances(query, support)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {**config, "neighbors": self.neighbors, "distance": self.distance}


def _nearest_of_classes(distances, labels):
    """Returns the least distance `[T, M, N]` to an example of each class."""
    tasks, examples, ways = ops.shape(labels)
    queries = ops.shape(distances)[1]
    # One segment per class of each task, and one more for padding.
    segments = ops.argmax(labels, axis=-1) + ways * ops.arange(tasks)[:, None]
    segments = ops.where(ops.max(labels, axis=-1) > 0, segments, tasks * ways)
    rows = ops.reshape(ops.swapaxes(distances, 1, 2), (tasks * examples, queries))
    nearest = -ops.segment_max(-rows, ops.reshape(segments, (-1,)), tasks * ways + 1)
    nearest = ops.reshape(nearest[:-1], (tasks, ways, queries))
    return ops.swapaxes(nearest, 1, 2)


def _votes(distances, labels, neighbors):
    """Returns the logarithm `[T, M, N]` of the votes of the nearest examples."""
    tasks, examples, _ = ops.shape(labels)
    is_real = ops.max(labels, axis=-1)[:, None, :] > 0
    order = ops.argsort(ops.where(is_real, distances, float("inf")), axis=-1)
    nearest = order[..., :neighbors] + examples * ops.arange(tasks)[:, None, None]
    # [T, M, neighbors, N]; a row of zeros where padding had to be taken.
    voters = ops.take(ops.reshape(labels, (tasks * examples, -1)), nearest, axis=0)
    votes = ops.sum(voters, axis=2)
    closeness = 1.0 - ops.arange(neighbors, dtype="float32") / neighbors
    closeness = closeness[: ops.shape(voters)[2], None] * voters
    return ops.log(votes + TIE * ops.max(closeness, axis=2) + NO_VOTE)
