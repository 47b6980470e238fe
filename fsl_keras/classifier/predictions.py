"""The prediction of a classifier for one image."""

import numbers
import typing

UNKNOWN = "unknown"


class ClassPrediction(typing.NamedTuple):
    """The prediction of a classifier for one image.

    Attributes:
        class_name: string, the most probable class, or `"unknown"`.
        probability: float, the probability of the most probable class.
        probabilities: dictionary from class name to probability.

    Example:

    >>> from fsl_keras.classifier.predictions import ClassPrediction
    >>> prediction = ClassPrediction("heron", 0.9, {"egret": 0.1, "heron": 0.9})
    >>> prediction.class_name
    'heron'
    >>> prediction.top(2)
    [('heron', 0.9), ('egret', 0.1)]
    """

    class_name: str
    probability: float
    probabilities: dict

    @classmethod
    def of(cls, probabilities, class_names, is_known=True):
        """Names the most probable class, or `"unknown"` where it is not known."""
        best = int(probabilities.argmax())
        probability = float(probabilities[best])
        name = class_names[best] if is_known else UNKNOWN
        each = dict(zip(class_names, map(float, probabilities), strict=True))
        return cls(name, probability, each)

    def top(self, k):
        """Returns the most probable classes.

        Args:
            k: integer, how many classes at most. All are returned if there are fewer.

        Returns:
            A list of pairs `(class name, probability)`, the most probable first;
            "unknown" is none of them. Classes of equal probability keep the order of
            the classifier.
        """
        if not isinstance(k, numbers.Integral) or k < 1:
            raise ValueError(f"`k` must be an integer of at least 1. Received: k={k!r}")
        pairs = sorted(self.probabilities.items(), key=lambda pair: -pair[1])
        return pairs[:k]
