"""What the checks of heads and of learners share: collecting, comparing, reporting."""

import contextlib
import functools
from collections.abc import Callable, Collection, Iterator
from typing import Any

import keras
import numpy as np

from fsl_keras.typing import Nested

# Logits below it are of classes that cannot be chosen.
IMPOSSIBLE = -1e8

Check = Callable[..., None]


class Checks(list):
    """A list of checks, to which functions are added by decoration.

    A check that fails adds to its error which one it is, and of what.
    """

    def add(self, function: Check) -> Check:
        """Adds a function of an instance, and optional arguments."""

        @functools.wraps(function)
        def check(instance, *args, **kwargs):
            try:
                function(instance, *args, **kwargs)
            except Exception as error:
                config = getattr(instance, "get_config", dict)()
                shown = {
                    name: value
                    for name, value in config.items()
                    if isinstance(value, str | int | float | bool | None)
                }
                error.add_note(
                    f"`{function.__name__}` failed: {function.__doc__}\n"
                    f"Received: {type(instance).__name__} with {shown}"
                )
                raise

        self.append(check)
        return check

    def run(self, instance: Any, skip: Collection[str] = (), **kwargs: Any) -> None:
        """Calls all checks but those whose names are to be skipped."""
        unknown = set(skip) - {check.__name__ for check in self}
        if unknown:
            raise ValueError(
                f"`skip` must hold names of checks. Received: {sorted(unknown)}. The "
                f"checks are: {', '.join(check.__name__ for check in self)}"
            )
        for check in self:
            if check.__name__ not in skip:
                check(instance, **kwargs)


@contextlib.contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Sets the dtype policy of new layers for the length of a block."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def assert_close(
    received: Any, expected: Any, message: str, rtol: float = 1e-5, atol: float = 1e-5
) -> None:
    """Fails, with both, where arrays are not equal within a tolerance."""
    np.testing.assert_allclose(
        np.asarray(received, "float32"),
        np.asarray(expected, "float32"),
        rtol=rtol,
        atol=atol,
        err_msg=message,
    )


def assert_impossible(logits: Any, message: str) -> None:
    """Fails where logits are those of a class that could be chosen."""
    logits = np.asarray(logits)
    if not (np.isfinite(logits).all() and (logits < IMPOSSIBLE).all()):
        raise AssertionError(
            f"{message}: its logits must be finite and below {IMPOSSIBLE:g}, such as "
            f"`fsl_keras.heads.head.ABSENT`. Received: logits={logits}"
        )


def assert_finite(values: Any, message: str) -> None:
    """Fails where a number is infinite or not a number."""
    values = np.asarray(values)
    if not np.isfinite(values).all():
        raise AssertionError(f"{message} must be finite. Received: {values}")


def numbers(tree: Nested) -> Nested:
    """Returns nested tensors as NumPy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)


def assert_same_config(instance: Any) -> Any:
    """Returns a copy of an instance, made of its configuration.

    It fails where the copy is of another class or has another configuration.
    """
    config = keras.saving.serialize_keras_object(instance)
    copy = keras.saving.deserialize_keras_object(config)
    if type(copy) is not type(instance):
        raise AssertionError(
            f"A configuration must give the class that it is of: decorate it with "
            f"`@keras.saving.register_keras_serializable()`. Received: {type(copy)}"
        )
    again = keras.saving.serialize_keras_object(copy)["config"]
    if again != config["config"]:
        raise AssertionError(
            f"`from_config(get_config())` must keep all arguments.\n"
            f"Expected: {config['config']}\nReceived: {again}"
        )
    return copy
