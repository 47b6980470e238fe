"""What all learners share: training, testing and adapting on episodes."""

import dataclasses
import json
import pathlib

import keras
import tensorflow as tf

from fsl_keras.classifier import FewShotClassifier
from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.files import SavesBeside
from fsl_keras.metrics import EpisodeAccuracy
from fsl_keras.model_selection.base_classes import BaseCalibration

# The asset of a saved learner that tells of its training.
ORIGIN = "origin.json"


class EpisodicModel(ReadsUntuned, SavesBeside, keras.Model):
    """Base of the models that learn from a support set to classify queries.

    A learner is three pure functions: `remember` keeps what is needed of the
    support set, `prepare` turns this memory into the state that classifies, and
    `score` gives the logits of queries. Calling the model on an episode batch is
    one after the other, so `fit`, `evaluate` and `predict` work on streams of
    episodes as on any other data.

    A subclass writes `remember`, `prepare`, `score`, `merge`, `widen`, `select`
    and `item_shape`, and sets `incremental` to `"exact"`, `"refit"` or
    `"fixed_ways"`. Reports state `kind` (inductive or transductive) and `batch_norm`,
    the statistics that normalize in evaluation.

    Call arguments:
        episode: dictionary of `support` `[T, S, *item]`, `support_labels` float32
            one-hot `[T, S, N]` and `query` `[T, M, *item]`.
        training: bool, whether batch normalization, dropout and the like train.

    Returns:
        Logits `[T, M, N]`.
    """

    incremental = "exact"
    kind = "inductive"
    batch_norm = "running"

    # What `adapt` calibrates by where there is one example of each class, a
    # `BaseCalibration`.
    base_calibration = None

    # The names of the classes it was trained on, by which reports tell an overlap.
    training_classes = None

    def remember(self, support, support_labels):
        """Keeps what is needed of a support set.

        Args:
            support: items `[T, S, *item]`.
            support_labels: one-hot float32 `[T, S, N]`, zeros at padding.

        Returns:
            The memory, a dictionary of tensors `[T, ...]`.
        """
        raise NotImplementedError

    def prepare(self, memory):
        """Turns a memory into the state that classifies, a dictionary of tensors."""
        raise NotImplementedError

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of queries `[T, M, *item]`."""
        raise NotImplementedError

    def merge(self, memory, more):
        """Joins the memories of two support sets over the same classes."""
        raise NotImplementedError

    # Whether the memory is the features of all examples, its `"support"`.
    memory_holds_features = False

    @property
    def takes_pictures(self):
        """Whether items are pictures `[height, width, channels]`."""
        return len(self.item_shape) == 3 and self.item_shape[-1] in (1, 3)

    def features(self, items):
        """Returns what the tasks make of items that is the same for every task.

        It is computed once for each item that is learned or asked about. Here it is
        the items themselves; learners with a backbone give their embeddings.

        Args:
            items: array `[n, *item]`.

        Returns:
            An array `[n, *feature]`.
        """
        return items

    def remember_features(self, features, support_labels):
        """Does what `remember` does, of features `[T, S, *feature]`."""
        return self.remember(features, support_labels)

    def score_features(self, state, features):
        """Does what `score` does, of features `[T, M, *feature]`."""
        return self.score(state, features)

    def adapt_state(self, support, support_labels):
        """Learns tasks from their support sets.

        Args:
            support: items `[T, S, *item]`.
            support_labels: one-hot float32 `[T, S, N]`, zeros at padding.

        Returns:
            The state, a dictionary of tensors `[T, ...]` for `score`.
        """
        return self.prepare(self.remember(support, support_labels))

    def call(self, episode, training=None):
        del training
        state = self.adapt_state(episode["support"], episode["support_labels"])
        return self.score(state, episode["query"])

    def compute_output_shape(self, episode_shape):
        return (*episode_shape["query"][:2], episode_shape["support_labels"][2])

    def compile(
        self,
        optimizer="auto",
        loss="auto",
        metrics="auto",
        weighted_metrics=None,
        jit_compile="auto",
        **kwargs,
    ):
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: an optimizer, or `"auto"` for Adam at a rate of 1e-3, unless
                the method has another.
            loss: a loss, or `"auto"` for the cross-entropy of the logits, averaged
                over the queries that are not padding.
            metrics: metrics, or `"auto"` for `EpisodeAccuracy`, which gives
                `accuracy` and `accuracy_ci95`.
            weighted_metrics: list of further metrics that see the sample weights.
            jit_compile: bool, or `"auto"` for XLA where a GPU is: on a CPU the
                plain graph is faster.
            **kwargs: further arguments of `keras.Model.compile`.
        """
        if isinstance(optimizer, str) and optimizer == "auto":
            optimizer = self.default_optimizer()
        if isinstance(loss, str) and loss == "auto":
            loss = self.default_loss()
        if isinstance(metrics, str) and metrics == "auto":
            metrics = None
            weighted_metrics = [*self.default_metrics(), *(weighted_metrics or [])]
        if jit_compile is True and not self.supports_jit:
            raise ValueError(
                f"{type(self).__name__} cannot be compiled by XLA: use "
                f"`jit_compile=False` or leave it out."
            )
        if jit_compile == "auto" and not tf.config.list_physical_devices("GPU"):
            jit_compile = False
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def default_optimizer(self):
        """Returns the optimizer that `compile(optimizer="auto")` takes."""
        return keras.optimizers.Adam(1e-3)

    def default_loss(self):
        """Returns the loss that `compile(loss="auto")` takes."""
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )

    def default_metrics(self):
        """Returns the weighted metrics that `compile(metrics="auto")` takes."""
        return [EpisodeAccuracy()]

    def compile_from_config(self, config):
        """Compiles the model as it was when it was saved."""
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**config)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def train_step(self, data):
        """Takes one step down the gradient of a batch of episodes.

        Keras compiles this to a `tf.function`. Override it, as in any Keras model,
        for a training loop of your own.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logits, loss, gradients = self.gradients_of(x, y, sample_weight)
        self._track_loss(loss, y)
        pairs = zip(gradients, self.trainable_weights, strict=True)
        self.optimizer.apply_gradients(pairs)
        return self.compute_metrics(x, y, logits, sample_weight)

    def gradients_of(self, x, y, sample_weight):
        """Returns logits, loss and the gradients of the trainable weights.

        A method that does not follow the gradient of its loss overrides it. Under
        `mixed_float16` the gradients are of the scaled loss.
        """
        with tf.GradientTape() as tape:
            logits, loss = self.training_loss(x, y, sample_weight)
            scaled_loss = self.optimizer.scale_loss(loss)
        return logits, loss, tape.gradient(scaled_loss, self.trainable_weights)

    def training_loss(self, x, y, sample_weight):
        """Returns logits and loss of a batch of episodes in training.

        A method whose loss is not one of the last logits alone overrides it.
        """
        logits = self(x, training=True)
        return logits, self.compute_loss(x, y, logits, sample_weight, training=True)

    def test_step(self, data):
        """Measures loss and metrics on a batch of episodes."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logits = self(x, training=False)
        loss = self.compute_loss(x, y, logits, sample_weight, training=False)
        self._track_loss(loss, y)
        return self.compute_metrics(x, y, logits, sample_weight)

    def _track_loss(self, loss, y):
        # Under a distribution strategy a replica's loss is its share of the sum.
        loss *= tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(y)[0])

    def copy(self):
        """Returns an uncompiled copy, with weights of its own."""
        copy = type(self).from_config(self.get_config())
        copy.set_weights(self.get_weights())
        return copy.with_origin_of(self)

    def with_origin_of(self, other):
        """Takes over what another learner tells of its training.

        Args:
            other: a learner, whose `training_classes` and `base_calibration` become
                those of this one.

        Returns:
            This learner.
        """
        self.training_classes = other.training_classes
        self.base_calibration = other.base_calibration
        return self

    def save_assets(self, dir_path):
        """Writes into a `.keras` file what the learner tells of its training."""
        calibration = self.base_calibration
        origin = {
            "training_classes": self.training_classes and list(self.training_classes),
            "base_calibration": calibration and dataclasses.asdict(calibration),
        }
        pathlib.Path(dir_path, ORIGIN).write_text(json.dumps(origin), encoding="utf-8")

    def load_assets(self, dir_path):
        """Reads what `save_assets` wrote; files of earlier versions do not have it."""
        path = pathlib.Path(dir_path, ORIGIN)
        if not path.exists():
            return
        origin = json.loads(path.read_text(encoding="utf-8"))
        if origin["training_classes"] is not None:
            self.training_classes = tuple(origin["training_classes"])
        if origin["base_calibration"] is not None:
            self.base_calibration = BaseCalibration(**origin["base_calibration"])

    def deployable(self):
        """Returns the copy of this learner that a classifier will own.

        Its answer to a query must not depend on the other queries.
        """
        return self.copy()

    def adapt(self, images, labels=None, class_names=None, **kwargs):
        """Learns classes from a few examples and gives a classifier of them.

        The classifier owns a copy of this model: training this model on does not
        change it.

        Args:
            images: the examples in one of these forms:

                - an array of raw items `[n, *item]`: images uint8, uint16 or float in
                  [0, 1], of any size, `[n, H, W, C]` or `[n, H, W]`;
                - a list, array, pandas Series, iterator or generator of images, also
                  of mixed kinds: paths of files, Pillow images, arrays `[H, W, C]` or
                  `[H, W]`, `bytes` of files, open binary files and uploads; or one
                  such image alone;
                - the path of a folder that holds a folder of images for each class;
                - the path of a CSV file, or a pandas DataFrame, with a column "image",
                  "path" or "file" and a column "label" or "class" (all names are in
                  `datasets.columns`). Paths in a CSV file are relative to it;
                - a `tf.data.Dataset` of `(image, label)`, `(image, label, weight)` or
                  dictionaries with such keys, single or in batches. Images may be
                  paths; the weights are not used.

            labels: `n` integers, names or one-hot rows, or one name for all. None
                where the images bring them along: for a folder, a CSV file, a
                DataFrame or a Dataset.
            class_names: optional list of names: what integer labels stand for, or
                the order of the classes where labels are names.
            **kwargs: further arguments of `FewShotClassifier.from_examples`.

        Returns:
            A `FewShotClassifier`.

        Raises:
            ValueError: if labels and images do not go together, with the mend.

        Example:

        >>> import numpy as np, fsl_keras as fsl
        >>> model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
        >>> pictures = np.random.default_rng(0).integers(
        ...     0, 256, (4, 28, 28, 1), dtype="uint8")
        >>> classifier = model.adapt(pictures, ["heron", "heron", "egret", "egret"])
        >>> classifier.class_names
        ['egret', 'heron']
        """
        kwargs.setdefault("base_calibration", self.base_calibration)
        return FewShotClassifier.from_examples(
            self.deployable(), images, labels, class_names, **kwargs
        )

    def export(self, filepath, format="tf_saved_model", input_signature=None, **kwargs):
        """Exports the episodic model itself, for any ways, shots and queries.

        As `keras.Model.export`; the signature takes an episode batch. To ship a
        model that knows its classes, export what `adapt` returns.
        """
        if input_signature is None:
            items = tf.TensorSpec((None, None, *self.item_shape), self.item_dtype)
            labels = tf.TensorSpec((None, None, None), "float32")
            input_signature = [
                {"support": items, "support_labels": labels, "query": items}
            ]
        super().export(
            filepath, format=format, input_signature=input_signature, **kwargs
        )
