"""Turns on oneDNN, TensorFlow's fast convolutions on x86 processors."""

import os
import platform
import sys
import warnings

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"


def enable() -> None:
    """Turns oneDNN on, unless `TF_ENABLE_ONEDNN_OPTS` is set.

    On processors without AVX-512, TensorFlow leaves oneDNN off by default, and
    convolutions take about twice the time. TensorFlow reads the variable when its
    library is loaded, so there is a warning if it was imported before.
    """
    is_x86 = platform.machine().lower() in ("x86_64", "amd64")
    if not is_x86 or VARIABLE in os.environ:
        return
    os.environ[VARIABLE] = "1"
    if "tensorflow" in sys.modules and not is_on():
        warnings.warn(
            "TensorFlow was imported before fsl_keras and has oneDNN switched off, so "
            "convolutions on this processor take about twice the time. Import "
            f"fsl_keras before tensorflow and keras, or set {VARIABLE}=1.",
            stacklevel=3,
        )


def is_on() -> bool:
    """Returns whether the loaded TensorFlow computes with oneDNN."""
    # TensorFlow has no public function for this.
    from tensorflow.python.util import _pywrap_util_port

    return _pywrap_util_port.IsMklEnabled()
