"""The Keras model under a classifier: from images to probabilities."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fsl_keras import inputs
from fsl_keras.classifier.predictions import ClassPrediction, predict_elements
from fsl_keras.classifier.snapshots import PredictsFromSnapshots, Snapshot, Snapshots
from fsl_keras.classifier.takes_texts import TakesTexts
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.classifier.task_weights import TaskWeights
from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.files import SavesBeside
from fsl_keras.layers.softmax import softmax
from fsl_keras.model_selection import Calibration, LeaveOneOutReport
from fsl_keras.presets import HasPresets
from fsl_keras.typing import Model, Nested, Path, Tensor


class ClassifierModel(  # type: ignore[misc]
    TakesTexts,
    PredictsFromSnapshots,
    HasPresets,
    ReadsUntuned,
    SavesBeside,
    keras.Model,
):
    """Base of `FewShotClassifier`: prediction, saving and export.

    Threads may predict while another one changes the classes: each prediction uses the
    classes from before the change, or those from after it.

    Args:
        learner: an uncompiled learner of its own.
        class_names: list of strings.
        preprocessing: optional `ImagePreprocessing`.
        unknown_threshold: float from 0 to 1.
        calibration: optional `Calibration`.
        spec: optional dictionary, the `spec` of `TaskWeights`.
        fingerprint: string, the fingerprint of the learner's weights.
        name: optional string.
    """

    def __init__(
        self,
        learner: Model,
        class_names: Sequence[str],
        preprocessing: Model = None,
        unknown_threshold: float = 0.0,
        calibration: Calibration | None = None,
        spec: dict | None = None,
        fingerprint: str | None = None,
        name: str | None = None,
        **kwargs,
    ):
        # In float32 under every policy: the learner has policies of its own.
        super().__init__(name=name, **{"dtype": "float32", **kwargs})
        self.learner = learner
        self.learner.trainable = False
        self.preprocessing = preprocessing
        self.unknown_threshold = unknown_threshold
        self.calibration = calibration
        self.leave_one_out: LeaveOneOutReport | None = None
        self.fingerprint = fingerprint
        self.task = TaskWeights(spec)
        self._snapshots = Snapshots(self._snapshot(class_names))
        self.built = True
        self.compile()

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, a list of strings in the order of outputs."""
        return self._snapshots.current.class_names

    @class_names.setter
    def class_names(self, class_names: Sequence[str]) -> None:
        self._snapshots.latest = self._snapshot(class_names)

    def _snapshot(self, class_names):
        return Snapshot(list(class_names), self.task.variables_of_state)

    @property
    def unknown_threshold(self) -> float:
        """The probability below which `predict_classes` predicts "unknown"."""
        return self._unknown_threshold

    @unknown_threshold.setter
    def unknown_threshold(self, unknown_threshold: float) -> None:
        self._unknown_threshold = checked_threshold(unknown_threshold)

    def call(self, images: Tensor, training: bool | None = None) -> Tensor:
        del training
        if self.preprocessing is not None:
            images = self.preprocessing(images)
        return self.classify(images)

    def classify(self, items: Tensor) -> Tensor:
        """Returns the probabilities `[B, N]` of preprocessed items."""
        return self.probabilities(self.logits(items))

    def logits(self, items: Tensor) -> Tensor:
        """Returns the logits `[B, N]` of preprocessed items."""
        logits = self.learner.score(self.state, items[None])[0]
        return ops.cast(logits, "float32")

    def probabilities(self, logits: Tensor) -> Tensor:
        """Returns the calibrated probabilities of logits `[B, N]`."""
        if self.calibration is not None:
            logits = logits / self.calibration.temperature
        return softmax(logits)

    def is_known(self, logits: Tensor) -> Tensor:
        """Returns which logits `[B, N]` are not rejected as "unknown", a bool `[B]`."""
        known = ops.max(self.probabilities(logits), axis=-1) >= self.unknown_threshold
        least = self.calibration and self.calibration.least_logit
        if least is not None:
            known = ops.logical_and(known, ops.max(logits, axis=-1) >= least)
        return known

    def predict_classes(self, images: Any) -> list[ClassPrediction]:
        """Predicts the class of each image or text, as a name with probabilities.

        Args:
            images: images or texts in any form that `EpisodicModel.adapt` takes,
                without labels; those of a Dataset or a table are ignored. Of a folder,
                all images are taken, also in nested folders. For a classifier of texts
                a string is a text, and a `pathlib.Path` the file of a table or a `.txt`
                file with a text per line.

        Returns:
            A list of `ClassPrediction`, one per item in the given order. For an array
            of probabilities, use `predict`.

        Raises:
            ValueError: if an image cannot be read, with its name or index. Use
                `predict_files` to skip such images.
        """
        elements = inputs.Elements.unlabeled(images, self.item_kind)
        return predict_elements(self, elements, skip_errors=False).predictions

    def predict_files(
        self, paths: Any
    ) -> tuple[list[tuple[Any, ClassPrediction]], list[tuple[str, str]]]:
        """Predicts the class of each image file; unreadable files are skipped.

        Args:
            paths: images in any form, see `predict_classes`, such as a list of files or
                a folder.

        Returns:
            Two lists: pairs `(path, ClassPrediction)`, and pairs `(path, reason)` of
            the files that cannot be read. An image that is not a file has its index
            instead of a path.

        Raises:
            ValueError: if the items of the classifier are not images.
        """
        if self.item_kind != "image":
            raise ValueError(
                f"This classifier takes {inputs.noun_of(self.item_kind)}s, not images. "
                f"Call `predict_classes` with an array or a list of them."
            )
        found = predict_elements(self, inputs.Elements.unlabeled(paths))
        named = [
            (found.sources[row], prediction)
            for row, prediction in zip(found.rows, found.predictions, strict=True)
        ]
        return named, found.skipped

    @property
    def value_range(self) -> tuple[float, float] | None:
        """The values of black and white in float images."""
        return self.preprocessing.value_range

    @value_range.setter
    def value_range(self, value_range: tuple[float, float] | None) -> None:
        self.preprocessing.value_range = value_range and tuple(value_range)
        # A new snapshot, as compiled functions hold the old range.
        self.class_names = self.class_names

    def compile(
        self,
        optimizer: None = None,
        loss: Any = "sparse_categorical_crossentropy",
        loss_weights: Any = None,
        metrics: Sequence = ("accuracy",),
        jit_compile: bool = False,
        **kwargs,
    ) -> None:
        """Configures `evaluate`, as `keras.Model.compile` does.

        Args:
            optimizer: None: a classifier is not trained.
            loss: a loss of probabilities, or its name.
            loss_weights: see `keras.Model.compile`.
            metrics: list of metrics, or their names.
            jit_compile: bool, whether to use XLA.
            **kwargs: further arguments of `keras.Model.compile`.

        Raises:
            ValueError: if `optimizer` is not None.
        """
        if optimizer is not None:
            raise ValueError(
                f"A classifier is not trained: compile it without an optimizer. "
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

    def compile_from_config(self, config: dict) -> None:
        """Compiles the classifier as it was when it was saved."""
        config = keras.saving.deserialize_keras_object(config)
        # Earlier versions accepted an optimizer, which had no effect.
        self.compile(**{**config, "optimizer": None})

    def fit(self, *args, **kwargs) -> None:  # type: ignore[override]
        """Raises an error: a classifier learns by `update` and `add_class`."""
        raise ValueError(f"A classifier is not trained by `fit`. {_LEARNS_BY}")

    def train_on_batch(self, *args, **kwargs) -> None:
        """Raises an error: a classifier learns by `update` and `add_class`."""
        raise ValueError(
            f"A classifier is not trained by `train_on_batch`. {_LEARNS_BY}"
        )

    def save(
        self,
        filepath: Path,
        overwrite: bool = True,
        zipped: bool | None = None,
        **kwargs,
    ) -> None:
        """Saves the classifier as `keras.Model.save` does, between two changes."""
        with self._snapshots.changing():
            super().save(filepath, overwrite, zipped, **kwargs)

    def export(  # type: ignore[override]
        self,
        filepath: Path,
        format: str = "tf_saved_model",
        image_size: tuple[int, int] | None = None,
        runtime: Path | None = None,
    ) -> None:
        """Exports the classifier for use without Keras and this package.

        - `"tf_saved_model"`: a folder that needs TensorFlow. Three endpoints return
          `probabilities` `[B, N]`, `class_index` `[B]`, `known` `[B]` (False if the
          prediction is "unknown") and `class_name` `[B]`: `serve` takes uint8
          images of any size, `serve_float` float32 images in [0, 1], and
          `serve_bytes` the contents of JPEG, PNG, GIF, BMP or WebP files.
        - `"litert"`: a `.tflite` file that takes one image, uint8
          `images` `[1, height, width, channels]`, and returns `probabilities`,
          `class_index` and `known`. The file is also a ZIP archive with the class
          names in `labels.txt`.
        - `"onnx"`: an `.onnx` file that takes `images` `[B, height, width,
          channels]` and returns the same; its metadata has `labels`, one name per
          line. Needs `pip install "fsl-keras[onnx]"`.
        - `"web"`: a folder whose `index.html` runs the ONNX file in any browser, on
          pictures and on the camera, by onnxruntime-web; see docs/web.md.

        All of them invert images if the classifier does. A classifier of items that
        are not images has the endpoint `serve` only, or an input `items` in the place
        of `images`. That of texts takes strings `[B]` and is written as a SavedModel
        only; with a `SentenceEncoder`, a program imports `tensorflow_text` to load it.

        Args:
            filepath: path of the folder or file to write; an existing one is replaced.
            format: `"tf_saved_model"`, `"litert"`, `"onnx"` or `"web"`.
            image_size: optional `(height, width)` in pixels of the images that a
                LiteRT or ONNX file takes, and resizes as `predict` does. Default: the
                size of the classifier's own `preprocessing`.
            runtime: optional path of the unpacked package onnxruntime-web, which the
                folder of a web page will contain. Default: the page loads it from a
                public server each time.

        Raises:
            ValueError: if the format is unknown, the suffix of the file belongs to
                another format, or the classifier cannot be written in the format.
            ImportError: if the format needs a package that is not installed.
        """
        from fsl_keras.classifier.exporting import export

        with self._snapshots.changing():
            export(self, filepath, format, image_size, runtime)

    def get_config(self) -> dict:
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
    def from_config(cls, config: dict) -> "ClassifierModel":
        config = dict(config)
        for part in ("learner", "preprocessing"):
            config[part] = keras.saving.deserialize_keras_object(config[part])
        if config.get("calibration"):
            config["calibration"] = Calibration(**config["calibration"])
        return cls(**config)

    def know(
        self, class_names: Sequence[str], memory: Nested, examples: LearnedExamples
    ) -> None:
        """Replaces the classes, their memory and the state prepared from it.

        Args:
            class_names: list of strings.
            memory: the learner's memory, a dictionary of tensors `[1, ...]`.
            examples: `LearnedExamples` in the memory.
        """
        self.task.replace(memory, self.learner.prepare(memory), examples)
        self.class_names = class_names


_LEARNS_BY = (
    "It learns from further images by `update` and `add_class`, and a learner is "
    "trained before its `adapt` makes a classifier."
)


def checked_threshold(unknown_threshold: float) -> float:
    """Returns a threshold as a float; raises an error if it is not in [0, 1]."""
    if not 0 <= unknown_threshold <= 1:
        raise ValueError(
            f"`unknown_threshold` is a probability from 0 to 1, such as 0.9 for 90 %. "
            f"Received: unknown_threshold={unknown_threshold!r}"
        )
    return float(unknown_threshold)
