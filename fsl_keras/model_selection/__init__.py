"""Cross-validation and calibration of classifiers of a few examples."""

from fsl_keras.model_selection.base_classes import (
    BaseCalibration,
    calibrate_on_base_classes,
)
from fsl_keras.model_selection.calibration import Calibration
from fsl_keras.model_selection.candidates import (
    Candidate,
    cross_validate,
    recommended,
)
from fsl_keras.model_selection.fine_tuning import cross_validate_fine_tuning
from fsl_keras.model_selection.leave_one_out_report import (
    LeaveOneOutReport,
    leave_one_out,
)
from fsl_keras.model_selection.nested import calibrate
from fsl_keras.model_selection.prediction_sets import least_probability
from fsl_keras.model_selection.support_set import SupportSet

__all__ = [
    "BaseCalibration",
    "Calibration",
    "Candidate",
    "LeaveOneOutReport",
    "SupportSet",
    "calibrate",
    "calibrate_on_base_classes",
    "cross_validate",
    "cross_validate_fine_tuning",
    "least_probability",
    "leave_one_out",
    "recommended",
]
