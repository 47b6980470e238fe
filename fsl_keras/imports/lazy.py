"""Imports on demand, so that what is not used costs no time."""

import functools
import importlib
import importlib.util
import sys


def on_demand(package, public, sources):
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


def around_import(module, context):
    """Runs the import of a module, when it comes, inside a context manager.

    Does nothing for a module that is imported already.

    Args:
        module: string, the name of the module.
        context: function without arguments that returns a context manager.
    """
    if module not in sys.modules:
        sys.meta_path.insert(0, _Around(module, context))


class _Around:
    """A finder of one module, which steps back once that is imported."""

    def __init__(self, module, context):
        self._module = module
        self._context = context

    def find_spec(self, name, path=None, target=None):
        # That a module is looked for does not mean that it will be imported.
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
