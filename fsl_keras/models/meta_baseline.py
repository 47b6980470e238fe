"""Meta-Baseline: a pretrained backbone, fine-tuned under cosine prototypes."""

from typing import Any

import keras

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads import PrototypeHead
from fsl_keras.models.metric import MetricModel
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class MetaBaseline(MetricModel):
    """Meta-Baseline: cosine prototypes on a backbone pretrained as a classifier.

    A logit is the cosine similarity to the prototype of the class, multiplied by a
    learned scale. Train the backbone with `SupervisedPretraining` first, then this
    learner on episodes with small steps: `compile()` takes SGD at a learning rate of
    1e-3 with momentum and weight decay, as in the paper. Batch normalization trains on
    the statistics of the episodes, as in the paper's code for miniImageNet.

    Reference:

    - [Chen et al., 2021](https://arxiv.org/abs/2003.04390)

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`.
        scale: float, the initial factor of cosine similarities.
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

    head_arguments = ("scale",)

    def __init__(
        self,
        backbone: Model,
        scale: float = 10.0,
        name: str | None = None,
        **kwargs: Any,
    ):
        head = PrototypeHead("cosine", scale, name="prototypes")
        super().__init__(backbone, head, name=name, **kwargs)

    def default_optimizer(self) -> keras.optimizers.Optimizer:
        """Returns the optimizer that `compile(optimizer="auto")` takes."""
        return keras.optimizers.SGD(1e-3, momentum=0.9, weight_decay=5e-4)
