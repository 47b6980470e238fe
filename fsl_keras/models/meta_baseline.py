"""Meta-Baseline: a pretrained backbone, trained on by cosine prototypes."""

import keras

from fsl_keras.heads import PrototypeHead
from fsl_keras.models.metric import MetricModel


@keras.saving.register_keras_serializable(package="fsl_keras")
class MetaBaseline(MetricModel):
    """Meta-Baseline: cosine prototypes on a backbone that was a classifier before.

    A query is scored by its cosine similarity to the prototype of each class, times
    a learned temperature. Train the backbone with `SupervisedPretraining` first, then
    this on episodes, with small steps: `compile()` takes SGD at a rate of 1e-3 with
    momentum and weight decay, as the paper does. Batch normalization trains on the
    statistics of the episodes, as in the paper's code for miniImageNet.

    Reference:

    - [Chen et al., 2021](https://arxiv.org/abs/2003.04390)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        temperature: float, the factor of cosine similarities when training starts.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> pretraining = fsl.pretraining.SupervisedPretraining(backbone, classes=20)
    >>> model = MetaBaseline(pretraining.backbone)  # after `pretraining.fit(...)`
    >>> model.compile()
    >>> items = np.random.default_rng(0).normal(size=(6, 4))
    >>> episode = fsl.episodes.make_episode(items, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(self, backbone, temperature=10.0, name=None, **kwargs):
        head = PrototypeHead("cosine", temperature, name="prototypes")
        super().__init__(backbone, head, name=name, **kwargs)

    def default_optimizer(self):
        """Returns the optimizer that `compile(optimizer="auto")` takes."""
        return keras.optimizers.SGD(1e-3, momentum=0.9, weight_decay=5e-4)

    def get_config(self):
        config = super().get_config()
        del config["head"]
        return {**config, "temperature": self.head.temperature}
