"""A fitted classifier: a learner with the state of one task."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from fsl_keras import inputs, model_selection
from fsl_keras.classifier.adaptation import (
    calibration_of,
    check_estimated,
    check_learner,
    learn_examples,
    preprocessing_for,
    support_set_for,
)
from fsl_keras.classifier.classifier_model import checked_threshold
from fsl_keras.classifier.descriptions import Descriptions, is_empty
from fsl_keras.classifier.feature_examples import learn_features
from fsl_keras.classifier.growing_classifier import GrowingClassifier
from fsl_keras.classifier.predictions import UNKNOWN, ClassPrediction
from fsl_keras.classifier.task_weights import fingerprint_of
from fsl_keras.typing import Model

__all__ = ["UNKNOWN", "ClassPrediction", "FewShotClassifier", "fingerprint_of"]


@keras.saving.register_keras_serializable(package="fsl_keras")
class FewShotClassifier(GrowingClassifier):
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
        text_encoder: Model | None = None,
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
            text_encoder: optional Keras model from strings to vectors, which embeds
                `descriptions` for a learner of images, into the space of its backbone:
                that of a `backbones.ImageTextEncoder`. Then all classes have a
                description, and all have images or none has. It is not saved.

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
        described = Descriptions.of(
            descriptions, description_weight, learner, text_encoder
        )
        is_given, examples, names = class_names is not None, None, None
        if not described.texts or not is_empty(images):
            kind = learner.item_kind if preprocessing is None else "image"
            examples = inputs.Examples(images, labels, class_names, preprocessing, kind)
            class_names, names = examples.class_names, examples.names
            described.check_all_described(class_names)
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

    @classmethod
    def from_features(
        cls,
        learner: Model,
        features: Any,
        labels: Any,
        class_names: Sequence[str] | None = None,
        invert: bool = False,
        value_range: tuple[float, float] | None = None,
        unknown_threshold: float = 0.0,
        name: str | None = None,
        resize: str = "stretch",
    ) -> "FewShotClassifier":
        """Makes a classifier from the features of the examples of its classes.

        The same features given twice for a class count once.

        Args:
            learner: an uncompiled learner, which the classifier will own.
            features: float array `[n, *feature]`, as `learner.features` returns them.
            labels: `n` integers or names, or one-hot rows.
            class_names: optional list of names.
            invert: bool, how images are preprocessed that will be predicted and added,
                see `from_examples`.
            value_range: optional pair, see `from_examples`.
            unknown_threshold: float in [0, 1], see the class.
            name: optional string.
            resize: string, see `from_examples`.

        Returns:
            A compiled `FewShotClassifier`.

        Raises:
            ValueError: if the features are of another shape than the learner's, or are
                not finite, or labels and features do not match.
        """
        check_learner(learner)
        preprocessing = preprocessing_for(learner, invert, value_range, resize)
        memory, learned, class_names = learn_features(
            learner, features, labels, class_names
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
        return classifier
