"""The learner of a run: a method on a backbone."""

from typing import Any

import numpy as np

from fsl_keras import presets
from fsl_keras.models import MetricModel
from fsl_keras.training.sections import BackboneOptions, MethodOptions
from fsl_keras.typing import Model


def make_learner(
    item_shape: tuple[int, ...],
    method: MethodOptions,
    backbone: BackboneOptions,
    ways: int = 5,
    weights: list[np.ndarray] | None = None,
    **arguments: Any,
) -> Model:
    """Returns a new learner.

    Args:
        item_shape: triple, the shape of an image.
        method: `MethodOptions`.
        backbone: `BackboneOptions`.
        ways: integer, classes of an episode, where the learner fixes them.
        weights: optional list of arrays, the first weights of the backbone.
        **arguments: further arguments of the backbone, such as `dtype`.

    Raises:
        ValueError: if the weights are of another backbone.
    """
    if method.entry.takes_feature_maps:
        arguments = {**backbone.entry.feature_maps, **arguments}
    network = backbone.entry.make(item_shape, **{**arguments, **backbone.arguments})
    if weights is not None:
        _set_weights(network, weights, backbone)
    return method.entry.make(network, ways, **method.arguments)


def start_with_head(learner: Model, preset: str) -> None:
    """Gives a learner the weights of a preset's head, if it is of the same class."""
    if not isinstance(learner, MetricModel):
        return
    start = presets.from_preset(preset)
    if not isinstance(start, MetricModel):
        return
    own, other = learner.head, start.head
    same_shapes = [w.shape for w in own.weights] == [w.shape for w in other.weights]
    if type(own) is type(other) and same_shapes:
        own.set_weights(other.get_weights())


def _set_weights(network, weights, backbone):
    expected = [weight.shape for weight in network.get_weights()]
    if [weight.shape for weight in weights] != expected:
        label = backbone.entry.label(backbone.arguments)
        raise ValueError(
            f"The weights to start from are not of the backbone of this run: they are "
            f"{sum(w.size for w in weights)} numbers, and its own are "
            f"{network.count_params()}. Start from a preset of {label} for items of "
            f"shape {network.input_shape[1:]}, or set `backbone.filters`. Received: "
            f"backbone.start_from={backbone.start_from!r}"
        )
    network.set_weights(weights)
