"""A run that is killed again and again ends as one that never was."""

import json
import subprocess
import sys

import pytest

from fsl_keras.training.callbacks import read_history
from fsl_keras.training.methods import METHODS

# Under determinism, which cannot be switched off again in a process.
RUNS = """
import json, pathlib, sys
import numpy as np
import tensorflow as tf
import fsl_keras as fsl
from fsl_keras.files import swapping
from fsl_keras.training.options import Options
from fsl_keras.training.report import write_report
from fsl_keras.training.run import train
from fsl_keras.training.run_folder import Run

tf.config.experimental.enable_op_determinism()
# Graphs run a few times only: optimizing them would take longer.
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
folder = pathlib.Path(sys.argv[1])
options = Options.suited({
    "method": {"name": sys.argv[3]},
    "backbone": {"filters": 2},
    "train": {
        "steps": int(sys.argv[4]), "steps_per_epoch": 1, "ways": 3, "queries": 1,
        "augment": sys.argv[3] == "cactus",
        "validation_episodes": 2,
    },
    "test": {"protocols": [[5, 1]], "episodes": 2},
})


class Killed(BaseException):
    pass


put = swapping.put


def put_or_be_killed(new, path):
    at = path.name, len(list((folder / "b").glob("checkpoint*")))
    if at in BEFORE:
        BEFORE.remove(at)
        raise Killed
    put(new, path)


BEFORE = [tuple(file) for file in json.loads(sys.argv[2])]
whole = Run.start(folder / "a", options)
expected = train(whole)
write_report(whole, expected)
swapping.put = put_or_be_killed
while True:
    begun = (folder / "b/options.json").exists()
    try:
        run = Run.resume(folder / "b", {}) if begun else Run(folder / "b", options)
        learned = train(run)
        write_report(run, learned)
        break
    except Killed:
        pass
for weight, same in zip(learned.get_weights(), expected.get_weights(), strict=True):
    np.testing.assert_array_equal(weight, same)
assert not BEFORE
"""

# A file before which the run is killed, and how many checkpoints there are then: the
# first is that of the first stage. Before a file is after the one that comes before it.
KILLED = {
    "feat": [("history.json", 1), ("checkpoint.keras", 1), ("learner.keras", 2)],
    "cactus": [
        ("history.json", 1),
        ("checkpoint_pseudo_classes_2.keras", 2),
        ("checkpoint_pseudo_classes_4.keras", 4),
        ("learner.keras", 8),
    ],
}
STEPS = {"feat": 3, "cactus": 8}


def test_methods_of_several_stages():
    staged = {name for name, m in METHODS.items() if len(m.streams) > 1}
    assert staged == {"meta_baseline", "feat", "cactus"}
    # What is true of the runs of one is true of those of the other.
    assert METHODS["meta_baseline"].streams == METHODS["feat"].streams


@pytest.mark.slow
@pytest.mark.parametrize("method", KILLED)
def test_a_run_of_stages_that_is_killed_before_it_writes_a_file(tmp_path, method):
    steps = STEPS[method]
    killed = json.dumps(KILLED[method])
    done = subprocess.run(
        [sys.executable, "-c", RUNS, tmp_path, killed, method, str(steps)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    reports = [json.loads((tmp_path / run / "report.json").read_text()) for run in "ab"]
    assert reports[0] == reports[1]
    whole, resumed = (read_history(tmp_path / run) for run in "ab")
    assert {len(values) for values in whole.values()} == {steps}
    assert whole.pop("cpu_seconds") != resumed.pop("cpu_seconds")
    assert whole == resumed
    names = [{path.name for path in (tmp_path / run).iterdir()} for run in "ab"]
    assert names[0] == names[1]
