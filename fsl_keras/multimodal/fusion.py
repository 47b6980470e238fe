"""The weighted sum of the logits of two classifiers."""

import dataclasses

import numpy as np
from keras import ops

from fsl_keras.heads.head import ABSENT, is_absent
from fsl_keras.model_selection.calibration import log_losses, temperature_of
from fsl_keras.typing import Tensor

# The weights that are tried, the most even first, which is kept among equals.
WEIGHTS = sorted(np.linspace(0, 1, 11).round(1).tolist(), key=lambda w: abs(w - 0.5))


@dataclasses.dataclass(frozen=True)
class Fusion:
    """How the logits of two classifiers become those of one.

    The logits of each are divided by its temperature, so that they are comparable, and
    added with the weights `weight` and `1 - weight`. The sum is divided by a third
    temperature, so that its softmax is calibrated. With equal weights it is the product
    of the probabilities of both, scaled to a sum of one.

    Reference:

    - [Kittler et al., 1998](https://doi.org/10.1109/34.667881)
    - the rule of one standard error: Breiman et al., Classification and Regression
      Trees, 1984
    - temperatures: [Guo et al., 2017](https://arxiv.org/abs/1706.04599)

    Attributes:
        weight: float from 0 to 1, the weight of the first classifier. Defaults to
            `0.5`.
        temperatures: pair of floats above 0, those of the logits of each. Defaults to
            `(1.0, 1.0)`.
        temperature: float above 0, that of the sum. Defaults to `0.5`, with which equal
            weights are a plain sum.
        source: string, how the numbers were chosen.
        log_losses: triple of floats: the mean negative log probability of the right
            class by the first classifier, by the second and by both, on the examples
            that the numbers were fitted to. NaN if they were not fitted.

    Raises:
        ValueError: if a number is out of range.

    Example:

    >>> fusion = Fusion(weight=0.5, temperatures=(1.0, 2.0))
    >>> np.asarray(fusion.logits([[1.0, 0.0]], [[4.0, 2.0]])).tolist()
    [[3.0, 1.0]]
    """

    weight: float = 0.5
    temperatures: tuple[float, float] = (1.0, 1.0)
    temperature: float = 0.5
    source: str = "not fitted"
    log_losses: tuple[float, float, float] = (np.nan, np.nan, np.nan)

    def __post_init__(self) -> None:
        # A file stores them as lists.
        for name in ("temperatures", "log_losses"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not 0 <= self.weight <= 1:
            raise ValueError(
                f"`weight` is that of the first classifier, from 0 to 1. Received: "
                f"weight={self.weight!r}"
            )
        if len(self.temperatures) != 2 or not all(
            0 < value < np.inf for value in (*self.temperatures, self.temperature)
        ):
            raise ValueError(
                f"`temperatures` must be a pair of numbers above 0, and `temperature` "
                f"one. Received: temperatures={self.temperatures}, "
                f"temperature={self.temperature!r}"
            )

    def logits(self, first: Tensor, second: Tensor) -> Tensor:
        """Returns the logits of both classifiers together.

        Args:
            first: float `[..., N]`, the logits of the first classifier.
            second: float `[..., N]`, those of the second.

        Returns:
            float32 `[..., N]`; -1e9 for a class that one of them has no example of.
        """
        first, second = (ops.cast(logits, "float32") for logits in (first, second))
        absent = ops.logical_or(is_absent(first), is_absent(second))
        ours, theirs = self.temperatures
        total = self.weight * first / ours + (1 - self.weight) * second / theirs
        return ops.where(absent, ABSENT, total / self.temperature)

    @classmethod
    def fitted(
        cls, first: Tensor, second: Tensor, labels: Tensor, source: str
    ) -> "Fusion":
        """Chooses weight and temperatures on the logits of held-out examples.

        Of the weights 0, 0.1, ..., 1, each with the temperature that suits the sum, it
        takes the most even one whose log loss is at most one standard error above the
        smallest (paired by example): few examples cannot tell more.

        Args:
            first: float array `[n, N]`, the logits of the first classifier.
            second: float array `[n, N]`, those of the second, of the same examples.
            labels: integer array `[n]`, the right classes.
            source: string, see the class.

        Returns:
            A `Fusion`.

        Example:

        >>> right = np.array([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [0.0, 2.0]])
        >>> Fusion.fitted(right, 0 * right, np.array([0, 1, 0, 1]), "an example").weight
        0.5
        >>> wrong = right[:, ::-1]
        >>> found = Fusion.fitted(right, wrong, np.array([0, 1, 0, 1]), "an example")
        >>> np.asarray(found.logits(right, wrong)).argmax(axis=-1).tolist()
        [0, 1, 0, 1]
        """
        temperatures = temperature_of(first, labels), temperature_of(second, labels)

        def of_weight(weight):
            even = cls(weight, temperatures, temperature=1.0)
            logits = np.asarray(even.logits(first, second))
            temperature = temperature_of(logits, labels)
            return log_losses(logits, labels, temperature), temperature

        found = {weight: of_weight(weight) for weight in WEIGHTS}
        losses = {weight: values for weight, (values, _) in found.items()}
        least = min(losses.values(), key=np.mean)
        chosen = next(
            weight for weight in WEIGHTS if _is_as_good(losses[weight] - least)
        )
        first_alone, second_alone, both = (
            float(losses[weight].mean()) for weight in (1.0, 0.0, chosen)
        )
        return cls(
            chosen,
            temperatures,
            found[chosen][1],
            source,
            (first_alone, second_alone, both),
        )


def _is_as_good(differences):
    """Whether a mean difference is at most its standard error."""
    error = differences.std() / np.sqrt(len(differences))
    return differences.mean() <= error + 1e-4  # of rounding
