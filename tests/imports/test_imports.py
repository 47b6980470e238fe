"""Importing on demand, each check in a fresh process."""

import sys
import types

import pytest

from fsl_keras.imports import around_import, on_demand
from tests.checks import run_python


def test_the_package_imports_nothing_until_it_is_used():
    code = """
import sys
import fsl_keras as fsl
heavy = {"tensorflow", "keras", "numpy", "matplotlib"}
assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
assert set(fsl.__all__) <= set(dir(fsl))
assert {"comparison", "FewShotClassifier"} <= set(fsl.__all__)
try:
    fsl.nothing
except AttributeError as error:
    assert str(error) == "module 'fsl_keras' has no attribute 'nothing'"
try:
    from fsl_keras import nothing
except ImportError:
    pass
else:
    raise AssertionError("`nothing` was imported")
assert not hasattr(fsl, "_private")
assert not heavy & sys.modules.keys()

from fsl_keras import FewShotClassifier, comparison
import fsl_keras.heads
assert fsl.comparison is comparison is fsl.model_selection.candidates
assert fsl.heads.Head is fsl_keras.heads.Head
assert FewShotClassifier is fsl.FewShotClassifier
for name in fsl.__all__:
    getattr(fsl, name)
# Submodules that are not named need no import of their own either.
assert fsl.exporting.FORMATS and fsl.methods.METHODS and fsl.runs.Run
assert set(fsl.presets.__all__) <= set(dir(fsl.presets))
for name in fsl.presets.__all__:
    getattr(fsl.presets, name)
"""
    run_python(code)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """The name of a module that can be imported, and is not."""
    (tmp_path / "some_module.py").write_text("value = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "some_module"
    sys.modules.pop("some_module", None)


def test_a_name_is_looked_up_once(module, monkeypatch):
    package = types.ModuleType("a_package")
    monkeypatch.setitem(sys.modules, "a_package", package)
    look_up, names = on_demand("a_package", ["value"], {"value": module})
    assert names()[-1] == "value"
    assert look_up("value") == 1
    assert package.value == 1


def test_a_module_is_imported_inside_a_context_manager(module):
    import contextlib
    import importlib.util

    events = []

    @contextlib.contextmanager
    def context():
        events.append("before")
        yield
        events.append(sys.modules[module].value)

    finders = list(sys.meta_path)
    around_import(module, context)
    assert importlib.util.find_spec(module) is not None
    assert events == []
    importlib.import_module(module)
    assert events == ["before", 1]
    assert sys.meta_path == finders
    around_import(module, context)
    assert sys.meta_path == finders
