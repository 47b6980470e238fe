"""What all learners share: training, testing and adapting on episodes."""

from typing import Any, Self

import keras
import numpy as np

from fsl_keras.classifier import FewShotClassifier
from fsl_keras.episodes.replicas import TrainsOnReplicas
from fsl_keras.files import SavesBeside
from fsl_keras.models.origin import HasOrigin
from fsl_keras.models.trains_on_episodes import TrainsOnEpisodes
from fsl_keras.presets import HasPresets
from fsl_keras.typing import EpisodeBatch, Nested, Path, Shape, Tensor


class EpisodicModel(  # type: ignore[misc]
    HasPresets, HasOrigin, TrainsOnEpisodes, TrainsOnReplicas, SavesBeside, keras.Model
):
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
    # Whether memory and state of new classes are appended to those of others.
    appends_classes = False
    # The tensors of the memory that `restore` computes from the state.
    restored: tuple[str, ...] = ()
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

    def restore(self, memory: Nested, state: Nested) -> Nested:
        """Returns the whole memory, given it without the tensors named `restored`."""
        del state
        return memory

    def merge(self, memory: Nested, more: Nested) -> Nested:
        """Joins the memories of two support sets over the same classes."""
        raise NotImplementedError

    @property
    def item_kind(self) -> str:  # type: ignore[override]
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

    def adapt_features(
        self, features: Tensor, labels: Any, class_names: Any = None, **kwargs: Any
    ) -> FewShotClassifier:
        """Learns classes from features of their examples, which `features` returns.

        It is `adapt` without the backbone: for features that were computed before, such
        as by `fsl_keras.features.embed`, and for very many classes.

        Args:
            features: array `[n, *feature]`.
            labels: `n` integers, names or one-hot rows.
            class_names: optional list of names, as in `adapt`.
            **kwargs: further arguments of `FewShotClassifier.from_features`.

        Returns:
            A `FewShotClassifier`, which predicts the classes of items as any other.

        Raises:
            ValueError: if the features are of another shape than the learner's, or are
                not finite, or labels and features do not match.

        Example:

        >>> import numpy as np, fsl_keras as fsl
        >>> model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
        >>> features = model.features(np.zeros((2, 28, 28, 1), "float32"))
        >>> model.adapt_features(features, ["heron", "egret"]).class_names
        ['egret', 'heron']
        """
        return FewShotClassifier.from_features(
            self.deployable(), features, labels, class_names, **kwargs
        )

    def export(  # type: ignore[override]
        self,
        filepath: Path,
        format: str = "tf_saved_model",
        ways: int | None = None,
        shots: int | None = None,
        queries: int | None = None,
        input_signature: Nested = None,
        **kwargs: Any,
    ) -> None:
        """Exports the learner itself, which learns and answers without this package.

        A program passes a support set and queries, and gets the logits of the queries:
        so a device learns classes that nobody has seen before. To ship a model that
        knows its classes, export what `adapt` returns.

        The inputs are `support` `[T, S, *item]`, `support_labels` float32 one-hot
        `[T, S, N]` and `query` `[T, M, *item]`, as in an episode batch; the output is
        `logits` float32 `[T, M, N]`, the same as that of this model. Images are float32
        in [0, 1], of the size of the learner. A row of zeros in `support_labels` is
        padding, and a column of zeros a class that takes no part.

        - `"tf_saved_model"`: a folder that needs TensorFlow. It takes any numbers of
          tasks, classes, support items and queries, unless `ways`, `shots` or `queries`
          is given. A learner of a fixed number of classes, as `MAML` without
          `shared_head`, takes that number.
        - `"litert"`: a `.tflite` file that takes one task of `ways * shots` support
          items and `queries` queries; smaller tasks are padded by repeating items, with
          zeros in `support_labels`. It is for methods whose operations LiteRT has, such
          as prototypes and ridge regression, and not for gradients of convolutions.
        - other formats of `keras.Model.export`.

        Batch normalization of gradient-based learners that uses the statistics of the
        queries is exported with those of the support set. The logits of a transductive
        head depend on all queries of a call, as they do here.

        Args:
            filepath: path of the folder or file to write; an existing one is replaced.
            format: string.
            ways: optional integer, the number of classes.
            shots: optional integer, the number of support items per class.
            queries: optional integer, the number of queries. Defaults to 1 for LiteRT.
            input_signature: optional signature, with which `keras.Model.export` writes
                the model.
            **kwargs: further arguments of `keras.Model.export`, which then writes the
                model.

        Raises:
            ValueError: if the suffix of the file belongs to another format, `ways` and
                `shots` are missing for LiteRT, or the learner cannot be written in the
                format.

        Example:

        ```python
        learner.export("learner/")
        exported = tf.saved_model.load("learner/")
        logits = exported.serve(
            {"support": support, "support_labels": labels, "query": query})["logits"]
        ```
        """
        from fsl_keras.models.exporting import (
            FORMATS,
            episode_signature,
            export_learner,
        )

        is_ours = input_signature is None and not set(kwargs) - {"verbose"}
        if format in FORMATS and is_ours:
            export_learner(self, filepath, format, ways, shots, queries)
            return
        if input_signature is None:
            input_signature = [episode_signature(self, ways, shots, queries)]
        super().export(
            filepath, format=format, input_signature=input_signature, **kwargs
        )
