"""The documentation site builds without warnings, and has what it must have."""

import importlib.util
import inspect
import json
import os
import pathlib
import re
import subprocess
import sys
import types

import pytest

import fsl_keras

pytest.importorskip("mkdocs", reason="needs the extra `docs`")

ROOT = pathlib.Path(__file__).parents[1]
HOOKS = ROOT / "docs" / "hooks"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, "--site-dir", str(folder)],
        cwd=ROOT,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def hook(name):
    spec = importlib.util.spec_from_file_location(name, HOOKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def public_names(module=fsl_keras):
    """The paths of what `__all__` lists, as the package itself finds it."""
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]
    for name in names:
        path, value = f"{module.__name__}.{name}", getattr(module, name)
        if not isinstance(value, types.ModuleType):
            yield path
        elif value.__name__ == path:  # not an old name of a module
            yield path
            yield from public_names(value)


def test_every_public_name_has_an_entry(site):
    entries = set()
    for page in (site / "api").glob("*.html"):
        entries |= set(re.findall(r'id="([\w.]+)"', page.read_text("utf-8")))
    public = set(public_names())
    assert {"fsl_keras.heads.RidgeHead", "fsl_keras.from_preset"} <= public
    assert public - entries == set()


def test_every_example_is_a_page_with_its_pictures(site):
    for example in (ROOT / "examples").glob("[0-9]*.py"):
        page = (site / "examples" / f"{example.stem}.html").read_text("utf-8")
        number = example.stem.split("_")[0]
        pictures = {p.name for p in (ROOT / "examples/pictures").glob(f"{number}_*")}
        assert pictures
        assert set(re.findall(r'src="pictures/([\w.]+)"', page)) == pictures


def test_notebooks_are_shown_with_results_and_can_be_downloaded(site):
    notebooks = sorted((ROOT / "docs" / "notebooks").glob("*.py"))
    assert len(notebooks) == 4
    for path in notebooks:
        page = (site / "notebooks" / f"{path.stem}.html").read_text("utf-8")
        assert f'href="{path.stem}.ipynb"' in page
        downloaded = json.loads((site / "notebooks" / f"{path.stem}.ipynb").read_text())
        assert downloaded["nbformat"] == 4
    page = (site / "notebooks" / "texts.html").read_text("utf-8")
    assert "Leave-one-out accuracy" in page
    page = (site / "notebooks" / "continual_learning.html").read_text("utf-8")
    assert 'src="continual_learning/' in page  # a figure


def test_pages_load_nothing_from_other_hosts(site):
    loaded = re.compile(
        r'<(?:script|link|img|iframe)\b[^>]*(?:src|href)="(https?://[^"]+)'
    )
    pages = list(site.rglob("*.html"))
    assert len(pages) > 60
    assert {
        url for page in pages for url in loaded.findall(page.read_text("utf-8"))
    } == set()


def test_colab_is_offered_where_the_repository_has_an_address():
    notebooks = hook("notebooks")
    without = notebooks.with_links("# A title\n\nText.", "texts", None)
    assert "texts.ipynb" in without
    assert "colab" not in without
    url = "https://github.com/someone/fsl_keras/"
    assert (
        "https://colab.research.google.com/github/someone/fsl_keras/blob/gh-pages/"
        "notebooks/texts.ipynb"
    ) in notebooks.with_links("# A title\n\nText.", "texts", url)


def test_sections_of_keras_become_those_of_googles_style():
    readable = hook("docstrings").readable
    text = "Adds.\n\nCall arguments:\n    x: a number.\n\nExample:\n\n>>> f(1)\n2\n"
    assert readable(text) == (
        "Adds.\n\nOther Args: Call arguments\n    x: a number.\n\n"
        "**Example**\n\n```pycon\n>>> f(1)\n2\n```\n"
    )
