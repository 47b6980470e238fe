"""A learner with the state of one task: what is saved, shipped and asked."""

import dataclasses

import keras
import numpy as np
from keras import ops

from fsl_keras import inputs
from fsl_keras.estimates.calibration import Calibration
from fsl_keras.estimates.leave_one_out import leave_one_out as estimate
from fsl_keras.estimates.nested import calibrate
from fsl_keras.estimates.support_set import SupportSet
from fsl_keras.files import SavesBeside
from fsl_keras.layers import PicturePreprocessing
from fsl_keras.predictions import UNKNOWN, ClassPrediction
from fsl_keras.progress import Progress
from fsl_keras.task_weights import TaskWeights, fingerprint_of, learn

__all__ = ["UNKNOWN", "ClassPrediction", "FewShotClassifier", "fingerprint_of"]


# Estimates are made of so many examples at most, the first ones of each class: what is
# kept of them must not fill the memory.
MOST_ESTIMATED = 10_000


@keras.saving.register_keras_serializable(package="fsl_keras")
class FewShotClassifier(SavesBeside, keras.Model):
    """A Keras model from raw pictures to the probabilities of the classes it knows.

    Made by `learner.adapt(images, labels)`. It owns its learner, the memory and the
    state of one task as weights, and the preprocessing of pictures, so it can be
    saved, exported and asked by itself; classes and examples can be added to it.
    The answer for a picture does not depend on the other pictures of its batch.

    Args:
        learner: an uncompiled learner of its own.
        class_names: list of strings.
        preprocessing: optional `PicturePreprocessing`; None where items are no
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

    def __init__(
        self,
        learner,
        class_names,
        preprocessing=None,
        unknown_threshold=0.0,
        calibration=None,
        spec=None,
        fingerprint=None,
        name=None,
        **kwargs,
    ):
        # In float32 under every policy: the learner has policies of its own.
        super().__init__(name=name, **{"dtype": "float32", **kwargs})
        self.learner = learner
        self.learner.trainable = False
        self.class_names = list(class_names)
        self.preprocessing = preprocessing
        self.unknown_threshold = float(unknown_threshold)
        self.calibration = calibration
        self.leave_one_out = None
        self.fingerprint = fingerprint
        self.task = TaskWeights(spec)
        self.built = True
        self.compile(
            optimizer=None,
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=False,
        )

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
    ):
        """Makes a classifier of the classes of some examples.

        The same picture given twice for a class counts once. Files that cannot be
        read are left out, with a warning that names them.

        Args:
            learner: an uncompiled learner, which the classifier will own.
            images: see `EpisodicModel.adapt`.
            labels: `n` integers or names; None for a Dataset or a folder.
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
            negatives: optional examples of no class, by which false accepts are
                counted; otherwise they are by leaving out each class.
            expansion: optional `layers.augmentation.SupportExpansion`, whose augmented
                copies are learned as well.
            verbose: 0 or 1, whether to show a progress bar.
            name: optional string.
            base_calibration: optional `BaseCalibration`.

        Returns:
            A compiled `FewShotClassifier`.

        Raises:
            ValueError: if labels and images do not go together, or a class has no
                example.
        """
        if not hasattr(learner, "score"):
            raise ValueError(f"`learner` must be a learner. Received: {learner!r}")
        if learner.kind == "transductive":
            raise ValueError(
                "A classifier answers for each item alone, and this learner by the "
                "other queries: call `learner.adapt`, which takes a copy that does not "
                "or says what to do."
            )
        preprocessing = None
        if len(learner.item_shape) == 3:
            *size, channels = learner.item_shape
            preprocessing = PicturePreprocessing(size, channels, invert, value_range)
        labelled = inputs.Examples(images, labels, class_names, preprocessing)
        class_names = labelled.class_names
        support = None
        if leave_one_out or false_reject_rate is not None:
            support = SupportSet(most=max(2, MOST_ESTIMATED // len(class_names)))
        batches = labelled.batches(inputs.batch_size(learner.item_shape))
        if verbose:
            batches = _with_progress(batches, len(labelled))
        memory, examples = learn(
            learner, batches, len(class_names), support=support, expansion=expansion
        )
        present = {number for _, number in examples}
        empty = [c for number, c in enumerate(class_names) if number not in present]
        if empty:
            raise ValueError(
                f"The classes {empty} have no example that can be read. Give them one "
                f"or leave them out of `class_names`."
            )
        classifier = cls(
            learner,
            class_names,
            preprocessing,
            unknown_threshold,
            fingerprint=fingerprint_of(learner),
            name=name,
        )
        classifier._know(class_names, memory, examples)
        if leave_one_out:
            classifier.leave_one_out = estimate(learner, support, class_names)
        if false_reject_rate is not None:
            classifier.calibration = classifier._calibrated(
                support, false_reject_rate, negatives, base_calibration
            )
        return classifier

    def call(self, images, training=None):
        del training
        if self.preprocessing is not None:
            images = self.preprocessing(images)
        return self.classify(images)

    def classify(self, items):
        """Returns the probabilities `[B, N]` of items that are preprocessed."""
        return self.probabilities(self.logits(items))

    def logits(self, items):
        """Returns the logits `[B, N]` of items that are preprocessed."""
        logits = self.learner.score(self.task.state, items[None])[0]
        return ops.cast(logits, "float32")

    def probabilities(self, logits):
        """Returns the calibrated probabilities of logits `[B, N]`."""
        if self.calibration is not None:
            logits = logits / self.calibration.temperature
        # `ops.softmax` warns of a single class.
        return ops.exp(ops.log_softmax(logits, axis=-1))

    def is_known(self, logits):
        """Says which of logits `[B, N]` are not called "unknown", a bool `[B]`."""
        known = ops.max(self.probabilities(logits), axis=-1) >= self.unknown_threshold
        least = self.calibration and self.calibration.least_logit
        if least is not None:
            known = ops.logical_and(known, ops.max(logits, axis=-1) >= least)
        return known

    def predict_classes(self, images):
        """Names the class of each picture.

        Args:
            images: array `[n, H, W, C]`, list of arrays of different sizes, or list
                of file paths.

        Returns:
            A list of `ClassPrediction`.

        Raises:
            ValueError: if a picture cannot be read, with its name.
        """
        found = []
        for items in inputs.batches_of(images, self.preprocessing, self._batch_size):
            found.extend(self._named(items))
        return found

    def predict_files(self, paths):
        """Names the class of each picture file, and leaves out what is none.

        Args:
            paths: list of files.

        Returns:
            Two lists: pairs `(path, ClassPrediction)`, and pairs `(path, reason)` of
            the files that cannot be read.

        Raises:
            ValueError: if the classifier is not one of pictures.
        """
        if self.preprocessing is None:
            raise ValueError(
                f"This classifier takes items of shape {self.learner.item_shape}, no "
                f"pictures: call `predict_classes` with an array of them."
            )
        found, skipped = [], []
        for items, rows in inputs.file_batches(
            paths, self.preprocessing, self._batch_size, skipped
        ):
            found.extend(
                (paths[i], p) for i, p in zip(rows, self._named(items), strict=True)
            )
        return found, skipped

    @property
    def value_range(self):
        """The values of float pictures that stand for black and white."""
        return self.preprocessing.value_range

    @value_range.setter
    def value_range(self, value_range):
        self.preprocessing.value_range = value_range and tuple(value_range)
        self._forget_functions()

    def add_class(self, class_name, images):
        """Adds a class from its examples, with no training.

        Where the learner is `"exact"`, the state of the other classes stays the same
        to the bit.

        Args:
            class_name: string, a new name.
            images: its examples, as in `predict_classes`; files that cannot be read
                are left out, with a warning that names them.

        Raises:
            ValueError: if the class is known already, the learner cannot add
                classes, its weights are no longer those that the other classes were
                learned with, or there is no example that can be read.
        """
        if class_name in self.class_names:
            raise ValueError(
                f"The class {class_name!r} is known already. Give it more examples "
                f"with `update`."
            )
        self._check_growth()
        class_names = [*self.class_names, class_name]
        memory = self.learner.widen(self.task.memory, len(class_names))
        self._learn(class_names, memory, images, class_name)

    def update(self, class_name, images):
        """Gives a known class more examples; those it has seen count once.

        Args:
            class_name: string, a known class.
            images: further examples, as in `add_class`.
        """
        self._check_known(class_name)
        self._check_fingerprint(fingerprint_of(self.learner))
        self._learn(self.class_names, self.task.memory, images, class_name)

    def remove_class(self, class_name):
        """Forgets a class and its examples.

        Args:
            class_name: string, a known class.
        """
        self._check_known(class_name)
        if len(self.class_names) == 1:
            raise ValueError(
                f"{class_name!r} is the only class: nothing would be left."
            )
        self._check_growth()
        removed = self.class_names.index(class_name)
        kept = [i for i in range(len(self.class_names)) if i != removed]
        memory = self.learner.select(self.task.memory, np.asarray(kept))
        examples = [(d, kept.index(c)) for d, c in self.task.examples if c != removed]
        self._know([self.class_names[i] for i in kept], memory, examples)

    def add_classes_from(self, other):
        """Takes over the classes that another classifier of the same learner knows.

        Args:
            other: a `FewShotClassifier` with other class names.

        Raises:
            ValueError: if the learners' weights differ, one inverts pictures and the
                other does not, or a class is known already.
        """
        self._check_growth()
        self._check_fingerprint(other.fingerprint)
        inverts = [c.preprocessing and c.preprocessing.invert for c in (self, other)]
        if inverts[0] != inverts[1]:
            raise ValueError(
                "One classifier was made with `invert=True` and the other without: "
                "their examples cannot be compared. Call `adapt` of the learner with "
                "the same `invert` for both."
            )
        both = [name for name in other.class_names if name in self.class_names]
        if both:
            raise ValueError(
                f"The classes {both} are known already; remove them first."
            )
        mine, theirs = len(self.class_names), len(other.class_names)
        behind_mine = np.r_[theirs : theirs + mine, :theirs]
        more = self.learner.widen(other.task.memory, mine + theirs)
        more = self.learner.select(more, behind_mine)
        memory = self.learner.widen(self.task.memory, mine + theirs)
        self._know(
            [*self.class_names, *other.class_names],
            self.learner.merge(memory, more),
            self.task.examples + [(d, c + mine) for d, c in other.task.examples],
        )

    def export(self, filepath, format="tf_saved_model", image_size=None):
        """Exports the classifier for use without Keras and this package.

        - `"tf_saved_model"`: a folder that needs TensorFlow. Three endpoints return
          `probabilities` `[B, N]`, `class_index` `[B]`, `known` `[B]` (False where
          the answer is "unknown") and `class_name` `[B]`: `serve` takes uint8
          pictures of any size, `serve_float` float32 ones in [0, 1], and
          `serve_bytes` the contents of JPEG, PNG, GIF, BMP or WebP files.
        - `"litert"`: a `.tflite` file that takes one picture, uint8
          `images` `[1, height, width, channels]`, and returns `probabilities`,
          `class_index` and `known`. The names of the classes are in it as
          `labels.txt`, which any program for ZIP archives reads.
        - `"onnx"`: an `.onnx` file that takes `images` `[B, height, width,
          channels]` and returns the same; its metadata has `labels`, a name a line.
          Needs `pip install "fsl-keras[onnx]"`.

        Inversion is in every one. A classifier of other items has `serve` alone, or
        an input `items` in the place of `images`.

        Args:
            filepath: path of the folder or file to write; it is replaced whole.
            format: `"tf_saved_model"`, `"litert"` or `"onnx"`.
            image_size: optional `(height, width)` in pixels of the pictures that a
                LiteRT or ONNX file takes, and resizes as `predict` does. By default
                they must have the size of the classifier's own `preprocessing`.

        Raises:
            ValueError: if there is no such format, the file's name belongs to
                another one, or the classifier cannot be written in it.
            ImportError: if the format needs a package that is not installed.
        """
        from fsl_keras.exporting import export

        export(self, filepath, format, image_size)

    def get_config(self):
        serialize = keras.saving.serialize_keras_object
        return {
            "learner": serialize(self.learner),
            "class_names": self.class_names,
            "preprocessing": self.preprocessing and serialize(self.preprocessing),
            "unknown_threshold": self.unknown_threshold,
            "calibration": self.calibration and dataclasses.asdict(self.calibration),
            "spec": self.task.spec,
            "fingerprint": self.fingerprint,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        for part in ("learner", "preprocessing"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        if config.get("calibration"):
            config["calibration"] = Calibration(**config["calibration"])
        return cls(**config)

    def compile_from_config(self, config):
        """Compiles the classifier as it was when it was saved."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def _named(self, items):
        """Returns a `ClassPrediction` for each of items that are preprocessed."""
        features = ops.convert_to_tensor(self.learner.features(items)[None])
        logits = self.learner.score_features(self.task.state, features)[0]
        logits = ops.cast(logits, "float32")
        rows = ops.convert_to_numpy(self.probabilities(logits))
        known = ops.convert_to_numpy(self.is_known(logits))
        return [
            ClassPrediction.of(row, self.class_names, bool(is_known))
            for row, is_known in zip(rows, known, strict=True)
        ]

    def _learn(self, class_names, memory, images, class_name):
        """Adds examples of one class to a memory and takes it as its own."""
        labelled = inputs.Examples(
            images, str(class_name), class_names, self.preprocessing
        )
        batches, known = labelled.batches(self._batch_size), self.task.examples
        memory, known = learn(self.learner, batches, len(class_names), memory, known)
        self._know(class_names, memory, known)

    def _calibrated(self, support, false_reject_rate, negatives, base_calibration):
        """Returns a `Calibration` by the examples, or that of base classes."""
        single = len(support) == len(self.class_names)
        if single and base_calibration is not None:
            return base_calibration.at(false_reject_rate)
        if negatives is not None:
            negatives = inputs.Examples(negatives, UNKNOWN, None, self.preprocessing)
            batches = negatives.batches(self._batch_size)
            found = [self.learner.features(items) for items, *_ in batches]
            negatives = np.concatenate(found)
        return calibrate(
            self.learner, support, len(self.class_names), false_reject_rate, negatives
        )

    def _know(self, class_names, memory, examples):
        """Takes classes, the memory of them and the state prepared from it."""
        self.task.replace(memory, self.learner.prepare(memory), examples)
        self.class_names = list(class_names)
        self._forget_functions()

    @property
    def _batch_size(self):
        return inputs.batch_size(self.learner.item_shape)

    def _forget_functions(self):
        # Compiled functions would go on with the old weights.
        self.train_function = self.test_function = self.predict_function = None

    def _check_known(self, class_name):
        if class_name not in self.class_names:
            raise ValueError(
                f"There is no class {class_name!r}. Known classes: {self.class_names}."
            )

    def _check_growth(self):
        if self.learner.incremental == "fixed_ways":
            raise ValueError(
                f"{type(self.learner).__name__} was made for a fixed number of "
                f"classes. Call `adapt` of the learner with the examples of all of "
                f"them."
            )
        self._check_fingerprint(fingerprint_of(self.learner))

    def _check_fingerprint(self, fingerprint):
        if fingerprint != self.fingerprint:
            raise ValueError(
                "The weights of the backbone are not those that these classes were "
                "learned with, so their examples cannot be compared. Call `adapt` of "
                "the learner with the examples of all classes."
            )


def _with_progress(batches, total):
    """Yields batches of examples under a progress bar."""
    with Progress(total, "images") as progress:
        for items, numbers, rows in batches:
            yield items, numbers, rows
            progress.update(int(rows[-1]) + 1)
