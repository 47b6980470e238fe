"""Imports on demand, so that unused modules cost no time."""

import functools
import importlib
import importlib.util
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any


def on_demand(
    package: str, public: list[str], sources: dict[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns `__getattr__` and `__dir__` of a package that imports on demand.

    A name is imported when it is first used (PEP 562). Submodules need no entry.

    Args:
        package: string, the `__name__` of the package.
        public: list of strings, its `__all__`.
        sources: dictionary from the name of a function or class to the module that
            defines it.

    Returns:
        The two functions, to be assigned in the package.
    """

    def __getattr__(name):
        module = sources.get(name, f"{package}.{name}")
        if name.startswith("_") or importlib.util.find_spec(module) is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = importlib.import_module(module)
        if name in sources:
            value = getattr(value, name)
        setattr(sys.modules[package], name, value)
        return value

    def __dir__():
        return sorted({*vars(sys.modules[package]), *public})

    return __getattr__, __dir__


def around_import(module: str, context: Callable[[], AbstractContextManager]) -> None:
    """Runs a later import of a module inside a context manager.

    Does nothing if the module is imported already.

    Args:
        module: string, the name of the module.
        context: function without arguments that returns a context manager.
    """
    if module not in sys.modules:
        sys.meta_path.insert(0, _Around(module, context))


class _Around:
    """A finder of one module, which removes itself when that is imported."""

    def __init__(self, module, context):
        self._module = module
        self._context = context

    def find_spec(self, name, path=None, target=None):
        # It may be called without an import following, as by `find_spec`.
        if name != self._module:
            return None
        others = [finder for finder in sys.meta_path if finder is not self]
        found = (finder.find_spec(name, path, target) for finder in others)
        spec = next(filter(None, found), None)
        if spec is not None:
            spec.loader.exec_module = functools.partial(
                self._execute, spec.loader.exec_module
            )
        return spec

    def _execute(self, execute, module):
        with self._context():
            execute(module)
        sys.meta_path.remove(self)
