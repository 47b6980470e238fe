"""Arguments of constructors that have a new name, or values of them that have one."""

import functools
import inspect
import warnings
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

Class = TypeVar("Class", bound=type)


def renamed_arguments(
    **names: str | tuple[str, Callable[[Any], Any]],
) -> Callable[[Class], Class]:
    """Returns a class decorator that accepts old names of constructor arguments.

    A call with an old name warns, as Keras does. A configuration with an old name, such
    as a file holds that was saved before, is read without a warning.

    Args:
        **names: the new name of each old one, or a pair of the new name and a function
            from the old value to the new one.

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
    pairs = {
        old: (new, lambda value: value) if isinstance(new, str) else new
        for old, new in names.items()
    }

    def decorate(cls):
        init, from_config = cls.__init__, cls.from_config.__func__

        @functools.wraps(init)
        def new_init(self, *args, **kwargs):
            for old in pairs.keys() & kwargs.keys():
                new, convert = pairs[old]
                if new in kwargs:
                    raise TypeError(
                        f"`{cls.__name__}` was given both `{new}` and `{old}`, its "
                        f"old name. Pass `{new}` alone."
                    )
                warnings.warn(
                    f"Argument `{old}` of `{cls.__name__}` is deprecated. Use `{new}` "
                    "instead.",
                    stacklevel=2,
                )
                kwargs[new] = convert(kwargs.pop(old))
            init(self, *args, **kwargs)

        @functools.wraps(from_config)
        def new_from_config(kind, config, *args, **kwargs):
            config = dict(config)
            for old in pairs.keys() & config.keys():
                new, convert = pairs[old]
                config[new] = convert(config.pop(old))
            return from_config(kind, config, *args, **kwargs)

        # Keras reads the signature in two ways, one of which does not see `wraps`.
        new_init.__signature__ = inspect.signature(init)
        cls.__init__ = new_init
        cls.from_config = classmethod(new_from_config)
        return cls

    return decorate


def renamed_values(**values: Mapping[str, str]) -> Callable[[Class], Class]:
    """Returns a class decorator that accepts old names of values of arguments.

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

        @functools.wraps(init)
        def new_init(self, *args, **kwargs):
            bound = signature.bind_partial(self, *args, **kwargs)
            for name, renamed in values.items():
                old = bound.arguments.get(name)
                if not isinstance(old, str) or old not in renamed:
                    continue
                warnings.warn(
                    f"The value {old!r} of the argument `{name}` of `{cls.__name__}` "
                    f"is deprecated. Use {renamed[old]!r} instead.",
                    stacklevel=2,
                )
                bound.arguments[name] = renamed[old]
            init(*bound.args, **bound.kwargs)

        @functools.wraps(from_config)
        def new_from_config(kind, config, *args, **kwargs):
            config = dict(config)
            for name, renamed in values.items():
                if isinstance(config.get(name), str):
                    config[name] = renamed.get(config[name], config[name])
            return from_config(kind, config, *args, **kwargs)

        new_init.__signature__ = signature
        cls.__init__ = new_init
        cls.from_config = classmethod(new_from_config)
        return cls

    return decorate
