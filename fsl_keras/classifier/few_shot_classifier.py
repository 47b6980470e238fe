"""A fitted classifier: a learner with the state of one task."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from fsl_keras import inputs, model_selection
from fsl_keras.classifier.adaptation import (
    calibration_of,
    check_estimated,
    check_learner,
    learn_examples,
    preprocessing_for,
    support_set_for,
)
from fsl_keras.classifier.classifier_model import ClassifierModel, checked_threshold
from fsl_keras.classifier.descriptions import Descriptions, is_empty
from fsl_keras.classifier.growth import (
    change_example,
    check_fingerprint,
    check_growth,
    check_joinable,
    forget_class,
    known_name,
    learn_class,
)
from fsl_keras.classifier.predictions import UNKNOWN, ClassPrediction
from fsl_keras.classifier.task_examples import LearnedExample
from fsl_keras.classifier.task_weights import fingerprint_of
from fsl_keras.datasets.labels import class_name_of
from fsl_keras.typing import Model

__all__ = ["UNKNOWN", "ClassPrediction", "FewShotClassifier", "fingerprint_of"]


@keras.saving.register_keras_serializable(package="fsl_keras")
class FewShotClassifier(ClassifierModel):
    """A Keras model from raw images or texts to class probabilities.

    Made by `learner.adapt(images, labels)`. It owns its learner, the memory and the
    state of one task as weights, and the preprocessing of images, so it can be
    saved and exported; classes and examples can be added and removed. The prediction
    for an image does not depend on the other images of its batch.

    Args:
        learner: an uncompiled learner, which the classifier owns.
        class_names: list of strings.
        preprocessing: optional `ImagePreprocessing`; None if items are not images,
            and are taken as they are.
        unknown_threshold: float in [0, 1], `predict_classes` predicts "unknown" if
            every class has a lower probability.
        calibration: optional `Calibration`, the temperature of the logits and the
            least logit that is not rejected as "unknown".
        spec: dictionary of the names, shapes and dtypes of memory and state, as in
            `get_config`.
        fingerprint: string, the fingerprint of the learner's weights.
        name: optional string.

    Attributes:
        leave_one_out: the `LeaveOneOutReport` if `adapt` was called with
            `leave_one_out=True`, else None. It is not saved.

    Call arguments:
        images: raw images `[B, H, W, C]` of any size (uint8, uint16, or float in
            [0, 1] unless there is a `value_range`), texts, or items `[B, *item]`.

    Returns:
        float32 probabilities `[B, N]`.
    """

    @classmethod
    def from_examples(
        cls,
        learner: Model,
        images: Any,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        invert: bool = False,
        value_range: tuple[float, float] | None = None,
        unknown_threshold: float = 0.0,
        leave_one_out: bool = False,
        false_reject_rate: float | None = None,
        negatives: Any = None,
        expansion: Model | None = None,
        verbose: int = 0,
        name: str | None = None,
        base_calibration: model_selection.BaseCalibration | None = None,
        resize: str = "stretch",
        descriptions: Mapping[str | int, str] | None = None,
        description_weight: float = 1.0,
    ) -> "FewShotClassifier":
        """Makes a classifier from the examples of its classes.

        The same image or text given twice for a class counts once. Files that cannot
        be read are skipped, with a warning that names them.

        Args:
            learner: an uncompiled learner, which the classifier will own.
            images: images, texts or other items, see `EpisodicModel.adapt`. None or
                empty if all classes have a description.
            labels: `n` integers or names; None if `images` contain them.
            class_names: optional list of names.
            invert: bool, True for black ink on white paper with a learner that was
                trained on white ink on black.
            value_range: optional pair, the values of black and white in float images;
                `(0, 255)` for `keras.utils.image_dataset_from_directory`.
            unknown_threshold: float in [0, 1], see the class.
            leave_one_out: bool, whether to estimate the accuracy by leave-one-out. The
                result is `classifier.leave_one_out`.
            false_reject_rate: optional float in (0, 1), the fraction of examples of
                known classes that may be rejected as "unknown". Probabilities and
                threshold are then calibrated by leave-one-out, or with one example
                per class by `base_calibration`. The result, with its evaluation, is
                `classifier.calibration`.
            negatives: optional images or texts of no class in any form, such as a
                folder, on which false accepts are counted. By default they are counted
                on classes that are left out.
            expansion: optional `layers.augmentation.SupportExpansion`, whose augmented
                copies are learned as well.
            verbose: 0 or 1, whether to show a progress bar.
            name: optional string.
            base_calibration: optional `BaseCalibration`.
            resize: how images of another aspect ratio are resized, see
                `ImagePreprocessing`: `"stretch"`, `"crop"` or `"pad"`.
            descriptions: optional dictionary from class name to a text that describes
                the class, for a learner of texts. It is learned as a further example,
                and a class needs no other one (zero-shot). Leave-one-out and
                calibration learn from all descriptions and test none. Without
                `class_names`, classes that have a description alone come last.
            description_weight: float above 0, the number of examples that a
                description counts as. Other values than 1 need a head whose
                `weighs_examples` is True.

        Returns:
            A compiled `FewShotClassifier`.

        Raises:
            ValueError: if labels and images do not match, or a class has neither an
                example nor a description.
        """
        checked_threshold(unknown_threshold)
        check_learner(learner)
        if negatives is not None and false_reject_rate is None:
            raise ValueError(
                "`negatives` are used to calibrate: give `false_reject_rate` too, such "
                "as 0.05, or leave them out."
            )
        preprocessing = preprocessing_for(learner, invert, value_range, resize)
        described = Descriptions.of(descriptions, description_weight, learner)
        is_given, examples, names = class_names is not None, None, None
        if not described.texts or not is_empty(images):
            kind = learner.item_kind if preprocessing is None else "image"
            examples = inputs.Examples(images, labels, class_names, preprocessing, kind)
            class_names, names = examples.class_names, examples.names
        class_names = described.class_names(class_names or [], is_given)
        support: Any = None
        if leave_one_out or false_reject_rate is not None:
            check_estimated(examples)
            support = support_set_for(class_names)
        memory, learned = learn_examples(
            learner, examples, class_names, described, support, expansion, verbose
        )
        classifier = cls(
            learner,
            class_names,
            preprocessing,
            unknown_threshold,
            fingerprint=fingerprint_of(learner),
            name=name,
        )
        classifier.know(class_names, memory, learned)
        if leave_one_out:
            classifier.leave_one_out = model_selection.leave_one_out(
                learner, support, class_names, names=names
            )
        if false_reject_rate is not None:
            classifier.calibration = calibration_of(
                classifier, support, false_reject_rate, negatives, base_calibration
            )
        return classifier

    def add_class(
        self,
        class_name: str | int,
        images: Any = None,
        description: str | None = None,
        description_weight: float = 1.0,
    ) -> None:
        """Adds a class from its examples, without training.

        If the learner's `incremental` is `"exact"`, the state of the other classes is
        unchanged, bit-identical. If it is `"refit"`, such as with ridge or logistic
        regression, the state of all classes is computed again from their examples.

        Args:
            class_name: string, a new name; an integer becomes its digits.
            images: its examples in any form, without labels: a list of images, one
                image, or a folder, also with nested folders. Files that cannot be read
                are skipped, with a warning that names them. For a learner of texts, a
                list of texts or one text; None if there is a description.
            description: optional text that describes the class, see `from_examples`.
            description_weight: float, see `from_examples`.

        Raises:
            ValueError: if the class is known, the learner cannot add classes, its
                weights have changed since the other classes were learned, or no
                example can be read.
        """
        class_name = class_name_of(class_name)
        with self._snapshots.changing():
            if class_name in self.class_names:
                raise ValueError(
                    f"The class {class_name!r} is known already. Give it more examples "
                    f"with `update`."
                )
            check_growth(self)
            described = Descriptions.of(
                None if description is None else {class_name: description},
                description_weight,
                self.learner,
            )
            class_names = [*self.class_names, class_name]
            memory = self.learner.widen(self.task.memory, len(class_names))
            learn_class(self, class_names, memory, images, class_name, described)

    def update(self, class_name: str | int, images: Any) -> None:
        """Adds examples to a known class; repeated examples count once.

        Args:
            class_name: string, a known class.
            images: further examples, as in `add_class`.
        """
        with self._snapshots.changing():
            class_name = known_name(self, class_name)
            check_fingerprint(self)
            learn_class(self, self.class_names, self.task.memory, images, class_name)

    def remove_class(self, class_name: str | int) -> None:
        """Removes a class and its examples.

        Args:
            class_name: string, a known class.

        Raises:
            ValueError: if it is the only class, or the head has one memory for all
                classes and there are no features of the examples, see `remove_example`.
        """
        with self._snapshots.changing():
            name = known_name(self, class_name)
            if len(self.class_names) == 1:
                raise ValueError(
                    f"The only class, {name!r}, cannot be removed. Add another "
                    f"one first, with `add_class`."
                )
            check_growth(self)
            forget_class(self, name)

    def examples(self) -> list[LearnedExample]:
        """Lists the examples of the classifier, repeated ones once.

        Returns:
            A list of `LearnedExample`, each with an `id`, a `class_name` and a
            `source`: the file as given, the text, or the index among the images as
            given. Descriptions are not among them.
        """
        with self._snapshots.changing():
            learned, names = self.task.learned, self.class_names
        return [
            LearnedExample(int(learned.ids[row]), names[number], learned.sources[row])
            for row, number in enumerate(learned.classes)
            if not learned.are_descriptions[row]
        ]

    @property
    def descriptions(self) -> dict[str, str]:
        """The descriptions of classes, a dictionary from class name to text.

        Texts of more than 1,000 characters are shortened.
        """
        with self._snapshots.changing():
            learned, names = self.task.learned, self.class_names
        return {
            names[learned.classes[row]]: str(learned.sources[row])
            for row in np.flatnonzero(learned.are_descriptions)
        }

    def remove_example(self, example_id: int) -> None:
        """Removes one example, as if the classifier had been made without it.

        Args:
            example_id: integer, the `id` of one of `examples()`.

        Raises:
            ValueError: if there is no such example, it is the only one of its class,
                or the classifier has no features of its examples, because they are very
                many or it was saved by an earlier version.
        """
        with self._snapshots.changing():
            change_example(self, example_id)

    def relabel(self, example_id: int, class_name: str | int) -> None:
        """Moves one example to another class, as if it had been given for that.

        Args:
            example_id: integer, the `id` of one of `examples()`.
            class_name: string, a known class.

        Raises:
            ValueError: as `remove_example`, or if the class is not known.
        """
        with self._snapshots.changing():
            class_name = known_name(self, class_name)
            change_example(self, example_id, class_name)

    def add_classes_from(self, other: "FewShotClassifier") -> None:
        """Adds the classes of another classifier of the same learner.

        Args:
            other: a `FewShotClassifier` with other class names.

        Raises:
            ValueError: if the learners' weights differ, the classifiers invert or
                resize images in different ways, or both have a class.
        """
        with self._snapshots.changing():
            check_joinable(self, other)
            mine, theirs = len(self.class_names), len(other.class_names)
            behind_mine = np.r_[theirs : theirs + mine, :theirs]
            more = self.learner.widen(other.task.memory, mine + theirs)
            more = self.learner.select(more, behind_mine)
            memory = self.learner.widen(self.task.memory, mine + theirs)
            self.know(
                [*self.class_names, *other.class_names],
                self.learner.merge(memory, more),
                self.task.learned + other.task.learned.shifted(mine),
            )
