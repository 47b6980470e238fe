"""A Keras network as a pure function of its weights."""

import contextlib
import functools
import inspect
from typing import Any

import keras
from keras import ops

from fsl_keras.layers import FusedBatchNormalization
from fsl_keras.typing import Model, Tensor


class PureNetwork:
    """Calls a Keras network with tensors in place of some of its weights.

    Nothing is assigned. The state updates of the call (moving averages, seeds of random
    numbers) are returned instead. Weights are named `layer.weight`.

    Args:
        network: built Keras model.

    Attributes:
        network: the Keras model.
        weights: dictionary from name to trainable weight.
        others: dictionary from name to non-trainable weight.
        norms: dictionary from layer name to trainable batch normalization layer, which
            is any layer with `moving_mean`, `moving_variance` and `momentum`.

    Example:

    >>> import numpy as np
    >>> network = keras.Sequential(
    ...     [keras.Input((2,)), keras.layers.Dense(1, name="dense")])
    >>> pure = PureNetwork(network)
    >>> list(pure.weights)
    ['dense.kernel', 'dense.bias']
    >>> ones = np.ones((2, 1), "float32")
    >>> np.asarray(pure(ones.T, {"dense.kernel": ones})[0]).tolist()
    [[2.0]]
    """

    def __init__(self, network: Model):
        self.network = network
        named: dict[str, keras.Variable] = {}
        for weight in network.weights:
            name = ".".join(weight.path.split("/")[-2:])
            same = sum(other.split("#")[0] == name for other in named)
            named[f"{name}#{same}" if same else name] = weight
        self.weights = {n: w for n, w in named.items() if w.trainable}
        self.others = {n: w for n, w in named.items() if not w.trainable}
        self._trainable = [(x, x.trainable) for x in [network, *layers_of(network)]]
        self._deterministic = {
            layer: functools.partial(_call_in_evaluation, layer.call)
            for layer in network._flatten_layers()
            if _is_random(layer)
        }
        places = {id(weight): name for name, weight in named.items()}
        layers = [layer for layer in layers_of(network) if _is_norm(layer)]
        self.norms = {
            places[id(layer.moving_mean)].rsplit(".", 1)[0]: layer
            for layer in layers
            if layer.trainable
        }
        self._statistics = {
            places[id(weight)]: layer
            for layer in self.norms.values()
            for weight in (layer.moving_mean, layer.moving_variance)
        }
        # TensorFlow's fused kernel has no gradient with respect to given statistics.
        self._unfused = {
            layer: functools.partial(keras.layers.BatchNormalization.call, layer)
            for layer in self.norms.values()
            if isinstance(layer, FusedBatchNormalization)
        }

    @property
    def statistics(self) -> list[str]:
        """The names of the moving averages of batch normalization."""
        return list(self._statistics)

    def __call__(
        self,
        x: Tensor,
        values: dict[str, Tensor],
        training: bool = False,
        random: bool | None = None,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Calls the network.

        Args:
            x: a batch of inputs.
            values: dictionary from name to tensor, in place of the weights.
            training: bool, whether batch normalization uses the batch's statistics.
            random: optional bool, whether layers that draw random numbers, such as
                dropout, are in training mode. Defaults to `training`.

        Returns:
            A pair: the outputs, and the state updates of the call, from name to
            tensor.
        """
        variables = {**self.weights, **self.others}
        mapping = [(variables[name], value) for name, value in values.items()]
        random = training if random is None else random
        calls = {} if random else self._deterministic
        if any(name in values for name in self._statistics):
            calls = {**calls, **self._unfused}
        with (
            self._original_trainability(),
            _replaced_calls(calls),
            keras.StatelessScope(state_mapping=mapping) as scope,
        ):
            outputs = self.network(x, training=training)
        found = {n: scope.get_current_value(v) for n, v in self.others.items()}
        return outputs, {n: v for n, v in found.items() if v is not None}

    def batch_statistics(
        self, x: Tensor, values: dict[str, Tensor]
    ) -> dict[str, Tensor]:
        """Returns mean and variance of a batch in each batch normalization layer.

        Args:
            x: a batch of inputs.
            values: dictionary from name to tensor, in place of the weights.

        Returns:
            A dictionary from the names of the moving averages to tensors.
        """
        # A moving average of zero becomes `1 - momentum` times the batch's statistic.
        zeros = {n: ops.zeros_like(self.others[n]) for n in self._statistics}
        _, updates = self(x, {**values, **zeros}, training=True, random=False)
        return {
            name: updates[name] / (1.0 - layer.momentum)
            for name, layer in self._statistics.items()
        }

    def serialize(self) -> dict[str, Any]:
        """Returns the network's configuration, with its original `trainable` flags."""
        with self._original_trainability():
            return keras.saving.serialize_keras_object(self.network)

    @contextlib.contextmanager
    def _original_trainability(self):
        """Restores the flags of construction while the network is frozen in a model."""
        now = [(layer, layer.trainable) for layer, _ in self._trainable]
        if now == self._trainable:
            yield
            return
        _set_trainable(self._trainable)
        try:
            yield
        finally:
            _set_trainable(now)


def layers_of(model: Model) -> list[keras.layers.Layer]:
    """Returns all layers of a model, including those of nested models."""
    found = []
    for layer in getattr(model, "layers", ()):
        found += [layer, *layers_of(layer)]
    return found


def _is_norm(layer):
    names = ("moving_mean", "moving_variance", "momentum")
    return all(hasattr(layer, name) for name in names)


def _is_random(layer):
    seeds = (isinstance(x, keras.random.SeedGenerator) for x in vars(layer).values())
    return any(seeds) and "training" in inspect.signature(layer.call).parameters


@contextlib.contextmanager
def _replaced_calls(calls):
    """Replaces `Layer.call` of some layers."""
    # In the instance's dictionary, which takes precedence over the class.
    for layer, call in calls.items():
        vars(layer)["call"] = call
    try:
        yield
    finally:
        for layer in calls:
            del vars(layer)["call"]


def _call_in_evaluation(call, *args, **kwargs):
    return call(*args, **{**kwargs, "training": False})


def _set_trainable(flags):
    # A model also sets the flags of its layers, so they come after it.
    for layer, flag in flags:
        layer.trainable = flag
