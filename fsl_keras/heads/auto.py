"""Chooses a head by cross-validation on the support set."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.head import Head
from fsl_keras.heads.prototype import PrototypeHead
from fsl_keras.heads.ridge import RidgeHead
from fsl_keras.heads.support import one_hot_of
from fsl_keras.heads.whitened_ridge import WhitenedRidgeHead
from fsl_keras.typing import Shape, Tensor

# The standard errors by which a head must be better than the first one.
CLEARLY = 1.96


@keras.saving.register_keras_serializable(package="fsl_keras")
class AutoHead(ExampleHead):
    """Scores a query by the head that suits the support set best.

    Each head learns the support set without a part of the examples and predicts these,
    for all parts in turn. The first head is taken unless another one predicts more of
    the examples, and the 95% interval of the difference is above zero, as a few
    examples tell little. With one example of each class there is nothing to compare,
    and the first head is taken.

    Copies of an example, in whatever form, must not be in the support set, as one would
    tell the class of the other.

    Args:
        heads: optional dictionary from name to `Head` that takes vectors. By default
            `WhitenedRidgeHead`, `RidgeHead` and `PrototypeHead` by cosine similarity.
        n_splits: integer, the number of parts. Defaults to `5`.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if there are fewer than two heads or parts, or the predictions of a
            head depend on the other queries.

    Example:

    >>> support = np.array(
    ...     [[[1.0, 0], [2, 0], [4, 0], [30, 0], [0, 1], [0, 2], [0, 1]]])
    >>> labels = np.eye(2)[[0, 0, 0, 0, 1, 1, 1]][None]
    >>> head = AutoHead(
    ...     {"distance": PrototypeHead(), "cosine": PrototypeHead("cosine")})
    >>> print(head.explain(head.prepare(head.remember(support, labels))))
    cosine (100.0 % in 5-fold cross-validation; distance 57.1 %)
    """

    incremental = "refit"

    def __init__(
        self,
        heads: Mapping[str, Head] | None = None,
        n_splits: int = 5,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if heads is None:
            heads = {
                "whitened_ridge": WhitenedRidgeHead(),
                "ridge": RidgeHead(0.13, relative=True),
                "cosine": PrototypeHead("cosine"),
            }
        heads = {
            name: keras.saving.deserialize_keras_object(head)
            if isinstance(head, dict)
            else head
            for name, head in heads.items()
        }
        _check(heads, n_splits)
        self.heads = heads
        self.n_splits = n_splits
        self.built = False

    @property
    def weighs_examples(self) -> bool:  # type: ignore[override]
        """Whether all heads take examples with weights."""
        return all(head.weighs_examples for head in self.heads.values())

    @property
    def common(self) -> Tensor:
        """The directions of base classes that a head has, or None."""
        return next((x.common for x in self._with("common")), None)

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the weights of the heads for embeddings of shape `[T, S, D]`."""
        for head in self.heads.values():
            if not head.built:
                head.build(support_shape, support_labels_shape, query_shape)

    def fit_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Estimates the statistics of base classes, of the heads that have some.

        Args:
            embeddings: float array `[n, D]`.
            labels: integer array `[n]`, the class of each embedding.
        """
        for head in self._with("fit_base"):
            head.fit_base(embeddings, labels)

    def set_directions(self, directions: np.ndarray) -> None:
        """Sets the directions of the heads that have some, see `WhitenedRidgeHead`."""
        for head in self._with("set_directions"):
            head.set_directions(directions)

    def _with(self, name):
        return [head for head in self.heads.values() if hasattr(head, name)]

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the states of all heads, `"<head>.<tensor>"`, and the choice.

        The choice is `"chosen"`, one-hot `[T, H]`, and `"accuracy"` `[T, H]`, which is
        -1 where nothing could be compared.
        """
        states = [
            (f"{name}.{key}", value)
            for name, head in self.heads.items()
            for key, value in _prepared(head, memory).items()
        ]
        right, tested = self._cross_validated(memory)
        count = ops.maximum(ops.sum(tested, axis=-1), 1)
        more = right - right[:, :1]
        mean = ops.sum(more, axis=-1) / count
        spread = ops.sum(ops.square(more - mean[..., None]) * tested, axis=-1) / count
        gain = mean - CLEARLY * ops.sqrt(spread / count)
        chosen = ops.one_hot(ops.argmax(gain, axis=-1), len(self.heads))
        accuracy = ops.sum(right, axis=-1) / count
        any_tested = ops.max(tested, axis=-1)
        accuracy = ops.where(any_tested > 0, accuracy, -1.0)
        return {**dict(states), "chosen": chosen, "accuracy": accuracy}

    def _cross_validated(self, memory):
        """Returns which heads predict which examples, and the examples predicted.

        Both are float32: `[T, H, S]` and `[T, 1, S]`. The first is 0 where the second
        is.
        """
        labels = one_hot_of(memory["labels"])
        counts = ops.sum(labels, axis=1, keepdims=True)
        # The place of an example among those of its class, from 1; 0 at padding.
        place = ops.sum(labels * ops.cumsum(labels, axis=1), axis=-1)
        fold = ops.mod(place - 1, self.n_splits)
        others = ops.sum(labels * ops.cast(counts > 1, "float32"), axis=-1)
        right = [ops.zeros_like(fold) for _ in self.heads]
        examples, ways = labels.shape[1:]
        is_one_shot = examples is not None and ways is not None and examples <= ways
        for number in range(0 if is_one_shot else self.n_splits):
            left_out = ops.cast(fold == number, "float32")
            kept = memory["labels"] * (1 - left_out)[..., None]
            asked = left_out * others
            for index, head in enumerate(self.heads.values()):
                state = _prepared(head, {**memory, "labels": kept})
                logits = head.score(state, memory["support"])
                hit = ops.take_along_axis(
                    labels, ops.argmax(logits, axis=-1)[..., None], axis=-1
                )
                right[index] += asked * hit[..., 0]
        return ops.stack(right, axis=1), others[:, None]

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        logits = 0.0
        for index, (name, head) in enumerate(self.heads.items()):
            start = f"{name}."
            own = {
                key.removeprefix(start): value
                for key, value in state.items()
                if key.startswith(start)
            }
            chosen = state["chosen"][:, index, None, None]
            logits += ops.where(chosen > 0, head.score(own, query), 0.0)
        return logits

    def explain(self, state: Mapping[str, Tensor]) -> str:
        """Returns a line about the head that the first task has, and why.

        Args:
            state: a state, such as that of a `FewShotClassifier`.
        """
        names = list(self.heads)
        best = int(np.argmax(state["chosen"][0]))
        found = np.asarray(state["accuracy"][0])
        if found[0] < 0:
            return f"{names[best]} (one example of each class does not tell)"
        shown = [f"{100 * value:.1f} %" for value in found]
        others = [f"{names[i]} {shown[i]}" for i in range(len(names)) if i != best]
        return (
            f"{names[best]} ({shown[best]} in {self.n_splits}-fold cross-validation; "
            f"{', '.join(others)})"
        )

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        heads = {name: serialize(head) for name, head in self.heads.items()}
        return {**super().get_config(), "heads": heads, "n_splits": self.n_splits}


def _prepared(head, memory):
    return head.prepare(head.remember(memory["support"], memory["labels"]))


def _check(heads, n_splits):
    if n_splits < 2 or len(heads) < 2:
        raise ValueError(
            f"A choice by cross-validation needs two heads or more, and two parts or "
            f"more. Received: heads={list(heads)}, n_splits={n_splits!r}"
        )
    for name, head in heads.items():
        if head.kind == "transductive":
            raise ValueError(
                f"The heads must be inductive. Received: {name!r}, {head!r}, whose "
                f"predictions depend on the other queries"
            )
