"""What `pip install .` puts on a machine."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PARTS = ["pyproject.toml", "setup.cfg", "README.md", "LICENSE"]


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
    for name in PARTS:
        shutil.copy(ROOT / name, folder)
    shutil.copytree(
        ROOT / "fsl_keras",
        folder / "fsl_keras",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    run(*pip, "--no-build-isolation", "--wheel-dir", folder / "dist", folder)
    (path,) = (folder / "dist").iterdir()
    return path


def test_every_module_and_the_mark_of_types_are_in_it(wheel):
    packed = {
        name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name
    }
    source = {
        path.relative_to(ROOT).as_posix() for path in (ROOT / "fsl_keras").rglob("*.py")
    }
    assert packed == source | {"fsl_keras/py.typed"}


def test_its_command_runs(wheel, tmp_path):
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
    run(*pip, "--target", tmp_path / "site", wheel)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    command = tmp_path / "site" / "bin" / "fsl-keras"
    listed = run(command, "datasets", env=environment, cwd=tmp_path)
    assert "glyphs" in listed
    told = "import fsl_keras; print(fsl_keras.__file__)"
    place = run(sys.executable, "-c", told, env=environment, cwd=tmp_path)
    assert pathlib.Path(place.strip()).is_relative_to(tmp_path)
