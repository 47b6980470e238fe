"""The earlier name of `TransferLearner`."""

import keras

from fsl_keras.models.transfer import TransferLearner


@keras.saving.register_keras_serializable(package="fsl_keras")
class FrozenFeatureModel(TransferLearner):
    """`TransferLearner` by its earlier name, which files hold.

    Use `TransferLearner(backbone, head)` instead, which is the same.

    Args:
        backbone: as in `TransferLearner`.
        head: as in `TransferLearner`.
        **kwargs: further arguments of `TransferLearner`.

    Example:

    >>> from fsl_keras.heads import PrototypeHead
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> FrozenFeatureModel(backbone, PrototypeHead()).item_shape
    (4,)
    """
