"""A learner from pretraining to classes that come for as long as it is in use."""

import os
from collections.abc import Callable
from typing import Any

import keras

from fsl_keras import evaluation, presets
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.datasets import ClassDataset
from fsl_keras.evaluation import ClassifierReport
from fsl_keras.files import read_json, replacing, write_json
from fsl_keras.files.outputs import LEARNER
from fsl_keras.models import PrototypicalNetwork
from fsl_keras.pretraining import SelfSupervisedPretraining, SimCLR
from fsl_keras.pretraining.examples import read
from fsl_keras.typing import Model, Path


class FewShotLearner:
    """Pretrains a backbone, meta-trains it, learns few examples and goes on learning.

    It holds a learner, which is trained, and a classifier, which learns from examples
    without training. Each step is optional: a preset is trained already, and a
    backbone can be used as it is.

    Args:
        backbone: built Keras model from items to vectors; or a string, the name or the
            folder of a preset.
        meta_learner: optional function from the backbone to a learner, such as
            `fsl_keras.models.PrototypicalNetwork` or
            `lambda backbone: TransferLearner(backbone, "lda")`. By default the learner
            of the preset, or a `PrototypicalNetwork`.
        augmentation: optional layer of `layers.augmentation`, by which items are
            changed at random in pretraining and meta-training.

    Attributes:
        learner: the learner, a Keras model.
        classifier: the `FewShotClassifier` of the classes learned so far, or None.
        history: list of dictionaries, what was done, in order.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> data = fsl.datasets.load("glyphs")
    >>> backbone = fsl.backbones.Conv4(data.item_shape, filters=8)
    >>> learner = FewShotLearner(
    ...     backbone, augmentation=fsl.layers.augmentation.RandomAffine())
    >>> learner.pretrain(data, steps=2, verbose=0)
    >>> learner.meta_train(data, steps=2, verbose=0)
    >>> a, b, c = (data.class_items(name)[:3] for name in data.class_names[:3])
    >>> classifier = learner.learn_from_few_examples(
    ...     np.concatenate([a, b]), ["a"] * 3 + ["b"] * 3)
    >>> learner.continual_update(c, ["c"] * 3).class_names
    ['a', 'b', 'c']
    >>> [step["step"] for step in learner.history]
    ['pretrain', 'meta_train', 'learn_from_few_examples', 'continual_update']
    """

    def __init__(
        self,
        backbone: Model | str,
        meta_learner: Callable[[Model], Model] | None = None,
        augmentation: Any = None,
    ) -> None:
        if not isinstance(backbone, (str, os.PathLike)):
            self.learner = (meta_learner or PrototypicalNetwork)(backbone)
        elif meta_learner is None:
            self.learner = presets.from_preset(backbone)
        else:
            self.learner = meta_learner(presets.backbone(backbone))
        self.augmentation = augmentation
        self.classifier: FewShotClassifier | None = None
        self.history: list[dict[str, Any]] = []

    def pretrain(
        self,
        unlabeled: Any,
        method: Callable[..., SelfSupervisedPretraining] = SimCLR,
        steps: int = 1000,
        batch_size: int = 256,
        seed: int = 0,
        verbose: int | str = "auto",
    ) -> None:
        """Trains the backbone without labels.

        Args:
            unlabeled: images, texts or other items in any form, without labels, such as
                the path of a folder of images; or a `ClassDataset`, whose classes are
                not used.
            method: a class of `fsl_keras.pretraining`, or a function from backbone and
                augmentation to such a model. Defaults to `SimCLR`.
            steps: integer, the number of batches. Defaults to `1000`.
            batch_size: integer. Defaults to `256`.
            seed: integer, the seed of the batches.
            verbose: as in `keras.Model.fit`.
        """
        data = read(self.learner, unlabeled, "unlabeled", None)
        model = method(self.learner.backbone, self.augmentation)
        model.compile()
        batches = data.batches(batch_size, seed=seed)
        done = model.fit(batches, steps_per_epoch=steps, verbose=verbose)
        self._note("pretrain", done, method=type(model).__name__, items=str(data))

    def meta_train(
        self,
        base_classes: ClassDataset,
        ways: int = 20,
        shots: int = 1,
        queries: int = 5,
        steps: int = 1000,
        seed: int = 0,
        verbose: int | str = "auto",
    ) -> None:
        """Trains the learner on episodes of classes with many examples.

        Args:
            base_classes: `ClassDataset`.
            ways: integer, the classes of an episode. Defaults to `20`.
            shots: integer, the support examples of a class. Defaults to `1`.
            queries: integer, the queries of a class. Defaults to `5`.
            steps: integer, the number of episodes. Defaults to `1000`.
            seed: integer, the seed of the episodes.
            verbose: as in `keras.Model.fit`.
        """
        self.learner.compile()
        episodes = base_classes.episodes(
            ways, shots, queries, seed=seed, augmentation=self.augmentation
        )
        done = self.learner.fit(episodes, steps_per_epoch=steps, verbose=verbose)
        self.learner.training_classes = tuple(base_classes.class_names)
        self._note("meta_train", done, items=str(base_classes), ways=ways, shots=shots)

    def learn_from_few_examples(
        self, support: Any, labels: Any = None, **kwargs: Any
    ) -> FewShotClassifier:
        """Learns classes from a few examples, in place of those learned before.

        Args:
            support: the examples in any form, see `EpisodicModel.adapt`.
            labels: their classes; None if `support` contains them.
            **kwargs: further arguments of `EpisodicModel.adapt`.

        Returns:
            The classifier, which is `classifier` from now on.
        """
        self.classifier = self.learner.adapt(support, labels, **kwargs)
        self._note("learn_from_few_examples")
        return self.classifier

    def continual_update(self, new_data: Any, labels: Any = None) -> FewShotClassifier:
        """Learns further examples, of known classes and of new ones.

        Args:
            new_data: the examples in any form, see `EpisodicModel.adapt`.
            labels: their classes, names; None if `new_data` contains them.

        Returns:
            The classifier, with the new examples.
        """
        self._known().add_examples(new_data, labels)
        self._note("continual_update")
        return self._known()

    def evaluate(self, items: Any, labels: Any = None) -> ClassifierReport:
        """Returns the report of the classifier on test examples in any form."""
        return evaluation.evaluate_classifier(self._known(), items, labels)

    def save(self, folder: Path) -> None:
        """Writes learner, classifier with its memory, and history into a folder.

        An earlier one of the same name is replaced when all is written.
        """
        with replacing(folder, LEARNER) as temporary:
            temporary.mkdir()
            keras.saving.save_model(self.learner, temporary / "learner.keras")
            if self.classifier is not None:
                path = temporary / "classifier.keras"
                keras.saving.save_model(self.classifier, path)
            augmentation = keras.saving.serialize_keras_object(self.augmentation)
            content = {"augmentation": augmentation, "history": self.history}
            write_json(temporary / "history.json", content)

    @classmethod
    def load(cls, folder: Path) -> "FewShotLearner":
        """Reads what `save` wrote."""
        folder = os.fspath(folder)
        content = read_json(os.path.join(folder, "history.json"))
        loaded = cls.__new__(cls)
        loaded.learner = keras.saving.load_model(f"{folder}/learner.keras")
        loaded.augmentation = keras.saving.deserialize_keras_object(
            content["augmentation"]
        )
        loaded.history, loaded.classifier = content["history"], None
        if os.path.exists(f"{folder}/classifier.keras"):
            loaded.classifier = keras.saving.load_model(f"{folder}/classifier.keras")
        return loaded

    def _known(self):
        if self.classifier is None:
            raise ValueError(
                "There are no classes yet: call `learn_from_few_examples` first."
            )
        return self.classifier

    def _note(self, step, done=None, **details):
        if done is not None:
            details |= {"steps": done.params["steps"], "loss": done.history["loss"][-1]}
        elif self.classifier is not None:
            details["classes"] = list(self.classifier.class_names)
            details["examples"] = len(self.classifier.examples())
        self.history.append({"step": step, **details})
