"""Arguments of constructors that have a new name."""

import functools
import inspect
import warnings


def renamed_arguments(**names: str):
    """Returns a class decorator that accepts old names of constructor arguments.

    A call with an old name warns, as Keras does. A configuration with an old name, such
    as a file holds that was saved before, is read without a warning.

    Args:
        **names: the new name of each old one.

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

        @functools.wraps(init)
        def new_init(self, *args, **kwargs):
            for old in names.keys() & kwargs.keys():
                new = names[old]
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
                kwargs[new] = kwargs.pop(old)
            init(self, *args, **kwargs)

        @functools.wraps(from_config)
        def new_from_config(kind, config, *args, **kwargs):
            config = {names.get(name, name): value for name, value in config.items()}
            return from_config(kind, config, *args, **kwargs)

        # Keras reads the signature in two ways, one of which does not see `wraps`.
        new_init.__signature__ = inspect.signature(init)
        cls.__init__ = new_init
        cls.from_config = classmethod(new_from_config)
        return cls

    return decorate
