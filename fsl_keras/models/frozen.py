"""Learners on a backbone that stays as it was pretrained."""

import keras

from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class FrozenFeatureModel(MetricModel):
    """A learner of new classes on the features of a pretrained backbone.

    Only the head learns, from a support set. There is nothing to fit on episodes,
    so `fit` is refused; `evaluate`, `adapt`, saving and exporting are those of every
    learner. The backbone comes from `SupervisedPretraining` or is any other model
    that gives vectors.

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        head: a `Head`.
        name: optional string.

    Example:

    >>> from fsl_keras.heads import PrototypeHead
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model = FrozenFeatureModel(backbone, PrototypeHead())
    >>> model.item_shape
    (4,)
    """

    # The head of `SupervisedPretraining` that makes the features this learner wants.
    pretraining_head = "linear"

    def default_optimizer(self):
        """Returns None: there is nothing to optimize."""
        return

    def fit(self, *args, **kwargs):
        """Refuses to train, with what to do in its place."""
        del args, kwargs
        raise ValueError(self._refusal())

    def train_step(self, data):
        """Refuses to train, with what to do in its place."""
        del data
        raise ValueError(self._refusal())

    def _refusal(self):
        name = type(self).__name__
        return (
            f"{name} does not learn from episodes: its backbone stays as it was "
            f"pretrained. Train the backbone with `SupervisedPretraining(backbone, "
            f"classes=len(data), head={self.pretraining_head!r})`, fitted on "
            f"`data.batches(64)`, then `evaluate` or `adapt` `{name}(backbone)`."
        )
