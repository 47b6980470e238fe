"""What is known of the training of a learner, in its files and copies."""

import dataclasses
import json
import pathlib
from typing import Any, Self

from fsl_keras.model_selection.base_classes import BaseCalibration
from fsl_keras.typing import Path

# The asset of a saved learner that holds its `origin`.
ORIGIN = "origin.json"


class HasOrigin:
    """Mixed into a Keras model: saves and copies what is known of its training.

    Attributes:
        training_classes: optional tuple of strings, the names of the classes that the
            learner was trained on. Reports count those that are tested too.
        base_calibration: optional `BaseCalibration`, by which `adapt` calibrates where
            there is one example per class.
    """

    training_classes: tuple[str, ...] | None = None
    base_calibration: BaseCalibration | None = None

    @property
    def origin(self) -> dict[str, Any]:
        """Both attributes as a dictionary of JSON values."""
        classes, calibration = self.training_classes, self.base_calibration
        return {
            "training_classes": classes and list(classes),
            "base_calibration": calibration and dataclasses.asdict(calibration),
        }

    @origin.setter
    def origin(self, origin: dict[str, Any]) -> None:
        classes = origin.get("training_classes")
        calibration = origin.get("base_calibration")
        self.training_classes = classes and tuple(classes)
        self.base_calibration = calibration and BaseCalibration(**calibration)

    def with_origin_of(self, other: "HasOrigin") -> Self:
        """Takes over the attributes of another learner.

        Args:
            other: a learner.

        Returns:
            This learner.
        """
        self.training_classes = other.training_classes
        self.base_calibration = other.base_calibration
        return self

    def save_assets(self, dir_path: Path) -> None:
        """Writes `origin` into a `.keras` file."""
        path = pathlib.Path(dir_path, ORIGIN)
        path.write_text(json.dumps(self.origin), encoding="utf-8")

    def load_assets(self, dir_path: Path) -> None:
        """Reads what `save_assets` wrote; files of earlier versions do not have it."""
        path = pathlib.Path(dir_path, ORIGIN)
        if path.exists():
            self.origin = json.loads(path.read_text(encoding="utf-8"))
