"""What the command answers without TensorFlow, and how it is called."""

import importlib.metadata
import json
import re

import pytest

import fsl_keras
from fsl_keras.models.transfer import HEADS
from fsl_keras.training.methods import METHODS
from tests.checks import run_python

COMMANDS = [
    "train",
    "reproduce",
    "compare",
    "adapt",
    "add-class",
    "learn",
    "propose",
    "predict",
    "evaluate",
    "report",
    "export",
    "embed",
    "app",
    "presets",
    "recipes",
    "methods",
    "backbones",
    "datasets",
    "benchmark",
]
TABLES = [
    "train",
    "reproduce",
    "compare",
    "adapt",
    "predict",
    "evaluate",
    "report",
    "presets",
    "recipes",
    "methods",
    "backbones",
    "datasets",
]


def test_no_list_and_no_help_needs_tensorflow():
    lines = [
        ["--help"],
        ["--version"],
        ["presets"],
        ["recipes"],
        ["methods", "--json"],
        ["backbones"],
        ["datasets", "--csv"],
        *([command, "--help"] for command in COMMANDS),
    ]
    code = f"""
import sys
from fsl_keras.cli import app
for line in {lines}:
    try:
        app(line)
    except SystemExit as stop:
        assert not stop.code, line
heavy = {{"tensorflow", "keras", "numpy", "matplotlib"}}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""
    out = run_python(code)
    assert f"fsl-keras {fsl_keras.__version__}" in out


def test_the_help_lists_the_commands_in_the_order_of_work(run_cli):
    status, out, _ = run_cli("--help")
    assert status == 0
    listed = re.findall(r"^│ ([a-z][a-z-]+) ", out, re.MULTILINE)
    assert listed == COMMANDS
    assert "--version" in out
    assert "--install-completion" in out


@pytest.mark.parametrize("command", TABLES)
def test_every_command_that_prints_a_table_prints_json_and_csv(run_cli, command):
    _, out, _ = run_cli(command, "--help")
    assert "--json" in out
    assert "--csv" in out


def test_the_command_is_a_module_and_a_script():
    (script,) = importlib.metadata.entry_points(
        group="console_scripts", name="fsl-keras"
    )
    code = """
import runpy, sys
from fsl_keras.cli import main
sys.argv = ["fsl-keras", "--version"]
try:
    runpy.run_module("fsl_keras.cli", run_name="__main__")
except SystemExit as stop:
    assert not stop.code
"""
    assert run_python(code) == f"fsl-keras {fsl_keras.__version__}\n"
    assert script.value == "fsl_keras.cli:main"


def test_json_of_the_lists(run_cli):
    _, out, _ = run_cli("methods", "--json")
    rows = {row["method"]: row for row in json.loads(out)["methods"]}
    assert rows.keys() == METHODS.keys()
    assert rows["maml"]["options"]["inner_steps"] == 3
    assert rows["tim"]["new_classes"] is None
    _, out, _ = run_cli("presets", "--json")
    figures = json.loads(out)["presets"][0]["figures"]
    assert 0 < figures[0]["accuracy"] < 1


def test_the_heads_that_are_named_in_help_texts():
    from fsl_keras.cli import options

    assert list(HEADS) == list(options.HEADS)
