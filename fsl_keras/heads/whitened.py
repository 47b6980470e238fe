"""Nearest prototype after within-class whitening."""

from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.heads.simple_shot import SimpleShotHead
from fsl_keras.heads.support import check_power, check_shrinkage, power_transform
from fsl_keras.heads.within_class import common_directions, deviations
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class WhitenedHead(SimpleShotHead):
    """Nearest prototype after within-class whitening (WCCN).

    The variation within a class, such as that of light and pose, is similar in all
    classes. `fit_base` estimates its covariance from base classes and shrinks it
    toward a multiple of the identity. Embeddings are scaled to unit length, centered,
    multiplied by the inverse root of the covariance and scaled to unit length again.
    Before `fit_base` the head equals a `SimpleShotHead` without a center.

    With `directions` only some directions are scaled down, those of largest variance,
    and instead of subtracting the mean its direction is removed, as by
    `WhitenedRidgeHead`. With a shrinkage near one, base classes unlike those that are
    learned do little harm.

    Reference:

    - [Hatch et al., 2006](https://doi.org/10.21437/Interspeech.2006-183)

    Args:
        shrinkage: float in (0, 1], the weight of the identity in the covariance.
        power: float above 0, the exponent that the absolute values of the embeddings
            are first raised to, with their signs. Defaults to `1.0`, the embeddings as
            they are.
        directions: optional integer, the number of directions that are scaled down; by
            default all.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `shrinkage` is not in (0, 1], or `power` is not above 0.

    Example:

    >>> head = WhitenedHead()
    >>> head.build((None, None, 2))
    >>> base = np.array([[3.0, 4], [3, 4.1], [-4, 3], [-4, 3.1]])
    >>> head.fit_base(base, [0, 0, 1, 1])
    >>> query = base[None, :1]
    >>> np.asarray(head(base[None, 1:3], np.eye(2)[None], query)).argmax(-1)
    array([[0]])
    """

    def __init__(
        self,
        shrinkage: float = 0.6,
        power: float = 1.0,
        directions: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_shrinkage(shrinkage)
        check_power(power)
        self.shrinkage = shrinkage
        self.power = power
        self.directions = directions
        self.whitening: Tensor = None

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates center and whitening for embeddings of shape `[T, S, D]`."""
        super().build(support_shape)
        self.whitening = self.add_weight(
            name="whitening",
            shape=(support_shape[-1], support_shape[-1]),
            initializer="identity",
            trainable=False,
        )

    def fit_base(self, embeddings: Tensor, labels: Tensor) -> None:
        """Estimates center and within-class covariance from base classes.

        Args:
            embeddings: float array `[n, D]`.
            labels: integer array `[n]`, the class of each embedding.

        Raises:
            ValueError: if no class has two different embeddings.
        """
        units = np.asarray(self._units(np.asarray(embeddings, "float64")))
        if self.directions is not None:
            found = common_directions(units, labels, self.shrinkage, self.directions)
            self.set_directions(found)
            return
        means, rest = deviations(units, labels)
        values, vectors = np.linalg.eigh(rest.T @ rest / len(rest))
        mean = values.mean()
        shrunk = (1 - self.shrinkage) * np.maximum(values, 0) + self.shrinkage * mean
        self.center.assign(means.mean(axis=0).astype("float32"))
        whitening = (vectors * np.sqrt(mean / shrunk)) @ vectors.T
        self.whitening.assign(whitening.astype("float32"))

    def set_directions(self, directions: np.ndarray) -> None:
        """Sets the directions that are scaled down, and no center.

        Args:
            directions: float array `[D, n]`, as `WhitenedRidgeHead` has them.
        """
        self.center.assign(np.zeros(len(directions)))
        self.whitening.assign(np.eye(len(directions)) - directions @ directions.T)

    def _units(self, embeddings):
        return to_unit_length(power_transform(embeddings, self.power))

    def normalize(self, embeddings: Tensor) -> Tensor:
        """Returns whitened embeddings of unit length, float32."""
        units = self._units(ops.cast(embeddings, "float32"))
        return to_unit_length(ops.matmul(units - self.center, self.whitening))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "shrinkage": self.shrinkage,
            "power": self.power,
            "directions": self.directions,
        }
