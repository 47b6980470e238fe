"""The Keras model under a classifier: from images to probabilities."""

import dataclasses

import keras
from keras import ops

from fsl_keras.classifier.predictions import ClassPrediction
from fsl_keras.classifier.snapshots import Snapshot, Snapshots
from fsl_keras.classifier.task_weights import TaskWeights
from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.files import SavesBeside
from fsl_keras.model_selection.calibration import Calibration
from fsl_keras.presets import HasPresets


class ClassifierModel(HasPresets, ReadsUntuned, SavesBeside, keras.Model):
    """Base of `FewShotClassifier`: its answers and its file, without its growth.

    Threads may predict while another one changes the classes: each prediction is that
    of before the change or of after it.

    Args:
        learner: an uncompiled learner of its own.
        class_names: list of strings.
        preprocessing: optional `PicturePreprocessing`.
        unknown_threshold: float from 0 to 1.
        calibration: optional `Calibration`.
        spec: optional dictionary, the `spec` of `TaskWeights`.
        fingerprint: string, the fingerprint of the learner's weights.
        name: optional string.
    """

    _snapshots = None

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
        self.preprocessing = preprocessing
        self.unknown_threshold = unknown_threshold
        self.calibration = calibration
        self.leave_one_out = None
        self.fingerprint = fingerprint
        self.task = TaskWeights(spec)
        self._snapshots = Snapshots(self._snapshot(class_names))
        self.built = True
        self.compile()

    @property
    def class_names(self):
        """The names of the classes, a list of strings in the order of outputs."""
        return self._snapshots.current.class_names

    @class_names.setter
    def class_names(self, class_names):
        self._snapshots.latest = self._snapshot(class_names)

    def _snapshot(self, class_names):
        return Snapshot(list(class_names), self.task.variables_of_state)

    @property
    def unknown_threshold(self):
        """The probability below which `predict_classes` answers "unknown"."""
        return self._unknown_threshold

    @unknown_threshold.setter
    def unknown_threshold(self, unknown_threshold):
        self._unknown_threshold = checked_threshold(unknown_threshold)

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
        logits = self.learner.score(self._snapshots.current.state, items[None])[0]
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

    @property
    def value_range(self):
        """The values of float pictures that stand for black and white."""
        return self.preprocessing.value_range

    @value_range.setter
    def value_range(self, value_range):
        self.preprocessing.value_range = value_range and tuple(value_range)
        # Compiled functions would go on with the old range.
        self.class_names = self.class_names

    def compile(
        self,
        optimizer=None,
        loss="sparse_categorical_crossentropy",
        loss_weights=None,
        metrics=("accuracy",),
        jit_compile=False,
        **kwargs,
    ):
        """Configures `evaluate`, as `keras.Model.compile` does.

        Args:
            optimizer: None, as a classifier is not trained.
            loss: a loss of probabilities, or its name.
            loss_weights: see `keras.Model.compile`.
            metrics: list of metrics, or their names.
            jit_compile: bool, whether to use XLA.
            **kwargs: further arguments of `keras.Model.compile`.

        Raises:
            ValueError: if there is an optimizer.
        """
        if optimizer is not None:
            raise ValueError(
                f"A classifier has nothing to train: compile it without an optimizer. "
                f"{_LEARNS_BY} Received: optimizer={optimizer!r}"
            )
        if isinstance(metrics, tuple):
            metrics = list(metrics)
        super().compile(
            optimizer=None,
            loss=loss,
            loss_weights=loss_weights,
            metrics=metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def compile_from_config(self, config):
        """Compiles the classifier as it was when it was saved."""
        config = keras.saving.deserialize_keras_object(config)
        # Earlier versions took an optimizer, which had no effect.
        self.compile(**{**config, "optimizer": None})

    def fit(self, *args, **kwargs):
        """Refused: a classifier learns by `update` and `add_class`."""
        raise ValueError(f"A classifier is not trained by `fit`. {_LEARNS_BY}")

    def train_on_batch(self, *args, **kwargs):
        """Refused: a classifier learns by `update` and `add_class`."""
        raise ValueError(
            f"A classifier is not trained by `train_on_batch`. {_LEARNS_BY}"
        )

    def predict(self, *args, **kwargs):
        """Returns probabilities `[n, N]`, as `keras.Model.predict` does."""
        with self._snapshots.pinned():
            return super().predict(*args, **kwargs)

    def predict_on_batch(self, *args, **kwargs):
        """Returns probabilities, as `keras.Model.predict_on_batch` does."""
        with self._snapshots.pinned():
            return super().predict_on_batch(*args, **kwargs)

    def evaluate(self, *args, **kwargs):
        """Returns loss and metrics, as `keras.Model.evaluate` does."""
        with self._snapshots.pinned():
            return super().evaluate(*args, **kwargs)

    def test_on_batch(self, *args, **kwargs):
        """Returns loss and metrics, as `keras.Model.test_on_batch` does."""
        with self._snapshots.pinned():
            return super().test_on_batch(*args, **kwargs)

    # What Keras compiles reads the variables of one snapshot, and belongs to it.

    @property
    def predict_function(self):
        return self._compiled("predict")

    @predict_function.setter
    def predict_function(self, function):
        self._keep_compiled("predict", function)

    @property
    def test_function(self):
        return self._compiled("test")

    @test_function.setter
    def test_function(self, function):
        self._keep_compiled("test", function)

    def _compiled(self, name):
        return self._snapshots and self._snapshots.current.functions.get(name)

    def _keep_compiled(self, name, function):
        # Keras sets it before there is a snapshot.
        if self._snapshots:
            self._snapshots.current.functions[name] = function

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the classifier as `keras.Model.save` does, never half changed."""
        with self._snapshots.changing():
            super().save(filepath, overwrite, zipped, **kwargs)

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
        from fsl_keras.classifier.exporting import export

        with self._snapshots.changing():
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

    def know(self, class_names, memory, examples):
        """Takes classes, the memory of them and the state prepared from it.

        Args:
            class_names: list of strings.
            memory: the learner's memory, a dictionary of tensors `[1, ...]`.
            examples: `LearnedExamples` in the memory.
        """
        self.task.replace(memory, self.learner.prepare(memory), examples)
        self.class_names = class_names

    def named(self, items):
        """Returns a `ClassPrediction` for each of items that are preprocessed."""
        snapshot = self._snapshots.current
        features = ops.convert_to_tensor(self.learner.features(items)[None])
        logits = self.learner.score_features(snapshot.state, features)[0]
        logits = ops.cast(logits, "float32")
        rows = ops.convert_to_numpy(self.probabilities(logits))
        known = ops.convert_to_numpy(self.is_known(logits))
        return [
            ClassPrediction.of(row, snapshot.class_names, bool(is_known))
            for row, is_known in zip(rows, known, strict=True)
        ]


_LEARNS_BY = (
    "It learns from further images by `update` and `add_class`, and a learner is "
    "trained before its `adapt` makes a classifier."
)


def checked_threshold(unknown_threshold):
    """Returns a threshold as a float; refuses what is not a probability."""
    if not 0 <= unknown_threshold <= 1:
        raise ValueError(
            f"`unknown_threshold` is a probability from 0 to 1, such as 0.9 for 90 %. "
            f"Received: {unknown_threshold!r}"
        )
    return float(unknown_threshold)
