"""A fitted classifier: a learner with the state of one task."""

import keras
import numpy as np

from fsl_keras import inputs
from fsl_keras.classifier.adaptation import classifier_of_examples
from fsl_keras.classifier.classifier_model import ClassifierModel
from fsl_keras.classifier.growth import (
    change_example,
    check_fingerprint,
    check_growth,
    check_joinable,
    known_name,
)
from fsl_keras.classifier.learning import learn
from fsl_keras.classifier.predictions import UNKNOWN, ClassPrediction
from fsl_keras.classifier.task_examples import LearnedExample
from fsl_keras.classifier.task_weights import fingerprint_of
from fsl_keras.datasets.labels import class_name_of

__all__ = ["UNKNOWN", "ClassPrediction", "FewShotClassifier", "fingerprint_of"]


@keras.saving.register_keras_serializable(package="fsl_keras")
class FewShotClassifier(ClassifierModel):
    """A Keras model from raw pictures to the probabilities of the classes it knows.

    Made by `learner.adapt(images, labels)`. It owns its learner, the memory and the
    state of one task as weights, and the preprocessing of pictures, so it can be
    saved, exported and asked by itself; classes and examples can be added to it.
    The answer for a picture does not depend on the other pictures of its batch.

    Args:
        learner: an uncompiled learner of its own.
        class_names: list of strings.
        preprocessing: optional `ImagePreprocessing`; None where items are no
            pictures and are taken as they are.
        unknown_threshold: float, `predict_classes` answers "unknown" where every
            class is less probable than this.
        calibration: optional `Calibration`, which scales the logits and says below
            which of them the answer is "unknown" too.
        spec: dictionary of the names, shapes and dtypes of memory and state, as
            `get_config` gives it.
        fingerprint: string, the fingerprint of the learner's weights.
        name: optional string.

    Call arguments:
        images: raw pictures `[B, H, W, C]` of any size (uint8, uint16, or float in
            [0, 1] unless `value_range` says otherwise), or items `[B, *item]`.

    Returns:
        float32 probabilities `[B, N]`.
    """

    @classmethod
    def from_examples(
        cls,
        learner,
        images,
        labels=None,
        class_names=None,
        invert=False,
        value_range=None,
        unknown_threshold=0.0,
        leave_one_out=False,
        false_reject_rate=None,
        negatives=None,
        expansion=None,
        verbose=0,
        name=None,
        base_calibration=None,
        resize="stretch",
    ):
        """Makes a classifier of the classes of some examples.

        The same picture given twice for a class counts once. Files that cannot be
        read are left out, with a warning that names them.

        Args:
            learner: an uncompiled learner, which the classifier will own.
            images: see `EpisodicModel.adapt`.
            labels: `n` integers or names; None where `images` bring them along.
            class_names: optional list of names.
            invert: bool, True for dark ink on white paper where the learner was
                trained on ink = 1.
            value_range: optional pair, the values of float pictures that stand for
                black and white; `(0, 255)` for
                `keras.utils.image_dataset_from_directory`.
            unknown_threshold: float, see the class.
            leave_one_out: bool, whether to ask about each example a classifier of the
                others; what that tells is in `classifier.leave_one_out`.
            false_reject_rate: optional float, the share of examples of known classes
                that may be called "unknown". Probabilities and threshold are then
                calibrated by leaving out each example; what that is worth is in
                `classifier.calibration`. With one example of each class it is the
                learner's `base_calibration`.
            negatives: optional images of no class in any form, such as a folder, by
                which false accepts are counted; otherwise they are by leaving out each
                class.
            expansion: optional `layers.augmentation.SupportExpansion`, whose augmented
                copies are learned as well.
            verbose: 0 or 1, whether to show a progress bar.
            name: optional string.
            base_calibration: optional `BaseCalibration`.
            resize: how images of another aspect ratio are brought to the learner's
                size, see `ImagePreprocessing`: `"stretch"`, `"crop"` or `"pad"`.

        Returns:
            A compiled `FewShotClassifier`.

        Raises:
            ValueError: if labels and images do not go together, or a class has no
                example.
        """
        return classifier_of_examples(
            cls,
            learner,
            images,
            labels,
            class_names,
            invert=invert,
            value_range=value_range,
            unknown_threshold=unknown_threshold,
            leave_one_out=leave_one_out,
            false_reject_rate=false_reject_rate,
            negatives=negatives,
            expansion=expansion,
            verbose=verbose,
            name=name,
            base_calibration=base_calibration,
            resize=resize,
        )

    def predict_classes(self, images):
        """Names the class of each picture.

        Args:
            images: images in any form that `EpisodicModel.adapt` takes, without
                labels; those of a Dataset or a table are not used. Of a folder, all
                images in it are taken, nested ones too.

        Returns:
            A list of `ClassPrediction`, one for each image in the order given.

        Raises:
            ValueError: if an image cannot be read, with its name or index.
                `predict_files` leaves such images out.
        """
        found, size = [], self._batch_size
        with self._snapshots.pinned():
            for items in inputs.batches_of(images, self.preprocessing, size):
                found.extend(self.named(items))
        return found

    def predict_files(self, paths):
        """Predicts the class of each image file, and leaves out what cannot be read.

        Args:
            paths: images in any form, see `predict_classes`: a list of files or a
                folder, for example.

        Returns:
            Two lists: pairs `(path, ClassPrediction)`, and pairs `(path, reason)` of
            the files that cannot be read. An image that is no file has its index in
            the place of a path.

        Raises:
            ValueError: if the classifier is not one of images.
        """
        if self.preprocessing is None:
            raise ValueError(
                f"This classifier takes items of shape {self.learner.item_shape}, no "
                f"images: call `predict_classes` with an array of them."
            )
        found, skipped, sources = [], [], []
        with self._snapshots.pinned():
            for items, rows in inputs.file_batches(
                paths, self.preprocessing, self._batch_size, skipped, sources
            ):
                named = zip(rows, self.named(items), strict=True)
                found.extend((sources[i], prediction) for i, prediction in named)
        return found, skipped

    def add_class(self, class_name, images):
        """Adds a class from its examples, with no training.

        Where the learner is `"exact"`, the state of the other classes stays the same
        to the bit.

        Args:
            class_name: string, a new name; an integer is written in digits.
            images: its examples in any form, without labels: a list of images, one
                image, a folder whose images are taken, nested ones too. Files that
                cannot be read are left out, with a warning that names them.

        Raises:
            ValueError: if the class is known already, the learner cannot add
                classes, its weights are no longer those that the other classes were
                learned with, or there is no example that can be read.
        """
        class_name = class_name_of(class_name)
        with self._snapshots.changing():
            if class_name in self.class_names:
                raise ValueError(
                    f"The class {class_name!r} is known already. Give it more examples "
                    f"with `update`."
                )
            check_growth(self)
            class_names = [*self.class_names, class_name]
            memory = self.learner.widen(self.task.memory, len(class_names))
            self._learn(class_names, memory, images, class_name)

    def update(self, class_name, images):
        """Gives a known class more examples; those it has seen count once.

        Args:
            class_name: string, a known class.
            images: further examples, as in `add_class`.
        """
        with self._snapshots.changing():
            class_name = known_name(self, class_name)
            check_fingerprint(self)
            self._learn(self.class_names, self.task.memory, images, class_name)

    def remove_class(self, class_name):
        """Forgets a class and its examples.

        Args:
            class_name: string, a known class.
        """
        with self._snapshots.changing():
            class_name = known_name(self, class_name)
            if len(self.class_names) == 1:
                raise ValueError(
                    f"{class_name!r} is the only class: nothing would be left."
                )
            check_growth(self)
            removed = self.class_names.index(class_name)
            kept = [i for i in range(len(self.class_names)) if i != removed]
            memory = self.learner.select(self.task.memory, np.asarray(kept))
            class_names = [self.class_names[i] for i in kept]
            self.know(class_names, memory, self.task.learned.of_classes(kept))

    def examples(self):
        """Lists the examples that the classifier was made of.

        The same image given twice for a class is listed once.

        Returns:
            A list of `LearnedExample`, each with an `id`, a `class_name` and a
            `source`: the file as given, or the index among the images as given.
        """
        with self._snapshots.changing():
            learned, names = self.task.learned, self.class_names
        return [
            LearnedExample(int(example_id), names[number], source)
            for example_id, number, source in zip(
                learned.ids, learned.classes, learned.sources, strict=True
            )
        ]

    def remove_example(self, example_id):
        """Forgets one example, as if the classifier had been made without it.

        Args:
            example_id: integer, the `id` of one of `examples()`.

        Raises:
            ValueError: if there is no such example, it is the last one of its class,
                or the features of the examples were not kept: those of very many
                examples are not, nor those of classifiers of earlier versions.
        """
        with self._snapshots.changing():
            change_example(self, example_id)

    def relabel(self, example_id, class_name):
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

    def add_classes_from(self, other):
        """Takes over the classes that another classifier of the same learner knows.

        Args:
            other: a `FewShotClassifier` with other class names.

        Raises:
            ValueError: if the learners' weights differ, the classifiers invert or
                resize images in different ways, or a class is known already.
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

    def _learn(self, class_names, memory, images, class_name):
        """Adds examples of one class to a memory and takes it as its own."""
        labelled = inputs.Examples(images, class_name, class_names, self.preprocessing)
        memory, examples = learn(
            self.learner,
            labelled.batches(self._batch_size),
            len(class_names),
            memory,
            self.task.learned,
            source=labelled.source,
        )
        self.know(class_names, memory, examples)

    @property
    def _batch_size(self):
        return inputs.batch_size(self.learner.item_shape)
