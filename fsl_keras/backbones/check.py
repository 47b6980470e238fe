"""Checks of the models that learners take as backbones."""

import math
import warnings
import weakref
from typing import Any

import keras

# The packages whose classes Keras finds without registration.
KERAS_PACKAGES = ("keras", "keras_hub")

# Serializing a large network takes a hundred times as long as adapting a learner.
_checked: weakref.WeakSet = weakref.WeakSet()

_REGISTER = (
    'put `@keras.saving.register_keras_serializable(package="mine")` above its '
    "definition, with a `get_config` if its `__init__` takes arguments."
)


def check_backbone(backbone: Any) -> None:
    """Raises a `ValueError` for an invalid backbone, and warns about a final softmax.

    Args:
        backbone: any object.

    Raises:
        ValueError: As `check_network`.
    """
    is_new = backbone not in _checked
    check_network(backbone, "backbone")
    if is_new:
        _warn_of_probabilities(backbone)


def check_gives_vectors(backbone: Any) -> None:
    """Raises a `ValueError` for a backbone whose output is a feature map."""
    if len(backbone.output_shape) != 2:
        raise ValueError(
            f"The backbone must give vectors: end it with a pooling or `Flatten` "
            f"layer. Received: {backbone.name!r} of output shape "
            f"{backbone.output_shape}"
        )


def check_network(network: Any, argument: str) -> None:
    """Raises a `ValueError` unless a network is a built Keras model that can be saved.

    Learners are copied, saved and put into classifiers. A network that does not allow
    this is rejected before it is used.

    Args:
        network: any object.
        argument: string, the name of the argument.

    Raises:
        ValueError: If the network is not built, has several inputs or outputs, an
            unknown size, or parts that cannot be saved.
    """
    if not isinstance(network, keras.Model) or not network.built:
        raise ValueError(
            f"`{argument}` must be a built Keras model from an item to its output: "
            f"begin it with a `keras.Input`. Received: {argument}={network!r}"
        )
    if network in _checked:
        return
    _check_is_single(network, argument)
    if None in network.input_shape[1:]:
        raise ValueError(
            f"The {argument} {network.name!r} takes items of shape "
            f"{tuple(network.input_shape[1:])}, and the size of an item must be "
            f"known: give the {argument} an `input_shape`, such as (224, 224, 3)."
        )
    if None in network.output_shape[1:]:
        raise ValueError(
            f"The {argument} {network.name!r} gives outputs of shape "
            f"{tuple(network.output_shape[1:])}, and their size must be known: end it "
            f"with a pooling layer."
        )
    _check_can_be_saved(network, argument)
    _checked.add(network)


def _check_is_single(network, argument):
    """Raises a `ValueError` for several inputs or outputs, or a missing graph."""
    name = network.name
    if getattr(network, "inputs", None) is None:
        raise ValueError(
            f"The {argument} {name!r} is a subclass of `keras.Model`, which does not "
            f"declare its input shape. Wrap it: `item = keras.Input((224, 224, 3))`, "
            f"then `keras.Model(item, {argument}(item))`."
        )
    if isinstance(network, keras.Sequential):
        return  # always of one input and one output
    inputs, outputs = network.input, network.output
    if isinstance(inputs, (dict, list, tuple)):
        raise ValueError(
            f"A {argument} takes one item, and {name!r} has the inputs "
            f"{_names(inputs)}. Wrap it: `item = keras.Input(shape)`, then "
            f"`keras.Model(item, {argument}(...))` with all its inputs made of `item`."
        )
    if isinstance(outputs, (dict, list, tuple)):
        names = _names(outputs)
        key = names[0] if isinstance(outputs, dict) else 0
        raise ValueError(
            f"A {argument} gives one output, and {name!r} has the outputs {names}. "
            f"Choose one: "
            f"`keras.Model({argument}.input, {argument}.output[{key!r}])`."
        )


def _names(tensors):
    return [*tensors] if isinstance(tensors, dict) else [x.name for x in tensors]


def _check_can_be_saved(network, argument):
    try:
        with warnings.catch_warnings():
            # Keras warns about lambdas, which are rejected below.
            warnings.simplefilter("ignore", UserWarning)
            config = keras.saving.serialize_keras_object(network)
    except (NotImplementedError, TypeError, ValueError) as error:
        reason = " ".join(str(error).strip().split("\n\n")[0].split())
        raise ValueError(
            f"The {argument} {network.name!r} cannot be saved: {reason}"
        ) from error
    for node in _nodes(config):
        if node["class_name"] == "__lambda__":
            raise ValueError(
                f"The {argument} {network.name!r} has a Python lambda, as of a "
                f"`Lambda` layer, which Keras does not load from a file. Use functions "
                f"of `keras.ops`, or a layer of your own: {_REGISTER}"
            )
        is_function = node["class_name"] == "function"
        if not is_function and _is_of_keras(node):
            continue
        name = node["config"] if is_function else node["registered_name"]
        if not _is_found(node, name, is_function):
            raise ValueError(
                f"The {argument} {network.name!r} has {name!r}, which is not "
                f"registered, so that Keras could not load it from a file. Before the "
                f"{argument} is made, {_REGISTER}"
            )


def _is_of_keras(node):
    # Tensors have no module, classes of `__main__` have None.
    module = node.get("module", "keras")
    return module is not None and module.split(".")[0] in KERAS_PACKAGES


def _is_found(node, name, is_function):
    """Whether Keras finds a class or function when it loads a file."""
    if not is_function:
        return keras.saving.get_registered_object(name) is not None
    try:
        keras.saving.deserialize_keras_object(node)
    except (TypeError, ValueError):
        return False
    return True


def _nodes(config):
    """Yields the configurations of all objects in a configuration."""
    if isinstance(config, dict):
        if isinstance(config.get("class_name"), str):
            yield config
        elif config.keys() == {"value"}:  # a lambda that is an activation
            yield {"class_name": "__lambda__"}
        for value in config.values():
            yield from _nodes(value)
    elif isinstance(config, (list, tuple)):
        for value in config:
            yield from _nodes(value)


def _warn_of_probabilities(backbone):
    last = backbone.layers[-1]
    activation = getattr(last, "activation", None)
    if activation is keras.activations.softmax and math.prod(last.output.shape[1:]) > 1:
        warnings.warn(
            f"The backbone {backbone.name!r} ends in a softmax, so that its embeddings "
            f"are the probabilities of other classes. Features compare better: leave "
            f"its top out, such as with `include_top=False`.",
            stacklevel=3,
        )
