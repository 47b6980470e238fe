"""Arguments that have a new name, and values of arguments that have one."""

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable)
Class = TypeVar("Class", bound=type)
NewName = str | tuple[str, Callable[[Any], Any]]


def renamed_arguments(**names: NewName) -> Callable[[Class], Class]:
    """Returns a class decorator that accepts old names of constructor arguments.

    A call with an old name warns, as Keras does. A configuration with an old name, such
    as a file holds that was saved before, is read without a warning.

    Args:
        **names: the new name of each old one, or a pair of the new name and a function
            from old values to new ones.

    Example:

    >>> import keras
    >>> @renamed_arguments(alpha="negative_slope")
    ... class Slope(keras.layers.Layer):
    ...     def __init__(self, negative_slope=0.3, **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.negative_slope = negative_slope
    >>> Slope.from_config({"alpha": 0.1}).negative_slope
    0.1
    """

    def decorate(cls):
        init, from_config = cls.__init__, cls.from_config.__func__
        new_init = _accept(init, names, cls.__name__)

        @functools.wraps(from_config)
        def new_from_config(kind, config, *args, **kwargs):
            config = dict(config)
            for old in names.keys() & config.keys():
                new, convert = _renaming(names[old])
                config[new] = convert(config.pop(old))
            return from_config(kind, config, *args, **kwargs)

        cls.__init__ = new_init
        cls.from_config = classmethod(new_from_config)
        return cls

    return decorate


def renamed_parameters(**names: NewName) -> Callable[[Function], Function]:
    """Returns a decorator of functions that accepts old names of their parameters.

    A call with an old name warns, as Keras does. Of a class method or a static method
    it decorates the function below `@classmethod`.

    Args:
        **names: as in `renamed_arguments`.

    Example:

    >>> @renamed_parameters(size="image_size")
    ... def area(image_size):
    ...     return image_size[0] * image_size[1]
    >>> area(image_size=(2, 3))
    6
    """

    def decorate(function):
        return _accept(function, names, function.__qualname__)

    return decorate


def renamed_values(**values: Mapping[str, str]) -> Callable[[Class], Class]:
    """Returns a class decorator that accepts old values of constructor arguments.

    As with `renamed_arguments`, a call with an old value warns, and a configuration
    with one is read without a warning.

    Args:
        **values: for each argument, the new value of each old one.

    Example:

    >>> import keras
    >>> @renamed_values(pooling={"average": "avg"})
    ... class Pooled(keras.layers.Layer):
    ...     def __init__(self, pooling="avg", **kwargs):
    ...         super().__init__(**kwargs)
    ...         self.pooling = pooling
    >>> Pooled.from_config({"pooling": "average"}).pooling
    'avg'
    """

    def decorate(cls):
        init, from_config = cls.__init__, cls.from_config.__func__
        signature = inspect.signature(init)

        def renamed(arguments):
            """Yields the name, the old and the new value of each old value."""
            for name, new in values.items():
                value = arguments.get(name)
                if isinstance(value, str) and value in new:
                    yield name, value, new[value]

        @functools.wraps(init)
        def new_init(self, *args, **kwargs):
            bound = signature.bind_partial(self, *args, **kwargs)
            for name, old, new in renamed(bound.arguments):
                warnings.warn(
                    f"The value {old!r} of the argument `{name}` of `{cls.__name__}` "
                    f"is deprecated. Use {new!r} instead.",
                    stacklevel=2,
                )
                bound.arguments[name] = new
            init(*bound.args, **bound.kwargs)

        @functools.wraps(from_config)
        def new_from_config(kind, config, *args, **kwargs):
            changed = {name: new for name, _, new in renamed(config)}
            return from_config(kind, {**config, **changed}, *args, **kwargs)

        # Keras reads the signature in two ways, one of which does not see `wraps`.
        new_init.__signature__ = signature
        cls.__init__ = new_init
        cls.from_config = classmethod(new_from_config)
        return cls

    return decorate


def _accept(function, names, spelled):
    """Returns a function that takes old names too, and warns of them."""

    @functools.wraps(function)
    def accepting(*args, **kwargs):
        # A class method may be inherited from a class that users do not know.
        of_class = args and isinstance(args[0], type)
        called = f"{args[0].__name__}.{function.__name__}" if of_class else spelled
        for old in names.keys() & kwargs.keys():
            new, convert = _renaming(names[old])
            if new in kwargs:
                raise TypeError(
                    f"`{called}` was given both `{new}` and `{old}`, its old name. "
                    f"Pass `{new}` alone."
                )
            warnings.warn(
                f"Argument `{old}` of `{called}` is deprecated. Use `{new}` instead.",
                stacklevel=2,
            )
            kwargs[new] = convert(kwargs.pop(old))
        return function(*args, **kwargs)

    # Keras reads the signature in two ways, one of which does not see `wraps`.
    accepting.__signature__ = inspect.signature(function)
    return accepting


def _renaming(new):
    """Returns the new name and the function from old values to new ones."""
    return (new, lambda value: value) if isinstance(new, str) else new
