"""The public functions and classes of the package are annotated."""

import importlib
import inspect
import pkgutil

import pytest

import fsl_keras

MODULES = [
    module.name
    for module in pkgutil.walk_packages(fsl_keras.__path__, "fsl_keras.")
    if not any(part.startswith("_") for part in module.name.split("."))
]


def functions(module):
    """Yields the name and the function of what is public and defined in a module."""
    for name, found in vars(module).items():
        if name.startswith("_") or getattr(found, "__module__", "") != module.__name__:
            continue
        if inspect.isclass(found):
            yield from methods(found)
        elif inspect.isfunction(found):
            yield name, found


def methods(cls):
    """Yields the name and the function of the public methods that a class defines."""
    for name, found in vars(cls).items():
        if isinstance(found, property):
            found = found.fget
        found = inspect.unwrap(getattr(found, "__func__", found))
        if not inspect.isfunction(found) or found.__module__ != cls.__module__:
            continue  # inherited, or generated
        if name == "__init__" or not name.startswith("_"):
            yield f"{cls.__name__}.{name}", found


def missing(function):
    """Returns the names of parameters without annotations, with "return" if it is."""
    signature = inspect.signature(function)
    names = [
        name
        for name, parameter in signature.parameters.items()
        if parameter.annotation is parameter.empty
        and name not in ("self", "cls")
        and parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]
    is_open = signature.return_annotation is signature.empty
    return names + ["return"] * (is_open and function.__name__ != "__init__")


@pytest.mark.parametrize("name", MODULES)
def test_every_public_function_is_annotated(name):
    found = functions(importlib.import_module(name))
    lacking = {name: missing(function) for name, function in found}
    assert {name: what for name, what in lacking.items() if what} == {}


def test_what_lacks_an_annotation_is_found():
    class Example:
        def __init__(self, size, *args):
            """Lacks one."""

        def half(self, size: int, **kwargs) -> int:
            """Lacks none."""
            return size // 2

        @property
        def whole(self):
            """Lacks its own."""

        @classmethod
        def make(cls, size=3) -> "Example":
            """Lacks one."""
            return cls(size)

        def _hidden(self, size):
            """Needs none."""

    lacking = {name.split(".")[-1]: missing(f) for name, f in methods(Example)}
    assert lacking == {
        "__init__": ["size"],
        "half": [],
        "whole": ["return"],
        "make": ["size"],
    }
