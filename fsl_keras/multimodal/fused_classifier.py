"""A fitted classifier of items of two kinds."""

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from fsl_keras import inputs
from fsl_keras.classifier import ClassPrediction, FewShotClassifier
from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.files import SavesBeside
from fsl_keras.layers.softmax import softmax
from fsl_keras.multimodal.fusion import Fusion
from fsl_keras.multimodal.pairs import (
    check_is_pair,
    check_sizes,
    feature_batches,
    pair_of,
)
from fsl_keras.typing import Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class FusedClassifier(ReadsUntuned, SavesBeside, keras.Model):
    """A Keras model from items of two kinds to class probabilities.

    Made by `LateFusion.adapt`, or of two classifiers that were made apart. It adds the
    logits of both, see `Fusion`.

    Args:
        classifiers: pair of `FewShotClassifier` of the same classes, which it owns.
        fusion: optional `Fusion`. Defaults to equal weights.
        name: optional string.

    Call arguments:
        items: pair of raw items as each classifier takes them, such as images
            `[B, H, W, C]` and strings `[B]`.

    Returns:
        float32 probabilities `[B, N]`.

    Raises:
        ValueError: if the classifiers do not have the same classes in the same order.

    Example:

    >>> import fsl_keras as fsl
    >>> vectors = keras.Input((2,))
    >>> identity = keras.Model(vectors, keras.layers.Identity()(vectors))
    >>> learner = fsl.models.PrototypicalNetwork(identity)
    >>> shape = learner.adapt(np.array([[0.0, 0], [1, 0]]), ["a", "b"])
    >>> color = learner.adapt(np.array([[0.0, 0], [0, 3]]), ["a", "b"])
    >>> classifier = FusedClassifier([shape, color])
    >>> item = np.array([[0.6, 0.0]]), np.array([[0.0, 1.0]])
    >>> [part.predict_classes(x)[0].class_name
    ...  for part, x in zip(classifier.classifiers, item)]
    ['b', 'a']
    >>> classifier.predict_classes(item)[0].class_name
    'a'
    """

    def __init__(
        self,
        classifiers: Sequence[FewShotClassifier],
        fusion: Fusion | None = None,
        name: str | None = None,
    ):
        # In float32 under every policy: the classifiers have policies of their own.
        super().__init__(name=name, dtype="float32")
        if not isinstance(classifiers, (list, tuple)) or len(classifiers) != 2:
            raise ValueError(
                f"`classifiers` must be a pair of `FewShotClassifier`. Received: "
                f"classifiers={classifiers!r}"
            )
        first, second = classifiers
        if first.class_names != second.class_names:
            raise ValueError(
                f"The two classifiers must have the same classes in the same order; "
                f"`class_names` of `adapt` sets it. Received: {first.class_names} and "
                f"{second.class_names}"
            )
        self.classifiers = [first, second]
        self.fusion = fusion or Fusion()
        self.built = True
        self.compile(
            optimizer=None,
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, a list of strings in the order of outputs."""
        return self.classifiers[0].class_names

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles the classifier as it was when it was saved."""
        # Keras would build the optimizer, and there is none.
        self.compile(**keras.saving.deserialize_keras_object(config))

    def call(
        self, items: tuple[Tensor, Tensor], training: bool | None = None
    ) -> Tensor:
        del training
        logits = []
        for classifier, some in zip(self.classifiers, items, strict=True):
            if classifier.preprocessing is not None:
                some = classifier.preprocessing(some)
            logits.append(classifier.logits(some))
        return softmax(self.fusion.logits(*logits))

    def __call__(self, items: Any, *args: Any, **kwargs: Any) -> Tensor:
        return super().__call__(self._tensors(items), *args, **kwargs)

    def predict(  # type: ignore[override]
        self, x: Any, *args: Any, **kwargs: Any
    ) -> np.ndarray:
        """Returns probabilities `[n, N]`, as `keras.Model.predict` does.

        Args:
            x: pair of batched items; texts also as a list or an array of strings. Or a
                `tf.data.Dataset` of batches `((first, second),)`.
            *args: further arguments of `keras.Model.predict`.
            **kwargs: further arguments of `keras.Model.predict`.
        """
        return super().predict(self._tensors(x), *args, **kwargs)

    def evaluate(  # type: ignore[override]
        self, x: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Returns loss and accuracy, as `keras.Model.evaluate` does."""
        return super().evaluate(self._tensors(x), *args, **kwargs)

    def _tensors(self, items):
        """Returns a pair with texts as tensors, and a Dataset as it is."""
        if not isinstance(items, (list, tuple)):
            return items
        check_is_pair(items, self.item_kinds)
        pair = tuple(map(_batch, items, self.item_kinds))
        check_sizes([some.shape[0] for some in pair], self.item_kinds)
        return pair

    @property
    def item_kinds(self) -> list[str]:
        """The `item_kind` of each classifier, a list of two strings."""
        return [classifier.item_kind for classifier in self.classifiers]

    def predict_classes(self, items: Sequence) -> list[ClassPrediction]:
        """Predicts the class of each item, as a name with probabilities.

        Args:
            items: pair of items in any form, as `LateFusion.adapt` takes them.

        Returns:
            A list of `ClassPrediction`, one per item in the given order.

        Raises:
            ValueError: if there are more items of one kind, or one cannot be read.
        """
        pair = pair_of(items, self.item_kinds)
        logits = [
            _logits(classifier, some)
            for classifier, some in zip(self.classifiers, pair, strict=True)
        ]
        rows = ops.convert_to_numpy(softmax(self.fusion.logits(*logits)))
        return [ClassPrediction.of(row, self.class_names) for row in rows]

    def add_class(self, class_name: str | int, items: Sequence) -> None:
        """Adds a class from its examples; the weights of the two kinds stay.

        Args:
            class_name: string, or an integer, which becomes its digits.
            items: pair of the examples, as `LateFusion.adapt` takes them.

        Raises:
            ValueError: as `FewShotClassifier.add_class`. Then neither kind is changed.
        """
        first, second = self.classifiers
        ours, theirs = pair_of(items, self.item_kinds)
        first.add_class(class_name, ours)
        try:
            second.add_class(class_name, theirs)
        except Exception:
            first.remove_class(class_name)
            raise
        self._forget_compiled()

    def remove_class(self, class_name: str | int) -> None:
        """Removes a class and its examples.

        Args:
            class_name: string, a known class.

        Raises:
            ValueError: as `FewShotClassifier.remove_class`.
        """
        for classifier in self.classifiers:
            classifier.remove_class(class_name)
        self._forget_compiled()

    def _forget_compiled(self):
        # Compiled functions hold the classes from before.
        self.predict_function = self.test_function = None

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            "classifiers": [serialize(part) for part in self.classifiers],
            "fusion": dataclasses.asdict(self.fusion),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FusedClassifier":
        config = copy.deepcopy(config)
        config["classifiers"] = [
            keras.saving.deserialize_keras_object(x) for x in config["classifiers"]
        ]
        return cls(**{**config, "fusion": Fusion(**config["fusion"])})


def _batch(items, kind):
    """Returns items with a shape: texts as a tensor, and lists as an array."""
    if isinstance(items, (tf.Tensor, keras.KerasTensor)):
        return items
    if kind == "text":
        return tf.constant(inputs.texts_of(items))
    return items if hasattr(items, "shape") else np.asarray(items)


def _logits(classifier, items):
    """Returns the logits `[n, N]` of items in the form of `pair_of`."""
    found, skipped = [], []
    with classifier.pinned():
        for _, _, features in feature_batches(classifier, items, skipped):
            features = ops.convert_to_tensor(features[None])
            found.append(
                classifier.learner.score_features(classifier.state, features)[0]
            )
    inputs.check_all_read(skipped)
    return ops.concatenate(found, axis=0)
