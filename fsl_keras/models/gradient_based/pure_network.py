"""A Keras network as a pure function of its weights."""

import contextlib
import functools
import inspect

import keras
from keras import ops

from fsl_keras.layers import FusedBatchNormalization


class PureNetwork:
    """Calls a Keras network with values in the place of some of its weights.

    Nothing is assigned: what the network would have assigned (running statistics,
    states of random numbers) is returned. Weights are named `layer.weight`.

    Args:
        network: built Keras model.

    Attributes:
        weights: dictionary from name to trainable weight.
        others: dictionary from name to weight that is not trained.
        norms: dictionary from layer name to batch normalization layer, which is any
            layer with `moving_mean`, `moving_variance` and `momentum`.

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

    def __init__(self, network):
        self.network = network
        named = {}
        for weight in network.weights:
            name = ".".join(weight.path.split("/")[-2:])
            same = sum(other.split("#")[0] == name for other in named)
            named[f"{name}#{same}" if same else name] = weight
        self.weights = {n: w for n, w in named.items() if w.trainable}
        self.others = {n: w for n, w in named.items() if not w.trainable}
        self._made = [(x, x.trainable) for x in [network, *layers_of(network)]]
        self._evaluated = {
            layer: functools.partial(_evaluated, layer.call)
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
        # TensorFlow's fused kernel passes no gradient through statistics.
        self._unfused = {
            layer: functools.partial(keras.layers.BatchNormalization.call, layer)
            for layer in self.norms.values()
            if isinstance(layer, FusedBatchNormalization)
        }

    @property
    def statistics(self):
        """The names of the running statistics of batch normalization."""
        return list(self._statistics)

    def __call__(self, x, values, training=False, chance=None):
        """Calls the network.

        Args:
            x: a batch of inputs.
            values: dictionary from name to tensor, the weights to be replaced.
            training: bool, whether batch normalization goes by the batch.
            chance: bool, whether layers that draw random numbers, such as dropout,
                do so; as `training` by default.

        Returns:
            A pair: the outputs, and the dictionary of what the call would have
            assigned, from name to tensor.
        """
        variables = {**self.weights, **self.others}
        mapping = [(variables[name], value) for name, value in values.items()]
        chance = training if chance is None else chance
        calls = {} if chance else self._evaluated
        if any(name in values for name in self._statistics):
            calls = {**calls, **self._unfused}
        with (
            self.as_made(),
            _calling(calls),
            keras.StatelessScope(state_mapping=mapping) as scope,
        ):
            outputs = self.network(x, training=training)
        found = {n: scope.get_current_value(v) for n, v in self.others.items()}
        return outputs, {n: v for n, v in found.items() if v is not None}

    def batch_statistics(self, x, values):
        """Returns mean and variance of a batch in each batch normalization layer.

        Args:
            x: a batch of inputs.
            values: dictionary from name to tensor, the weights to be replaced.

        Returns:
            A dictionary by the names of the running statistics.
        """
        # From zero, one step of the running mean gives `1 - momentum` of the batch.
        zeros = {n: ops.zeros_like(self.others[n]) for n in self._statistics}
        _, moved = self(x, {**values, **zeros}, training=True, chance=False)
        return {
            name: moved[name] / (1.0 - layer.momentum)
            for name, layer in self._statistics.items()
        }

    def serialize(self):
        """Returns the network's configuration, in which it trains as it could."""
        with self.as_made():
            return keras.saving.serialize_keras_object(self.network)

    @contextlib.contextmanager
    def as_made(self):
        """Lets the network train as it could, while it is frozen in another model."""
        now = [(layer, layer.trainable) for layer, _ in self._made]
        if now == self._made:
            yield
            return
        _set_trainable(self._made)
        try:
            yield
        finally:
            _set_trainable(now)


def layers_of(model):
    """Returns all layers of a model, those of nested models included."""
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
def _calling(calls):
    """Lets layers be called otherwise, by functions in the place of `Layer.call`."""
    # In the instance's dictionary, where it hides the method of the class.
    for layer, call in calls.items():
        vars(layer)["call"] = call
    try:
        yield
    finally:
        for layer in calls:
            del vars(layer)["call"]


def _evaluated(call, *args, **kwargs):
    return call(*args, **{**kwargs, "training": False})


def _set_trainable(flags):
    # A model sets those of its layers, so they come after it.
    for layer, flag in flags:
        layer.trainable = flag
