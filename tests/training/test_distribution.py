"""Training on two devices and on two workers equals training on one device."""

import functools
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.training.callbacks import read_history
from fsl_keras.training.distribution import strategy_of, summary_of
from tests.checks import run_python
from tests.cli.test_training import SMALL, wait_for

PROGRAM = pathlib.Path(__file__).with_name("distributed.py")
# Those of the second group take minutes together.
GROUPS = (["episodes"], ["batches", "pairs", "inner_loop", "views"])
STAGES = [
    pytest.param(stage, marks=[pytest.mark.slow] if group is GROUPS[1] else [])
    for group in GROUPS
    for stage in group
]


def last_line(out):
    return json.loads(out.strip().splitlines()[-1])


def configs(count=2):
    """The variable `TF_CONFIG` of each of some workers at free ports."""
    servers = [socket.create_server(("localhost", 0)) for _ in range(count)]
    addresses = [f"localhost:{server.getsockname()[1]}" for server in servers]
    for server in servers:
        server.close()
    return [
        json.dumps(
            {
                "cluster": {"worker": addresses},
                "task": {"type": "worker", "index": index},
            }
        )
        for index in range(count)
    ]


def start(config, *command):
    environment = {**os.environ, "TF_CONFIG": config, "PYTHONPATH": os.getcwd()}
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(processes):
    """What processes print, once all have ended without an error."""
    found = [process.communicate() for process in processes]
    for process, (_, err) in zip(processes, found, strict=True):
        assert process.returncode == 0, err
    return [out for out, _ in found]


@functools.cache
def on_devices(group):
    """Losses of one device and of two in the stages of a group, in one process."""
    program = PROGRAM.read_text("utf-8")
    return last_line(run_python(program, "devices", *GROUPS[group]))


@functools.cache
def on_workers(group):
    """What each of two workers prints in the stages of a group."""
    started = [
        start(config, PROGRAM, "worker", *GROUPS[group][:2]) for config in configs()
    ]
    return [last_line(out) for out in ended(started)]


def group_of(stage):
    return [stage in group for group in GROUPS].index(True)


@pytest.mark.parametrize("stage", STAGES)
def test_two_devices_have_the_losses_of_one(stage):
    found = on_devices(group_of(stage))
    assert len(found["one"][stage]) == 50
    np.testing.assert_allclose(
        found["two"][stage], found["one"][stage], atol=1e-5, rtol=1e-5
    )


# Workers draw the streams of the other two stages as they draw these.
@pytest.mark.parametrize("stage", STAGES[:3])
def test_two_workers_have_the_losses_of_one_device(stage):
    one, other = (worker["two"][stage] for worker in on_workers(group_of(stage)))
    assert one == other
    expected = on_devices(group_of(stage))["one"][stage]
    np.testing.assert_allclose(one, expected, atol=1e-5, rtol=1e-5)


def test_evaluation_counts_every_episode_once():
    expected = on_devices(0)["evaluated alone"]
    for found in (on_devices(0), *on_workers(0)):
        assert found["evaluated"] == pytest.approx(expected, abs=1e-6)


def test_workers_of_other_data_stop():
    errors = {worker["other data"] for worker in on_workers(0)}
    (error,) = errors
    assert "on the same data" in error
    assert "worker 0 and worker 1 differ" in error


@pytest.mark.parametrize("devices", [0, 10_000])
def test_more_devices_than_there_are(devices):
    with pytest.raises(ValueError, match=rf"from 1 to .* Received: devices={devices}"):
        strategy_of(devices)


def test_one_device_needs_no_strategy():
    strategy = strategy_of(1)
    assert strategy is tf.distribute.get_strategy()
    assert summary_of(strategy)["devices"] == summary_of(strategy)["workers"] == 1


TASKS = "--set=train.tasks=2"


@pytest.mark.slow
def test_a_run_of_two_workers_of_which_one_was_killed(tmp_path):
    """It ends like a run on one device, and the chief alone writes files."""
    command = ["-m", "fsl_keras.cli", "train", *SMALL, TASKS, "--deterministic"]
    command += ["--set=backbone.synchronized=true"]
    whole = start("{}", *command, "--output", tmp_path / "whole")
    ended([whole])
    folder = tmp_path / "killed"
    folders = [tmp_path / "whole", folder]
    both = [start(config, *command, "--output", folder) for config in configs()]
    wait_for(folder / "checkpoint.keras", both[1])
    both[1].send_signal(signal.SIGKILL)
    both[1].communicate()
    both[0].send_signal(signal.SIGKILL)
    both[0].communicate()
    again = [*command, "--output", folder, "--resume"]
    out, other = ended([start(config, *again) for config in configs()])
    assert "report.json" in out
    assert "Worker 1 is done" in other
    files = [{p.name for p in path.iterdir()} for path in folders]
    assert files[0] == files[1]
    report = json.loads((folder / "report.json").read_text())
    assert report["distribution"]["workers"] == 2
    assert report["options"]["backbone"]["synchronized"] is True
    one, same = (read_history(path)["loss"] for path in folders)
    np.testing.assert_allclose(one, same, atol=1e-5)
    models = [keras.saving.load_model(path / "learner.keras") for path in folders]
    for one, same in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_allclose(one, same, atol=1e-4)


@pytest.mark.slow
def test_a_run_on_two_devices(tmp_path):
    command = ["-m", "fsl_keras.cli", "train", *SMALL, "--devices=2", "--output"]
    refused = start("{}", *command, tmp_path / "run")
    _, err = refused.communicate()
    assert refused.returncode == 1
    assert "set `train.tasks` to a multiple of 2. Received: train.tasks=1" in err
    assert not (tmp_path / "run").exists()
    ended([start("{}", *command, tmp_path / "run", TASKS)])
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["distribution"] == {
        "strategy": "MirroredStrategy",
        "devices": 2,
        "workers": 1,
    }


@pytest.mark.parametrize(
    ("config", "option", "message"),
    [
        ("{", "--seed=0", "variable TF_CONFIG must name the workers"),
        ("{}", "--devices=10000", "`devices` must be from 1 to"),
    ],
)
def test_mistakes_on_the_command_line(
    run_cli, tmp_path, monkeypatch, config, option, message
):
    monkeypatch.setenv("TF_CONFIG", config)
    status, _, err = run_cli("train", option, "--output", tmp_path / "run")
    assert status == 1
    assert message in err
    assert not (tmp_path / "run").exists()
