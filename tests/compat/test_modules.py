import importlib

import pytest

from fsl_keras.compat.modules import MOVED
from tests.checks import run_python


@pytest.mark.parametrize(("old", "new"), MOVED.items())
def test_an_old_path_is_the_module_in_its_new_place(old, new):
    module = importlib.import_module(f"fsl_keras.{new}")
    assert importlib.import_module(f"fsl_keras.{old}") is module
    assert module.__name__ == module.__spec__.name == f"fsl_keras.{new}"


def test_modules_inside_a_moved_package_are_found_too():
    from fsl_keras.estimates.calibration import Calibration

    from fsl_keras.model_selection.calibration import Calibration as same

    assert Calibration is same


@pytest.mark.slow
def test_old_names_are_imported_first_in_a_fresh_process():
    run_python(
        "import fsl_keras as fsl\n"
        "from fsl_keras.estimates import leave_one_out\n"
        "from fsl_keras.models.maml import MAML\n"
        "assert fsl.estimates is fsl.model_selection\n"
        "assert fsl.estimates.leave_one_out is leave_one_out\n"
        "assert MAML is fsl.models.MAML\n"
    )


def test_a_module_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError, match=r"fsl_keras\.estimates\.nothing"):
        importlib.import_module("fsl_keras.estimates.nothing")
