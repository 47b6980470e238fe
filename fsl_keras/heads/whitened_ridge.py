"""Ridge regression and prototypes on embeddings without what all classes share."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.heads.ridge import RidgeHead
from fsl_keras.heads.support import (
    balanced_weights,
    check_power,
    check_shrinkage,
    one_hot_of,
    power_transform,
    weighted_means,
)
from fsl_keras.heads.within_class import common_directions
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Shape, Tensor

# The least cosine of the means of the examples and of the base, chosen between
# photographs of other sources and drawings.
LIKE = 0.65


@keras.saving.register_keras_serializable(package="fsl_keras")
class WhitenedRidgeHead(RidgeHead):
    """Scores a query by ridge regression and prototypes on whitened embeddings.

    Embeddings of a ReLU are raised to a power, which makes their distribution more
    even, and scaled to unit length. Then the directions that say little about the class
    are reduced: the mean of base classes, which all embeddings have in common, is
    removed, and those that vary most within base classes are scaled down. The labels
    are regressed on the result, scaled to unit length, as by `RidgeHead`.

    With several examples of a class, the squared distance to their mean is subtracted,
    times `1 - classes / examples`. Ridge regression and prototypes err on different
    queries: together they are as accurate as the better one, or more.

    `fit_base` estimates the directions from base classes. Their variance is shrunk far
    toward the mean variance, so that a base of few classes, or of classes unlike those
    that are learned, does little harm. The directions are not used at all for a support
    set whose mean is unlike that of the base. Before `fit_base` there are none.

    Reference:

    - ridge regression: [Bertinetto et al., 2019](https://arxiv.org/abs/1805.08136)
    - the mean: [Xu et al., 2022](https://arxiv.org/abs/2207.05021)
    - within-class covariance:
      [Hatch et al., 2006](https://doi.org/10.21437/Interspeech.2006-183)

    Args:
        regularization: float above 0, lambda in units of the mean squared length of the
            examples. Defaults to `0.5`.
        scale: float, the initial factor of the regressed labels.
        learned: bool, whether training changes both, and the bias of the logits.
        power: float above 0, the exponent that the absolute values of the embeddings
            are raised to, with their signs.
        shrinkage: float in (0, 1], the weight of the mean variance in the variance of a
            direction.
        directions: integer, the number of directions that are scaled down.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `regularization` or `power` is not above 0, `shrinkage` is not in
            (0, 1], or `directions` is negative.

    Example:

    >>> head = WhitenedRidgeHead(power=1.0, directions=0)
    >>> head.build((None, None, 3))
    >>> head.fit_base(np.array([[1.0, 0, 0], [1, 1, 0], [1, 0, 1]]), [0, 1, 1])
    >>> base = np.asarray(head.common)  # the mean alone, of unit length
    >>> base.shape, float(np.linalg.norm(base).round(3))
    ((3, 1), 1.0)
    """

    def __init__(
        self,
        regularization: float = 0.5,
        scale: float = 10.0,
        learned: bool = True,
        power: float = 0.7,
        shrinkage: float = 0.95,
        directions: int = 32,
        **kwargs: Any,
    ) -> None:
        super().__init__(regularization, scale, learned, relative=True, **kwargs)
        check_shrinkage(shrinkage)
        check_power(power)
        if directions < 0:
            raise ValueError(
                f"`directions` must be at least 0. Received: directions={directions!r}"
            )
        self.power = power
        self.shrinkage = shrinkage
        self.directions = directions
        self.common: Tensor = None
        self.built = False

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the directions for embeddings of shape `[T, S, D]`."""
        del support_labels_shape, query_shape
        self.common = self.add_weight(
            name="common",
            shape=(support_shape[-1], self.directions + 1),
            initializer="zeros",
            trainable=False,
        )

    def fit_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Estimates the directions from base classes.

        Args:
            embeddings: float array `[n, D]`.
            labels: integer array `[n]`, the class of each embedding.

        Raises:
            ValueError: if there is one class, or no class has two different embeddings.
        """
        units = np.asarray(self._units(embeddings), "float64")
        found = common_directions(units, labels, self.shrinkage, self.directions)
        self.set_directions(found)

    def set_directions(self, directions: np.ndarray) -> None:
        """Sets the directions to some that were estimated before.

        Args:
            directions: float array `[D, n]`, the mean and others, at most as many as
                the head has.
        """
        missing = self.common.shape[1] - directions.shape[1]
        self.common.assign(np.pad(directions, ((0, 0), (0, missing))))

    def whiten(self, embeddings: Tensor, explained: Tensor) -> Tensor:
        """Returns whitened embeddings of unit length, float32.

        Args:
            embeddings: float `[T, S, D]`.
            explained: float32 `[T, 1, 1]`, 1 to use the directions and 0 not to.
        """
        units = self._units(embeddings)
        parts = ops.matmul(ops.matmul(units, self.common), ops.transpose(self.common))
        return to_unit_length(units - explained * parts)

    def explains(self, memory: dict[str, Tensor]) -> Tensor:
        """Returns 1 where the base is like the examples, else 0: float32 `[T, 1, 1]`.

        It is like them if the cosine of both means is at least 0.65.
        """
        means = _class_means(self._units(memory["support"]), memory["labels"])
        mean = to_unit_length(ops.sum(means, axis=1, keepdims=True))
        cosine = ops.matmul(mean, self.common[:, :1])
        return ops.cast(cosine >= LIKE, "float32")

    def _units(self, embeddings):
        embeddings = ops.cast(embeddings, "float32")
        return to_unit_length(power_transform(embeddings, self.power))

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns the state of `RidgeHead`, `"offsets"` `[T, N]` and `"explained"`."""
        explained = self.explains(memory)
        support, labels = self.whiten(memory["support"], explained), memory["labels"]
        state = super().prepare({**memory, "support": support})
        examples = ops.sum(labels, axis=(1, 2))
        classes = ops.sum(one_hot_of(state["present"]), axis=-1)
        # Examples with weights may count less than the classes are.
        share = 1 - classes / ops.maximum(examples, ops.maximum(classes, 1))
        share = share[:, None, None]
        # For queries of unit length, 2 q m - |m|^2 is the distance up to a constant.
        means = _class_means(support, labels)
        offsets = -share[..., 0] * ops.sum(ops.square(means), axis=-1)
        weights = state["weights"] + 2 * share * ops.swapaxes(means, 1, 2)
        more = {"weights": weights, "offsets": offsets, "explained": explained}
        return {**state, **more}

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        logits = super().score(state, self.whiten(query, state["explained"]))
        return logits + self.scale * state["offsets"][:, None, :]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["relative"]
        return {
            **config,
            "power": self.power,
            "shrinkage": self.shrinkage,
            "directions": self.directions,
        }


def _class_means(embeddings, labels):
    """Returns the mean `[T, N, D]` of each class, zeros for one without examples."""
    weights = balanced_weights(labels) * one_hot_of(labels)
    return weighted_means(embeddings, weights)
