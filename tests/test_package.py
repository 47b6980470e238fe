"""What `pip install .` puts on a machine."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FILES = ["pyproject.toml", "setup.cfg", "setup.py", "README.md", "LICENSE"]
# What lies beside the package in a checkout, and inside it when it is installed.
FOLDERS = ["saved_models", "benchmarks/recipes"]


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
    for name in ("fsl_keras", *FOLDERS):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    run(*pip, "--no-build-isolation", "--wheel-dir", folder / "dist", folder)
    (path,) = (folder / "dist").iterdir()
    return path


def test_every_module_the_mark_of_types_and_the_zoo_are_in_it(wheel):
    packed = {
        name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name
    }
    source = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "fsl_keras").rglob("*.py")
    }
    zoo = {
        f"fsl_keras/{path.relative_to(ROOT).as_posix()}"
        for name in FOLDERS
        for path in (ROOT / name).rglob("*")
        if path.is_file()
    }
    assert packed == source | zoo | {"fsl_keras/py.typed"}


def test_its_command_runs(wheel, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    run(*pip, "--target", tmp_path / "site", wheel)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = tmp_path / "site" / "bin" / "fsl-keras"
    listed = run(command, "datasets", env=environment, cwd=tmp_path)
    assert "glyphs" in listed
    told = (
        "import fsl_keras as fsl; print(fsl.__file__);"
        "print(fsl.from_preset('siamese_conv4_omniglot').item_shape)"
    )
    place, shape = run(
        sys.executable, "-c", told, env=environment, cwd=tmp_path
    ).splitlines()
    assert pathlib.Path(place).is_relative_to(tmp_path)
    assert shape == "(28, 28, 1)"
