"""oneDNN is on unless the user says otherwise; results are the same without it."""

import json
import os
import platform
import subprocess
import sys

import pytest

import fsl_keras as fsl
from fsl_keras.imports import onednn
from fsl_keras.imports.onednn import VARIABLE

pytestmark = pytest.mark.skipif(
    platform.machine().lower() not in ("x86_64", "amd64"),
    reason="oneDNN is switched by this package on x86 processors alone",
)

# Says, as JSON, what the variable is, whether oneDNN is on, and what was warned of.
REPORT = """
import json, os, warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fsl_keras
    from fsl_keras.imports import onednn
    onednn.enable()
said = [str(w.message) for w in caught if "oneDNN" in str(w.message)]
print(json.dumps([os.environ.get(onednn.VARIABLE), onednn.is_on(), said]))
"""

# Prints whether oneDNN is on, the accuracy of a preset, and the digests of the weights
# of training that runs twice.
RESULTS = """
import hashlib, json, keras, numpy as np, tensorflow as tf
import fsl_keras as fsl
learner = fsl.from_preset("prototypical_conv4_glyphs")
data = fsl.datasets.load("glyphs", "validation")
report = fsl.evaluation.evaluate(learner, data.episodes(5, 1, 5, seed=0, count=40))
tf.config.experimental.enable_op_determinism()
images = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 1), dtype="uint8")
data = fsl.ClassDataset.from_arrays(images, np.repeat(np.arange(6), 10))
digests = []
for _ in range(2):
    keras.utils.set_random_seed(0)
    model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4(data.item_shape, 8))
    model.compile()
    model.fit(data.episodes(5, 1, 5), steps_per_epoch=3, verbose=0)
    weights = np.concatenate([w.ravel() for w in model.get_weights()])
    digests.append(hashlib.sha256(weights.tobytes()).hexdigest())
print(json.dumps([fsl.onednn.is_on(), report.accuracy, digests]))
"""


def run(code, value=None):
    """Runs code in a fresh process, with the variable set to a value or not at all."""
    environment = {k: v for k, v in os.environ.items() if k != VARIABLE}
    if value is not None:
        environment[VARIABLE] = value
    out = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return out.splitlines()[-1]


def test_is_on_by_default():
    # Importing the package has set the variable of this process, if nobody had.
    assert onednn.is_on() == (os.environ[VARIABLE] == "1")


@pytest.mark.slow
def test_warns_once_if_tensorflow_was_loaded_without_it():
    # On any processor, TensorFlow is made to load as it does without AVX-512.
    code = f"import os, tensorflow; del os.environ['{VARIABLE}']\n{REPORT}"
    value, is_on, said = json.loads(run(code, "0"))
    assert (value, is_on) == ("1", False)
    assert len(said) == 1
    assert "Import fsl_keras before tensorflow and keras" in said[0]


@pytest.mark.slow
def test_results_hold_where_the_user_switches_it_off():
    is_on, accuracy, digests = json.loads(run(RESULTS, "0"))
    assert not is_on
    assert digests[0] == digests[1]
    learner = fsl.from_preset("prototypical_conv4_glyphs")
    data = fsl.datasets.load("glyphs", "validation")
    report = fsl.evaluation.evaluate(learner, data.episodes(5, 1, 5, seed=0, count=40))
    # One of the 1,000 queries may be a tie that rounding decides.
    assert accuracy == pytest.approx(report.accuracy, abs=0.002)
    assert accuracy > 0.9
