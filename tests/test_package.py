"""What `pip install .` puts on a machine."""

import ast
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FILES = ["pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE"]
# Outside of the package in a checkout, and inside it when it is installed.
PRESETS = "saved_models"
# The files of web pages.
PAGES = ("*.html", "*.jinja", "*.css", "*.js")


def run(*command, **kwargs):
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **kwargs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The built package; built from a copy, as the build leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    for name in ("fsl_keras", PRESETS):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    run(*pip, "--no-build-isolation", "--wheel-dir", folder / "dist", folder)
    (path,) = (folder / "dist").iterdir()
    return path


def test_every_module_recipe_page_and_preset_is_in_it(wheel):
    packed = {
        name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name
    }
    source = {
        path.relative_to(ROOT).as_posix()
        for pattern in (
            "*.py",
            "*.toml",
            "*.html",
            "*.jinja",
            "*.css",
            "*.js",
            "*.npz",
            "py.typed",
        )
        for path in (ROOT / "fsl_keras").rglob(pattern)
    }
    presets = {
        f"fsl_keras/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / PRESETS).rglob("*")
        if path.is_file()
    }
    assert packed == source | presets


def test_its_command_runs(wheel, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    run(*pip, "--target", tmp_path / "site", wheel)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = tmp_path / "site" / "bin" / "fsl-keras"
    listed = run(command, "datasets", env=environment, cwd=tmp_path)
    assert "glyphs" in listed
    code = (
        "import fsl_keras as fsl; print(fsl.__file__);"
        "print(fsl.from_preset('siamese_conv4_omniglot').item_shape)"
    )
    place, shape = run(
        sys.executable, "-c", code, env=environment, cwd=tmp_path
    ).splitlines()
    assert pathlib.Path(place).is_relative_to(tmp_path)
    assert shape == "(28, 28, 1)"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "fsl_keras").rglob("*.py")), ids=lambda path: path.stem
)
def test_text_files_are_utf_8_in_any_locale(path):
    calls = [
        node
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
    ]
    for call in calls:
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        given = {keyword.arg for keyword in call.keywords}
        if isinstance(call.func, ast.Name) and name != "open":
            continue  # not a method of a path
        if ast.unparse(call.func) in ("Image.open", "session.open", "tarfile.open"):
            continue  # not text
        if name in ("read_text", "write_text"):
            assert "encoding" in given, f"line {call.lineno}"
        if name == "open" and not any("b" in mode for mode in modes(call)):
            assert "encoding" in given, f"line {call.lineno}"
        if name == "run" and "text" in given:
            raise AssertionError(f"line {call.lineno}: say `encoding`, not `text`")


def modes(call):
    """The strings among the arguments of a call of `open`, of which one is a mode."""
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    constants = [value.value for value in values if isinstance(value, ast.Constant)]
    known = ("r", "w", "rb", "wb", "ab", "r+b")
    return [value for value in constants if value in known]
