"""Predictions that are sets of classes, with the right one at a given rate."""

from typing import Any

from fsl_keras.model_selection import least_probability


class PredictsSets:
    """Mixin of a classifier that predicts sets of classes."""

    calibration: Any

    def predict_sets(self, images: Any, coverage: float = 0.9) -> list[dict]:
        """Predicts all classes that each image or text may be of.

        The sets contain the right class at the rate `coverage`, on average over items
        like the examples: of the known classes, as frequent as among the examples, and
        from the same source (split conformal prediction, [Sadinle et al.,
        2019](https://arxiv.org/abs/1609.00451)). The less certain the classifier is,
        the larger they are. A set is empty if no class is probable enough.

        The classifier must have been calibrated on its own examples: made by
        `adapt(..., false_reject_rate=0.05)` with two examples or more of a class. After
        a change of its classes the rate is no longer known: call `adapt` again.

        Args:
            images: images or texts in any form, see `predict_classes`.
            coverage: float in (0, 1), the rate at which sets contain the right class.

        Returns:
            A list with a dictionary for each item, from class name to probability, the
            most probable class first.

        Raises:
            ValueError: if the classifier is not calibrated on its own examples, these
                are too few for the coverage, or an image cannot be read.
        """
        right = self.calibration and self.calibration.right_probabilities
        if not right:
            raise ValueError(
                "`predict_sets` needs a classifier that is calibrated on its own "
                "examples: make it by `adapt(..., false_reject_rate=0.05)`, with two "
                "examples or more of each class."
            )
        least = least_probability(right, coverage)
        predictions = self.predict_classes(images)  # type: ignore[attr-defined]
        return [
            {name: value for name, value in each.top(len(each[2])) if value >= least}
            for each in predictions
        ]
