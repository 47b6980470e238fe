"""The Keras model under a classifier: from images to probabilities."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from fsl_keras import inputs
from fsl_keras.classifier.class_scores import ClassScores
from fsl_keras.classifier.holds_many import HoldsManyClasses
from fsl_keras.classifier.predictions import (
    ClassPrediction,
    check_top,
    predict_elements,
)
from fsl_keras.classifier.predicts_sets import PredictsSets
from fsl_keras.classifier.snapshots import PredictsFromSnapshots, Snapshot, Snapshots
from fsl_keras.classifier.takes_texts import TakesTexts
from fsl_keras.classifier.task_weights import TaskWeights
from fsl_keras.classifier.untrained import Untrained
from fsl_keras.classifier.weights_watch import WeightsWatch
from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.files import SavesBeside
from fsl_keras.layers.softmax import softmax
from fsl_keras.model_selection import Calibration, LeaveOneOutReport
from fsl_keras.presets import HasPresets
from fsl_keras.typing import Model, Path, Tensor


class ClassifierModel(  # type: ignore[misc]
    HoldsManyClasses,
    Untrained,
    TakesTexts,
    PredictsSets,
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
        self.weights_watch = WeightsWatch(self.learner)
        self.class_scores = ClassScores(self.learner)
        self.task = TaskWeights(spec, self._loaded)
        self._snapshots = Snapshots(
            Snapshot(list(class_names), self.task.rows_of_state)
        )
        self.built = True
        self.compile()

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, a list of strings in the order of outputs."""
        return self._snapshots.current.class_names

    @class_names.setter
    def class_names(self, class_names: Sequence[str]) -> None:
        self._now_knows(class_names, self._snapshots.current.index)

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
        snapshot, learner = self._snapshots.current, self.learner
        if self.class_scores.parts(snapshot) == 1:
            logits = learner.score(snapshot.state, items[None])[0]
        else:
            logits = self.class_scores.logits(snapshot, learner.embed(items[None]))
        return ops.cast(logits, "float32")

    def probabilities(self, logits: Tensor) -> Tensor:
        """Returns the calibrated probabilities of logits `[B, N]`."""
        if self.calibration is not None:
            logits = logits / self.calibration.temperature
        return softmax(logits)

    def is_known(self, logits: Tensor) -> Tensor:
        """Returns which logits `[B, N]` are not rejected as "unknown", a bool `[B]`."""
        return self.accepts(
            ops.max(self.probabilities(logits), axis=-1), ops.max(logits, axis=-1)
        )

    def accepts(self, probability: Tensor, logit: Tensor) -> Tensor:
        """Returns which predictions are not rejected as "unknown", a bool `[B]`.

        Args:
            probability: float32 `[B]`, the probability of the most probable class.
            logit: float32 `[B]`, its logit.
        """
        known = probability >= self.unknown_threshold
        least = self.calibration and self.calibration.least_logit
        return known if least is None else ops.logical_and(known, logit >= least)

    def predict_classes(
        self, images: Any, top: int | None = None
    ) -> list[ClassPrediction]:
        """Predicts the class of each image or text, as a name with probabilities.

        Args:
            images: images or texts in any form that `EpisodicModel.adapt` takes,
                without labels; those of a Dataset or a table are ignored. Of a folder,
                all images are taken, also in nested folders. For a classifier of texts
                a string is a text, and a `pathlib.Path` the file of a table or a `.txt`
                file with a text per line.
            top: optional integer, the number of the most probable classes that a
                prediction has in its `probabilities`, the most probable first. By
                default it has all classes, in their order. With many thousands of
                classes `top` is much faster.

        Returns:
            A list of `ClassPrediction`, one per item in the given order. For an array
            of probabilities, use `predict`.

        Raises:
            ValueError: if an image cannot be read, with its name or index; use
                `predict_files` to skip such images. Or if `top` is below 1, or above
                the number of classes.
        """
        with self.pinned():
            check_top(top, len(self.class_names))
            elements = inputs.Elements.unlabeled(images, self.item_kind)
            return predict_elements(self, elements, False, top).predictions

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
        # Compiled functions hold the old range.
        self.class_names = self.class_names

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

    def get_weights(self) -> list:
        """Returns the weights of the learner, then the arrays of the classes."""
        return [*super().get_weights(), *self.task.get_weights()]

    def set_weights(self, weights: Sequence) -> None:
        """Replaces all that `get_weights` returns, of a classifier of equal config."""
        count = len(self.weights)
        super().set_weights(weights[:count])
        self.task.set_weights(weights[count:])

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


def checked_threshold(unknown_threshold: float) -> float:
    """Returns a threshold as a float; raises an error if it is not in [0, 1]."""
    if not 0 <= unknown_threshold <= 1:
        raise ValueError(
            f"`unknown_threshold` is a probability from 0 to 1, such as 0.9 for 90 %. "
            f"Received: unknown_threshold={unknown_threshold!r}"
        )
    return float(unknown_threshold)
