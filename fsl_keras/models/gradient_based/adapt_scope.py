"""Which weights of a network an inner loop adapts."""

import re


def adapted_names(network, scope, fixed=()):
    """Returns the names of the weights that inner steps change.

    Args:
        network: `PureNetwork`.
        scope: `"all"`, `"head"` (the last layer that has weights) or a regular
            expression.
        fixed: names of weights that are not adapted in any case.

    Returns:
        A list of names.

    Raises:
        ValueError: if no weight matches.
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
            f"No weight matches `adapt_scope={scope!r}`. The names of the weights are "
            f"{names}."
        )
    return found
