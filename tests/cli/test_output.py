"""What the command prints is whole, whatever it is printed to."""

import csv
import io
import json
import os
import pathlib
import pty
import re
import subprocess
import sys

import numpy as np
import pytest
import typer
from PIL import Image

import fsl_keras as fsl
from fsl_keras.cli import output
from fsl_keras.cli.output import Output, escaped, plain

COMMAND = [sys.executable, "-m", "fsl_keras.cli"]
ROWS = [
    {"name": "a, b", "value": 0.1 + 0.2, "more": {"x": [1, 2]}},
    {"name": 'line\n"two"', "value": float("nan"), "more": {}},
]
TEXT = [{"name": row["name"], "value": f"{row['value']:.3f}"} for row in ROWS]
# What TensorFlow, absl and their like write unasked.
NOISE = re.compile(r"absl|oneDNN|cuda|E0000|I0000|W0000|retracing|tensorflow", re.I)


def printed(capsys, **how):
    out = Output(**how)
    out.say("Read: \x1b.png")
    out.table("rows", ROWS, TEXT)
    out.table("others", [{"n": 1}])
    out.add(path=pathlib.Path("a"), count=np.int64(3))
    out.finish()
    return capsys.readouterr()


def test_text_is_a_line_and_a_table(capsys):
    shown = printed(capsys)
    assert shown.err == ""
    lines = shown.out.splitlines()
    assert lines[0] == r"Read: \x1b.png"
    assert "│ a, b        │ 0.300 │" in lines
    assert r'│ line\n"two" │ nan   │' in lines


def test_json_has_numbers_and_is_alone_on_standard_output(capsys):
    shown = printed(capsys, as_json=True)
    assert shown.err == "Read: \\x1b.png\n"
    document = json.loads(shown.out)
    assert document["rows"][0] == ROWS[0]
    assert document["rows"][1]["value"] is None
    assert document["others"] == [{"n": 1}]
    assert document["path"] == "a"
    assert document["count"] == 3


def test_csv_is_the_first_table_and_is_read_back(capsys):
    shown = printed(capsys, as_csv=True)
    assert shown.err == "Read: \\x1b.png\n"
    rows = list(csv.DictReader(io.StringIO(shown.out, newline="")))
    assert [row["name"] for row in rows] == [row["name"] for row in ROWS]
    assert float(rows[0]["value"]) == ROWS[0]["value"]
    assert rows[1]["value"] == ""
    assert json.loads(rows[0]["more"]) == {"x": [1, 2]}
    assert shown.out.startswith("name,value,more\r\n")


def test_json_or_csv():
    with pytest.raises(typer.BadParameter, match="not both"):
        Output(as_json=True, as_csv=True)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("φλαμίνγκο 火烈鸟 👨‍👩‍👧", "φλαμίνγκο 火烈鸟 👨‍👩‍👧"),
        ("a\nb\tc\x1b[31m\x7f", r"a\nb\tc\x1b[31m\x7f"),
        (os.fsdecode(b"\xe9.png"), r"\xe9.png"),
        ("\ud800\u2028", r"\ud800\u2028"),
    ],
)
def test_control_characters_are_spelled_out(text, shown):
    assert escaped(text) == shown


def test_values_of_numpy_become_those_of_json():
    value = {"a": np.float32(0.5), 1: np.arange(2), "c": (True, None), "d": np.inf}
    assert plain(value) == {"a": 0.5, "1": [0, 1], "c": [True, None], "d": None}


def on_terminal(*arguments, columns=80):
    """Runs the command on a terminal of some columns: the text of its table cells."""
    reader, writer = pty.openpty()
    environment = {**os.environ, "COLUMNS": str(columns), "TERM": "xterm"}
    process = subprocess.Popen([*COMMAND, *arguments], stdout=writer, env=environment)
    os.close(writer)
    shown = b""
    while True:
        try:
            shown += os.read(reader, 4096)
        except OSError:  # the other end is closed
            break
    os.close(reader)
    assert process.wait() == 0
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown.decode()).splitlines()
    assert max(map(len, lines)) <= columns
    cells = [line.split("│")[1:-1] for line in lines if line.startswith("│")]
    return ["".join(c.strip() for c in column) for column in zip(*cells, strict=True)]


def test_a_terminal_of_80_columns_shows_every_word(run_cli):
    _, out, _ = run_cli("methods", "--json")
    columns = on_terminal("methods")
    for row in json.loads(out)["methods"]:
        assert row["method"] in columns[0]
        for name, value in row["options"].items():
            assert f"{name}={value}".replace(" ", "") in columns[5].replace(" ", "")


