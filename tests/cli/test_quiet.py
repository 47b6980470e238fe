"""TensorFlow and converters print nothing between the lines of the command."""

import os
import re
import subprocess
import sys

import pytest

# Logs of TensorFlow, absl and others.
NOISE = re.compile(
    r"absl|oneDNN|cuda|[EIW]0000|retracing|tensorflow:|converter|Traceback", re.I
)
CODE = """
import sys
from fsl_keras import cli
sys.argv[:] = ["fsl-keras", *sys.argv[1:]]
lines, line = [], []
for argument in [*sys.argv[1:], "then"]:
    if argument == "then":
        lines.append(line)
        line = []
    else:
        line.append(argument)
for line in lines:
    sys.argv[1:] = line
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code, line
"""


def run(*lines):
    """Runs commands in a fresh process without a setting of logs."""
    arguments = [argument for line in lines for argument in (*line, "then")][:-1]
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    done = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr


@pytest.mark.slow
def test_training_and_exporting_are_quiet(tmp_path):
    pytest.importorskip("tf2onnx", reason="needs the extra of ONNX")
    run_folder = tmp_path / "run"
    classifier = run_folder / "classifier.keras"
    small = ["--ways=5", "--steps=10", "--set=train.steps_per_epoch=5"]
    small += ["--set=backbone.filters=4", "--set=test.episodes=4"]
    out, err = run(
        ["train", f"--output={run_folder}", *small],
        ["export", classifier, tmp_path / "folder"],
        ["export", classifier, tmp_path / "a.tflite", "--format=litert"],
        ["export", classifier, tmp_path / "a.onnx", "--format=onnx"],
    )
    assert not NOISE.search(out), out
    lines = err.splitlines()
    assert len(lines) == 10
    for number, line in enumerate(lines, start=1):
        assert re.fullmatch(
            rf"steps: {number} of 10, loss \d\.\d{{3}} accuracy \d\.\d{{3}}"
            r"( validation \d\.\d{3})?",
            line,
        )
    assert out.splitlines()[-3:] == [
        f"Written: {tmp_path / name}" for name in ("folder", "a.tflite", "a.onnx")
    ]
