"""Registers the classes of the package with Keras before they are imported."""

import contextlib
import functools
import importlib
import pathlib
import re
import sys

from fsl_keras.imports import around_import

PACKAGE = "fsl_keras"

# Names that files hold of classes that have another one now.
OLD_NAMES = {"PicturePreprocessing": "fsl_keras.layers.preprocessing"}

_REGISTERED = re.compile(
    rb'^@keras\.saving\.register_keras_serializable\(package="fsl_keras"\)$'
    rb".*?^class (\w+)",
    re.MULTILINE | re.DOTALL,
)


@functools.cache
def classes() -> dict[str, str]:
    """Returns the module of each class that is registered with Keras, by its name.

    Files hold the names, so they must not change; the modules may. The source is
    searched, because importing all modules takes seconds.

    Example:

    >>> classes()["Conv4"]
    'fsl_keras.backbones.conv4'
    """
    root = pathlib.Path(__file__).parents[1]
    found = dict(OLD_NAMES)
    for path in sorted(root.rglob("*.py")):
        module = ".".join([PACKAGE, *path.relative_to(root).with_suffix("").parts])
        for name in _REGISTERED.findall(path.read_bytes()):
            found[name.decode()] = module
    return found


def register() -> None:
    """Lets Keras find the registered classes of this package by their names.

    Keras does not import custom classes by their module, so each has a stand-in that
    imports it when a file or a configuration that holds it is loaded. If Keras is not
    imported yet, they are registered when it is.
    """
    if "keras" in sys.modules:
        _register_all()
    else:
        around_import("keras", _registering)


@contextlib.contextmanager
def _registering():
    yield
    _register_all()


def _register_all():
    import keras

    known = keras.saving.get_custom_objects()
    for name, module in classes().items():
        known.setdefault(f"{PACKAGE}>{name}", _stand_in(name, module))


def registered_class(registered_name: str) -> type | None:
    """Returns the class that is registered with Keras under a name, or None.

    Args:
        registered_name: string, such as `"fsl_keras>Conv4"`.

    Example:

    >>> registered_class("fsl_keras>Conv4").__name__
    'Conv4'
    """
    import keras

    package, _, name = registered_name.partition(">")
    if package == PACKAGE and name in classes():
        importlib.import_module(classes()[name])  # replaces the stand-in
    return keras.saving.get_registered_object(registered_name)


def _stand_in(name, module):
    """Returns a class that imports another one when it is called.

    Keras calls `from_config` of a registered class. Importing the other class registers
    it in place of this one.
    """

    def of(cls):
        return getattr(importlib.import_module(module), name)

    return type(
        name,
        (),
        {
            "__module__": module,
            "__doc__": f"Stand-in of `{module}.{name}` until that is imported.",
            "__new__": lambda cls, *args, **kwargs: of(cls)(*args, **kwargs),
            "from_config": classmethod(
                lambda cls, *args, **kwargs: of(cls).from_config(*args, **kwargs)
            ),
        },
    )