def test_a_pipe_shows_every_name_in_one_line(run_cli):
    _, out, _ = run_cli("methods")
    rows = [line.split("│") for line in out.splitlines() if line.startswith("│")]
    assert {len(row) for row in rows} == {8}
    assert any("one_task_at_a_time=False" in row[6] for row in rows)


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    path = tmp_path_factory.mktemp("learner") / "learner.keras"
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=2)
    fsl.models.PrototypicalNetwork(backbone).save(path)
    return path


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Images whose names are long, not UTF-8, or have control characters."""
    folder = tmp_path_factory.mktemp("photos")
    values = np.random.default_rng(0).integers(0, 256, (4, 20, 20), dtype="uint8")
    for number, name in enumerate(
        ["x" * 120, "new\nline", os.fsdecode(b"caf\xe9"), "Фламинго"]
    ):
        path = folder / ("birds" if number < 2 else "птицы \x1b[31m") / f"{name}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(values[number]).save(os.fsencode(path))
    return folder


def process(arguments, **environment):
    """A process of the command, whose environment has no setting of logs."""
    inherited = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**inherited, **environment},
    )


def unread(arguments, **environment):
    """Runs the command with nobody to read its output: its status and errors."""
    with process(arguments, **environment) as running:
        running.stdout.close()
        err = running.stderr.read().decode()
        return running.wait(), err


@pytest.mark.slow
def test_work_is_saved_and_any_name_printed_in_any_locale(
    run_cli, learner, photos, tmp_path
):
    path = tmp_path / "classifier.keras"
    options = [f"--learner={learner}", f"--output={path}"]
    # The reader of what is printed goes away at once.
    status, err = unread(["adapt", photos, *options], LC_ALL="C")
    assert status == 0, err
    assert not NOISE.search(err), err
    files = sorted(photos.rglob("*.png"))
    with process(["predict", path, *files], PYTHONIOENCODING="cp1252") as predicting:
        out, err = (text.decode() for text in predicting.communicate())
    assert predicting.returncode == 0, err
    assert not NOISE.search(err), err
    rows = [line.split("│") for line in out.splitlines() if line.startswith("│")]
    assert [row[1].strip() for row in rows] == [escaped(file) for file in files]
    assert {row[2].strip() for row in rows} == {"birds", r"птицы \x1b[31m"}
    assert all(0 < float(row[3]) <= 1 for row in rows)
    assert any("new\\nline" in row[1] for row in rows)
    assert any("caf\\xe9" in row[1] for row in rows)
    report = tmp_path / "report.json"
    status, out, err = run_cli("evaluate", path, photos, "--csv", "--output", report)
    assert status == 0, err
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["class_name"] for row in rows] == ["birds", "птицы \x1b[31m"]
    assert "balanced accuracy" in err
    recalls = json.loads(report.read_text(encoding="utf-8"))["recalls"]
    assert list(recalls) == ["birds", "птицы \x1b[31m"]


def test_json_of_adapt(run_cli, learner, photos, tmp_path):
    path = tmp_path / "classifier.keras"
    status, out, err = run_cli(
        "adapt", photos, "--learner", learner, "--output", path, "--json"
    )
    assert status == 0, err
    document = json.loads(out)
    assert [row["examples"] for row in document["classes"]] == [2, 2]
    assert document["estimate"]["tested"] == 4
    assert 0 <= document["estimate"]["accuracy"] <= 1
    assert document["calibration"] is None
    assert document["classifier"] == str(path)
    assert "Learned 2 classes" in err


def test_a_reader_that_goes_away_is_no_error():
    assert unread(["methods"]) == (0, "")


def test_an_error_of_native_code_while_it_is_loaded_is_shown(capfd):
    from fsl_keras.cli.streams import _without_native_logs

    @_without_native_logs()
    def load(text, error=None):
        os.write(2, text)
        if error:
            raise error

    load(b"hidden\n")
    assert capfd.readouterr().err == ""
    with pytest.raises(ImportError, match="broken"):
        load(b"why\n", ImportError("broken"))
    assert capfd.readouterr().err == "why\n"


def fail(error):
    def command():
        raise error

    return command


def test_an_unexpected_error_is_a_line_that_says_how_to_see_more(run_cli, monkeypatch):
    monkeypatch.setattr(
        sys.modules["fsl_keras.cli.app"], "app", fail(RuntimeError("two\n lines"))
    )
    status, _, err = run_cli("methods")
    assert status == 1
    assert err == "Error: RuntimeError: two lines (FSL_KERAS_DEBUG=1 shows where)\n"
    monkeypatch.setenv("FSL_KERAS_DEBUG", "1")
    with pytest.raises(RuntimeError):
        run_cli("methods")


def test_an_interrupt_has_the_status_130(run_cli, learner, photos, tmp_path):
    module = tmp_path / "interrupted.py"
    module.write_text("raise KeyboardInterrupt\n", encoding="utf-8")
    for command in (["predict", learner, "a.png"], ["adapt", photos]):
        status, out, err = run_cli(*command, f"--import={module}")
        assert (status, out, err) == (130, "", "")


def test_reports_of_one_table(run_cli, tmp_path, capsys):
    report = fsl.evaluation.EpisodeReport(
        "mine", np.array([0.25, 0.15]), {"ways": 5, "shots": 1, "queries": object}
    )
    output.print_reports(Output(), [report])
    shown = capsys.readouterr().out
    assert "5-way 1-shot" in shown
    assert "20.00 ± 9.80 %" in shown
    out = Output(as_csv=True)
    output.print_reports(out, [report])
    out.finish()
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert float(row["accuracy"]) == pytest.approx(0.2)
