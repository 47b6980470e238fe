"""What a classifier says of one picture."""

import typing

UNKNOWN = "unknown"


class ClassPrediction(typing.NamedTuple):
    """What a classifier says of one picture.

    Attributes:
        class_name: string, the most probable class, or `"unknown"`.
        probability: float, the probability of the most probable class.
        probabilities: dictionary from class name to probability.

    Example:

    >>> from fsl_keras.predictions import ClassPrediction
    >>> prediction = ClassPrediction("heron", 0.9, {"egret": 0.1, "heron": 0.9})
    >>> prediction.class_name
    'heron'
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
