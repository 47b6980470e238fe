"""A learner that is trained on each session, protected from forgetting or not."""

from typing import Any

import numpy as np

from fsl_keras.continual.exemplars import ExemplarMemory
from fsl_keras.continual.fine_tuned_classifier import FineTunedClassifier
from fsl_keras.models import TransferLearner
from fsl_keras.typing import Model, Path, Shape


class FineTuningLearner:
    """Learns sessions by training a network on each, with or without protection.

    The classifier scores the cosine similarities of an item's embedding and a vector of
    each class. A session adds vectors for its new classes, at first the mean embeddings
    of their examples. Then all vectors, and the layers that `unfreeze` names, are
    trained by `steps` batches. What is learned before is forgotten, unless

    - `exemplars` keep some earlier examples, which are trained on as well. Each class
      is drawn equally often, those of the session and earlier ones;
    - `distillation` keeps the logits of earlier classes near those that the classifier
      gave before the session;
    - or the whole backbone is frozen, and the classifier is not trained: see
      `TransferLearner`, whose `"lda"` and `"prototypes"` forget nothing.

    `exemplars=None, distillation=0.0` is unprotected fine-tuning.

    References:

    - exemplars: [Rebuffi et al., 2017](https://arxiv.org/abs/1611.07725) (iCaRL)
    - distillation: [Li & Hoiem, 2016](https://arxiv.org/abs/1606.09282) (LwF)
    - cosine similarities in sessions: [Hou et al., 2019](
      https://openaccess.thecvf.com/content_CVPR_2019/html/Hou_Learning_a_Unified_Classifier_Incrementally_via_Rebalancing_CVPR_2019_paper.html)
    - drift compensation: [Yu et al., 2020](https://arxiv.org/abs/2004.00440)

    Args:
        backbone: as in `TransferLearner`: a built Keras model from items to vectors, or
            the name of an application. It is not changed: a copy is trained.
        unfreeze: optional string, the layers to train, as in `TransferLearner`: the
            beginning of the name of the first one, or `"all"`. None by default: only
            the vectors of classes are trained.
        exemplars: optional empty `ExemplarMemory`, of which each classifier gets a
            copy. It holds items if the backbone is trained, whose embeddings change:
            `HerdingExemplars(10**6, embed=backbone.predict_on_batch)`. It holds
            embeddings if the whole backbone is frozen: `HerdingExemplars(10**6)`.
        distillation: float, the weight of distillation. Defaults to `1.0`.
        temperature: float, by which logits are divided in distillation. Defaults to
            `2.0`.
        prototypes: bool, whether the vectors of classes are the mean embeddings of
            their examples again after training. Those of earlier classes are moved by
            `compensate_drift`. Defaults to False: they are the trained ones.
        steps: integer, the number of batches of a session. Defaults to `100`.
        batch_size: integer. Defaults to `64`.
        learning_rate: float, that of Adam, which falls to zero as a cosine in each
            session. Defaults to `1e-3`; pretrained networks need less, such as `1e-5`.
        seed: integer, which the batches and dropout depend on.
        name: string, the name of the learner in reports.

    Raises:
        ValueError: if an argument is out of range, there is no layer to unfreeze, or
            `exemplars` have items already.

    Example:

    >>> import keras
    >>> from fsl_keras.continual import HerdingExemplars
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> exemplars = HerdingExemplars(500, embed=backbone.predict_on_batch)
    >>> learner = FineTuningLearner(backbone, "all", exemplars, steps=5)
    >>> items = np.random.default_rng(0).random((6, 4))
    >>> classifier = learner.adapt(items[:4], ["wren", "wren", "heron", "ibis"])
    >>> classifier.add_examples(items[4:], ["egret", "wren"])
    >>> classifier.class_names
    ['heron', 'ibis', 'wren', 'egret']
    >>> classifier.logits(items).shape
    (6, 4)
    """

    def __init__(
        self,
        backbone: Model | str,
        unfreeze: str | None = None,
        exemplars: ExemplarMemory | None = None,
        distillation: float = 1.0,
        temperature: float = 2.0,
        prototypes: bool = False,
        steps: int = 100,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        seed: int = 0,
        name: str = "fine_tuning",
    ):
        # Names the layers to train, and copies the backbone that has them.
        transfer = TransferLearner(backbone, "cosine", unfreeze)
        self.backbone = transfer.backbone
        self.item_shape: Shape = transfer.item_shape
        self.item_kind: str = transfer.item_kind
        self.unfreeze = unfreeze
        self.exemplars = exemplars
        self.distillation = distillation
        self.temperature = temperature
        self.prototypes = prototypes
        self.steps = steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.name = name
        if (
            min(steps, batch_size) < 1
            or distillation < 0
            or min(temperature, learning_rate) <= 0
        ):
            raise ValueError(
                f"`steps` and `batch_size` must be at least 1, `distillation` at least "
                f"0, `temperature` and `learning_rate` above 0. Received: "
                f"steps={steps}, batch_size={batch_size}, "
                f"distillation={distillation}, temperature={temperature}, "
                f"learning_rate={learning_rate}"
            )
        if exemplars is not None and exemplars.items is not None:
            raise ValueError(
                f"`exemplars` must be empty, as the examples of a session are added "
                f"after it is learned. Received {len(exemplars.items)} items of shape "
                f"{exemplars.items.shape[1:]}"
            )

    def adapt(
        self, items: Any, labels: Any = None, verbose: int | str = 0
    ) -> FineTunedClassifier:
        """Learns the first session.

        Args:
            items: the examples in any form, see `EpisodicModel.adapt`.
            labels: their classes; None if `items` contain them.
            verbose: as in `keras.Model.fit`.

        Returns:
            A `FineTunedClassifier`, which learns later sessions by `add_examples`.

        Raises:
            ValueError: if there is no example, items are not those of the backbone, or
                one does not fit into the memory of exemplars.
        """
        classifier = FineTunedClassifier(self)
        classifier.add_examples(items, labels, verbose)
        return classifier

    def restore(self, path: Path) -> FineTunedClassifier:
        """Reads what `save` of a classifier wrote, to learn further sessions.

        Args:
            path: path of the file. It was written by a classifier of a learner with the
                same arguments.

        Raises:
            ValueError: if the weights in the file are of another network.
        """
        classifier = FineTunedClassifier(self)
        with np.load(path) as stored:
            classifier.set_state(dict(stored))
        return classifier

    def on_features(self) -> "FineTuningLearner":
        """Returns the same learner on embeddings, for a backbone that is frozen."""
        transfer = TransferLearner(self.backbone, "cosine").on_features()
        return FineTuningLearner(
            transfer.backbone,
            None,
            self.exemplars,
            self.distillation,
            self.temperature,
            self.prototypes,
            self.steps,
            self.batch_size,
            self.learning_rate,
            self.seed,
            self.name,
        )
