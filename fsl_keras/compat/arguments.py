"""Arguments that have a new name."""

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
        new_init = _accept(init, names, cls.__name__)

        @functools.wraps(from_config)
        def new_from_config(kind, config, *args, **kwargs):
            config = {names.get(name, name): value for name, value in config.items()}
            return from_config(kind, config, *args, **kwargs)

        cls.__init__ = new_init
        cls.from_config = classmethod(new_from_config)
        return cls

    return decorate


def renamed_parameters(**names: str):
    """Returns a decorator of functions that accepts old names of their parameters.

    A call with an old name warns, as Keras does. Of a class method or a static method
    it decorates the function below `@classmethod`.

    Args:
        **names: the new name of each old one.

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


def _accept(function, names, spelled):
    """Returns a function that takes old names too, and warns of them."""

    @functools.wraps(function)
    def accepting(*args, **kwargs):
        for old in names.keys() & kwargs.keys():
            new = names[old]
            if new in kwargs:
                raise TypeError(
                    f"`{spelled}` was given both `{new}` and `{old}`, its old name. "
                    f"Pass `{new}` alone."
                )
            warnings.warn(
                f"Argument `{old}` of `{spelled}` is deprecated. Use `{new}` instead.",
                stacklevel=2,
            )
            kwargs[new] = kwargs.pop(old)
        return function(*args, **kwargs)

    # Keras reads the signature in two ways, one of which does not see `wraps`.
    accepting.__signature__ = inspect.signature(function)
    return accepting
