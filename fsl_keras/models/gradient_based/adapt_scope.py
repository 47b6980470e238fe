"""Which weights of a network an inner loop adapts."""

import re
from collections.abc import Container

from fsl_keras.models.gradient_based.pure_network import PureNetwork


def adapted_names(
    network: PureNetwork, scope: str, fixed: Container[str] = ()
) -> list[str]:
    """Returns the names of the weights that inner steps adapt.

    Args:
        network: `PureNetwork`.
        scope: `"all"`, `"head"` (the last layer that has weights) or a regular
            expression that names match.
        fixed: names of weights that are never adapted.

    Returns:
        A list of names.

    Raises:
        ValueError: If no weight matches.
    """
    names = [name for name in network.weights if name not in fixed]
    if scope == "all":
        return names
    if scope == "head":
        layers = network.network.layers
        last = [layer for layer in layers if layer.trainable_weights][-1]
        own = {id(weight) for weight in last.trainable_weights}
        return [name for name in names if id(network.weights[name]) in own]
    found = [name for name in names if re.search(scope, name)]
    if not found:
        raise ValueError(
            f"`adapt_scope` must be 'all', 'head' or a regular expression that matches "
            f"one of the weights {names}. Received: adapt_scope={scope!r}"
        )
    return found
