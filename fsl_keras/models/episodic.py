"""What all learners share: training, testing and adapting on episodes."""

from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.classifier import FewShotClassifier
from fsl_keras.episodes.tuner import ReadsUntuned
from fsl_keras.files import SavesBeside
from fsl_keras.metrics import EpisodeAccuracy
from fsl_keras.models.origin import HasOrigin
from fsl_keras.presets import HasPresets
from fsl_keras.typing import EpisodeBatch, Nested, Path, Shape, Tensor


class EpisodicModel(HasPresets, HasOrigin, ReadsUntuned, SavesBeside, keras.Model):
    """Base of the models that learn from a support set to classify queries.

    A learner is three pure functions: `remember` keeps what is needed of the
    support set, `prepare` turns this memory into the state that classifies, and
    `score` gives the logits of queries. Calling the model on an episode batch is
    one after the other, so `fit`, `evaluate` and `predict` work on streams of
    episodes as on any other data.

    A subclass defines `remember`, `prepare`, `score`, `merge`, `widen`, `select`,
    `item_shape` and `item_dtype`, and sets `incremental` to `"exact"`, `"refit"` or
    `"fixed_ways"`. Reports state `kind` (`"inductive"` or `"transductive"`) and
    `batch_norm`, the statistics that normalize in evaluation.

    Call arguments:
        episode: dictionary of `support` `[T, S, *item]`, `support_labels` float32
            one-hot `[T, S, N]` and `query` `[T, M, *item]`.
        training: bool, whether to run in training mode, which batch normalization and
            dropout depend on.

    Returns:
        Logits `[T, M, N]`.
    """

    incremental = "exact"
    kind = "inductive"
    batch_norm = "running"

    # Whether the memory is the features of all examples, its `"support"`.
    memory_holds_features = False

    # Whether `select` may leave classes out.
    forgets_classes = True

    # Whether there are statistics of base classes, which `fit_base` computes.
    has_base_statistics = False

    def remember(self, support: Tensor, support_labels: Tensor) -> Nested:
        """Keeps what is needed of a support set.

        Args:
            support: items `[T, S, *item]`.
            support_labels: one-hot float32 `[T, S, N]`, zeros at padding.

        Returns:
            The memory, a dictionary of tensors `[T, ...]`.
        """
        raise NotImplementedError

    def prepare(self, memory: Nested) -> Nested:
        """Turns a memory into the state that classifies, a dictionary of tensors."""
        raise NotImplementedError

    def score(self, state: Nested, query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of queries `[T, M, *item]`."""
        raise NotImplementedError

    def merge(self, memory: Nested, more: Nested) -> Nested:
        """Joins the memories of two support sets over the same classes."""
        raise NotImplementedError

    @property
    def item_kind(self) -> str:
        """What an item is: `"image"`, `"text"` (a string) or `"array"`."""
        if self.item_dtype == "string":
            return "text"
        is_image = len(self.item_shape) == 3 and self.item_shape[-1] in (1, 3)
        return "image" if is_image else "array"

    @property
    def takes_images(self) -> bool:
        """Whether items are images `[height, width, channels]`."""
        return self.item_kind == "image"

    takes_pictures = takes_images  # the earlier name

    def features(self, items: Tensor) -> np.ndarray:
        """Returns the task-independent features of an array of items.

        A classifier computes them once per item. Here they are the items themselves;
        learners with a backbone return their embeddings.

        Args:
            items: array `[n, *item]`.

        Returns:
            An array `[n, *feature]`.
        """
        return items

    def remember_features(self, features: Tensor, support_labels: Tensor) -> Nested:
        """Does what `remember` does, given features `[T, S, *feature]`."""
        return self.remember(features, support_labels)

    def score_features(self, state: Nested, features: Tensor) -> Tensor:
        """Does what `score` does, given features `[T, M, *feature]`."""
        return self.score(state, features)

    def adapt_state(self, support: Tensor, support_labels: Tensor) -> Nested:
        """Learns tasks from their support sets.

        Args:
            support: items `[T, S, *item]`.
            support_labels: one-hot float32 `[T, S, N]`, zeros at padding.

        Returns:
            The state, a dictionary of tensors `[T, ...]` for `score`.
        """
        return self.prepare(self.remember(support, support_labels))

    def call(self, episode: EpisodeBatch, training: bool | None = None) -> Tensor:
        del training
        state = self.adapt_state(episode["support"], episode["support_labels"])
        return self.score(state, episode["query"])

    def compute_output_shape(self, episode_shape: dict[str, Shape]) -> Shape:
        return (*episode_shape["query"][:2], episode_shape["support_labels"][2])

    def compile(
        self,
        optimizer: Any = "auto",
        loss: Any = "auto",
        metrics: Any = "auto",
        weighted_metrics: list | None = None,
        jit_compile: bool | str = "auto",
        **kwargs: Any,
    ) -> None:
        """Configures training, as `keras.Model.compile` does.

        Args:
            optimizer: an optimizer, or `"auto"` for Adam at a rate of 1e-3, unless
                the method has another.
            loss: a loss, or `"auto"` for the cross-entropy of the logits, averaged
                over the queries that are not padding.
            metrics: metrics, or `"auto"` for `EpisodeAccuracy`, which gives
                `accuracy` and `accuracy_ci95`.
            weighted_metrics: list of further metrics that see the sample weights.
            jit_compile: bool, or `"auto"` for XLA where there is a GPU: on a CPU the
                plain graph is faster. XLA has no strings.
            **kwargs: further arguments of `keras.Model.compile`.

        Raises:
            ValueError: if `jit_compile` is True and the method cannot be compiled by
                XLA.
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
                f"`jit_compile=False` or leave it out. Received: jit_compile=True"
            )
        if jit_compile == "auto" and (
            self.item_kind == "text" or not tf.config.list_physical_devices("GPU")
        ):
            jit_compile = False
        super().compile(
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            weighted_metrics=weighted_metrics,
            jit_compile=jit_compile,
            **kwargs,
        )

    def default_optimizer(self) -> Any:
        """Returns the optimizer of `compile(optimizer="auto")`."""
        return keras.optimizers.Adam(1e-3)

    def default_loss(self) -> Any:
        """Returns the loss of `compile(loss="auto")`."""
        return keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction="mean_with_sample_weight"
        )

    def default_metrics(self) -> list:
        """Returns the weighted metrics of `compile(metrics="auto")`."""
        return [EpisodeAccuracy()]

    def compile_from_config(self, config: dict) -> None:
        """Compiles the model as it was when it was saved."""
        config = keras.saving.deserialize_keras_object(config)
        self.compile(**config)
        if self.optimizer is not None and self.built:
            self.optimizer.build(self.trainable_variables)

    def train_step(self, data: Nested) -> dict[str, Tensor]:
        """Takes one optimizer step on a batch of episodes.

        Keras compiles this to a `tf.function`. Override it, as in any Keras model,
        for a training loop of your own.
        """
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logits, loss, gradients = self.gradients_of(x, y, sample_weight)
        self._track_loss(loss, y)
        pairs = zip(gradients, self.trainable_weights, strict=True)
        self.optimizer.apply_gradients(pairs)
        return self.compute_metrics(x, y, logits, sample_weight)

    def gradients_of(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor, list]:
        """Returns logits, loss and the gradients of the trainable weights.

        A method that does not follow the gradient of its loss overrides it. Under
        `mixed_float16` the gradients are those of the scaled loss.
        """
        with tf.GradientTape() as tape:
            logits, loss = self.training_loss(x, y, sample_weight)
            scaled_loss = self.optimizer.scale_loss(loss)
        return logits, loss, tape.gradient(scaled_loss, self.trainable_weights)

    def training_loss(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Returns logits and loss of a batch of episodes in training.

        A method whose loss depends on more than the last logits overrides it.
        """
        logits = self(x, training=True)
        return logits, self.compute_loss(x, y, logits, sample_weight, training=True)

    def test_step(self, data: Nested) -> dict[str, Tensor]:
        """Computes loss and metrics of a batch of episodes."""
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        logits = self(x, training=False)
        loss = self.compute_loss(x, y, logits, sample_weight, training=False)
        self._track_loss(loss, y)
        return self.compute_metrics(x, y, logits, sample_weight)

    def _track_loss(self, loss, y):
        # Under a distribution strategy a replica's loss is its part of the sum.
        loss *= tf.cast(tf.distribute.get_strategy().num_replicas_in_sync, loss.dtype)
        self._loss_tracker.update_state(loss, sample_weight=tf.shape(y)[0])

    def copy(self) -> Self:
        """Returns an uncompiled copy, with weights of its own."""
        copy = type(self).from_config(self.get_config())
        copy.set_weights(self.get_weights())
        return copy.with_origin_of(self)

    def deployable(self) -> "EpisodicModel":
        """Returns the copy of this learner that a classifier will own.

        Its answer to a query must not depend on the other queries.
        """
        return self.copy()

    def adapt(
        self,
        images: Any = None,
        labels: Any = None,
        class_names: list[str] | None = None,
        **kwargs: Any,
    ) -> FewShotClassifier:
        """Learns classes from a few examples and returns a classifier of them.

        Unlike `adapt` of a Keras layer, it does not change this model. The classifier
        owns a copy: training this model further does not change the classifier.

        Args:
            images: the examples, in one of these forms:

                - an array of raw items `[n, *item]`: images uint8, uint16 or float in
                  [0, 1], of any size, `[n, H, W, C]` or `[n, H, W]`;
                - a list, array, pandas Series, iterator or generator of images, also
                  of mixed kinds: paths of files, Pillow images, arrays `[H, W, C]` or
                  `[H, W]`, `bytes` of files, open binary files and uploads; or a
                  single such image;
                - for a learner of texts: the same of strings, or a single string;
                - the path of a folder that holds a folder of images for each class;
                - the path of a CSV, TSV or JSON lines file, or a pandas DataFrame, with
                  a column such as "image" or "text" and one such as "label" or "class"
                  (all names are in `datasets.columns`). Paths of images in a file are
                  relative to it; rows without a text are skipped, with a warning;
                - a `tf.data.Dataset` of `(item, label)`, `(item, label, weight)` or
                  dictionaries with such keys, single or in batches. Images may be
                  paths; the weights are not used.

            labels: `n` integers, names or one-hot rows, or one name for all. None
                if `images` include them: for a folder, a table or a Dataset.
            class_names: optional list of names: what integer labels stand for, or
                the order of the classes if labels are names.
            **kwargs: further arguments of `FewShotClassifier.from_examples`, such as
                `leave_one_out`, `false_reject_rate` and `descriptions`.

        Returns:
            A `FewShotClassifier`.

        Raises:
            ValueError: if labels and images do not match.

        Example:

        >>> import numpy as np, fsl_keras as fsl
        >>> model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
        >>> images = np.random.default_rng(0).integers(
        ...     0, 256, (4, 28, 28, 1), dtype="uint8")
        >>> classifier = model.adapt(images, ["heron", "heron", "egret", "egret"])
        >>> classifier.class_names
        ['egret', 'heron']
        """
        kwargs.setdefault("base_calibration", self.base_calibration)
        return FewShotClassifier.from_examples(
            self.deployable(), images, labels, class_names, **kwargs
        )

    def export(
        self,
        filepath: Path,
        format: str = "tf_saved_model",
        input_signature: Nested = None,
        **kwargs: Any,
    ) -> None:
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
