"""MAML with a head that starts at the class prototypes."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.models.gradient_based.inner_loop import BIAS, KERNEL
from fsl_keras.models.gradient_based.meta_gradient import MetaGradientLearner
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(inner_rate="inner_learning_rate")
class ProtoMAML(MetaGradientLearner):
    """MAML on a backbone, with a linear head that starts at the prototypes.

    Before the first inner step, the head gives each class the logit `2 c·x - |c|²`
    for its prototype `c`. This is the negative squared Euclidean distance of
    prototypical networks, up to a term that all classes share. Any number of ways
    fits. The gradient of training passes through the prototypes.

    Reference:

    - [Triantafillou et al., 2020](https://arxiv.org/abs/1903.03096)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.

    The other arguments are those of `MAML`.

    Raises:
        ValueError: As `MAML`, and if the backbone does not output vectors.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> model = ProtoMAML(backbone, inner_steps=2, inner_learning_rate=0.1)
    >>> items = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    >>> episode = fsl.episodes.make_episode(items, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    _network_argument = "backbone"

    def __init__(
        self,
        backbone: Model,
        inner_steps: int = 5,
        inner_learning_rate: float = 0.01,
        second_order: bool = True,
        adapt_scope: str = "all",
        inner_rates: str = "fixed",
        batch_norm: str = "transductive",
        test_steps: int | None = None,
        inner_loss: Any = None,
        multi_step_updates: int = 0,
        one_task_at_a_time: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            backbone,
            inner_steps,
            inner_learning_rate,
            second_order,
            adapt_scope,
            inner_rates,
            batch_norm,
            test_steps,
            shared_head=True,
            regression=False,
            inner_loss=inner_loss,
            multi_step_updates=multi_step_updates,
            one_task_at_a_time=one_task_at_a_time,
            name=name,
            **kwargs,
        )

    def _start_head(self, weights, support, labels, training):
        """Returns kernel and bias of the head at the prototypes."""
        vectors, _ = self._loop.call(weights, support, 0, training)
        vectors = ops.cast(vectors, labels.dtype)
        counts = ops.maximum(ops.sum(labels, axis=0), 1.0)
        prototypes = ops.matmul(ops.transpose(labels), vectors) / counts[:, None]
        squares = ops.sum(ops.square(prototypes), axis=-1)
        return {KERNEL: 2.0 * ops.transpose(prototypes), BIAS: -squares}
