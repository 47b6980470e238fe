"""MAML whose head begins at the prototypes."""

import copy

import keras
from keras import ops

from fsl_keras.models.gradient_based.inner_loop import BIAS, KERNEL
from fsl_keras.models.gradient_based.maml import MAML


@keras.saving.register_keras_serializable(package="fsl_keras")
class ProtoMAML(MAML):
    """MAML on a backbone, with a linear layer that begins at the prototypes.

    Before the first inner step the layer gives each class the logit `2 c·x - |c|²`
    for its prototype `c`, which is the squared Euclidean distance of prototypical
    networks up to a term that all classes share. Ways are free. The gradient of
    training goes through the prototypes.

    Reference:

    - [Triantafillou et al., 2020](https://arxiv.org/abs/1903.03096)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        **kwargs: arguments of `MAML`, but for `shared_head` and `regression`.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> model = ProtoMAML(backbone, inner_steps=2, inner_rate=0.1)
    >>> items = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    >>> episode = fsl.episodes.make_episode(items, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(self, backbone, **kwargs):
        if kwargs.get("regression"):
            raise ValueError(
                "Regression has no classes, and so no prototypes: use "
                "`MAML(network, regression=True)`."
            )
        super().__init__(backbone, **{**kwargs, "shared_head": True})

    def get_config(self):
        config = super().get_config()
        for name in ("shared_head", "regression"):
            del config[name]
        return {"backbone": config.pop("network"), **config}

    @classmethod
    def from_config(cls, config):
        # Keras takes the configuration of a functional model apart as it reads it.
        config = copy.deepcopy(config)
        parts = {
            "backbone": keras.saving.deserialize_keras_object(config["backbone"]),
            "inner_loss": keras.losses.get(config["inner_loss"]),
        }
        return cls(**{**config, **parts})

    def _make_head(self, embedding_shape):
        """Makes no weights: the support set gives those of the head."""
        self._check_vectors(embedding_shape)

    def _first_head(self, weights, support, labels, training):
        """Returns kernel and bias of the head at the prototypes."""
        vectors, _ = self._loop.call(weights, support, 0, training)
        vectors = ops.cast(vectors, labels.dtype)
        counts = ops.maximum(ops.sum(labels, axis=0), 1.0)
        prototypes = ops.matmul(ops.transpose(labels), vectors) / counts[:, None]
        squares = ops.sum(ops.square(prototypes), axis=-1)
        return {KERNEL: 2.0 * ops.transpose(prototypes), BIAS: -squares}
