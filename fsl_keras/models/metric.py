"""Learners that are a backbone and a head."""

import copy
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from fsl_keras import features
from fsl_keras.backbones.check import check_backbone
from fsl_keras.datasets import ClassDataset
from fsl_keras.heads import Head
from fsl_keras.models.episodic import EpisodicModel
from fsl_keras.typing import Dataset, EpisodeBatch, Model, Nested, Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class MetricModel(EpisodicModel):
    """A learner that compares embeddings: a backbone under a head.

    In training, support and query go through the backbone in one batch and share
    its statistics; otherwise the running statistics are used, and the logits of a
    query do not depend on the other queries.

    Three functions compute embeddings: `embed`, of tensors of items in a graph;
    `features`, of an array of items, as a classifier needs them; and
    `fsl_keras.features.embed`, of a whole data set, for the learner that `on_features`
    returns.

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`, or
            to feature maps where the head takes these.
        head: a `Head`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Raises:
        ValueError: if the backbone is not a built model of one input and one output,
            or the head is none or takes embeddings of another rank.

    Example:

    >>> import keras
    >>> from fsl_keras.heads import PrototypeHead
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    >>> model = MetricModel(backbone, PrototypeHead(distance="cosine"))
    >>> model.item_shape
    (4,)
    """

    # For subclasses that make their head: the arguments of the head that are arguments
    # of the learner. None means that the head itself is an argument.
    head_arguments: tuple[str, ...] | None = None

    def __init__(
        self, backbone: Model, head: Head, name: str | None = None, **kwargs: Any
    ):
        super().__init__(name=name, **kwargs)
        check_backbone(backbone)
        if not isinstance(head, Head):
            raise ValueError(
                f"`head` must be a head, such as `fsl_keras.heads.PrototypeHead()`. "
                f"Received: head={head!r}"
            )
        head.check_embeddings(backbone.output_shape[1:])
        if not head.built:
            head.build((None, None, *backbone.output_shape[1:]))
        self.backbone = backbone
        self.head = head
        self.built = True

    @property
    def item_shape(self) -> Shape:
        """The shape of one item, without batch."""
        return tuple(self.backbone.input_shape[1:])

    @property
    def item_dtype(self) -> str:
        """The dtype of items, as a string."""
        return self.backbone.inputs[0].dtype

    @property
    def embedding_shape(self) -> Shape:
        """The shape of one embedding, without batch."""
        return tuple(self.backbone.output_shape[1:])

    @property
    def incremental(self) -> str:  # type: ignore[override]
        """What the head can do with classes that are added later."""
        return self.head.incremental

    @property
    def memory_holds_features(self) -> bool:  # type: ignore[override]
        """Whether the memory is the embeddings of all examples."""
        return self.head.memory_holds_features

    @property
    def forgets_classes(self) -> bool:  # type: ignore[override]
        """Whether `select` may leave classes out."""
        return self.head.forgets_classes

    @property
    def appends_classes(self) -> bool:  # type: ignore[override]
        """Whether new classes are appended to the others: see `Head`."""
        return self.head.appends_classes

    @property
    def restored(self) -> tuple[str, ...]:  # type: ignore[override]
        """The tensors of the memory that `restore` computes from the state."""
        return self.head.restored

    @property
    def kind(self) -> str:  # type: ignore[override]
        """Whether the logits of a query depend on the others: see `Head.kind`."""
        return self.head.kind

    @property
    def has_base_statistics(self) -> bool:  # type: ignore[override]
        """Whether the head has statistics of base classes: see `fit_base`."""
        return hasattr(self.head, "fit_base")

    def fit_base(self, data: ClassDataset | Dataset, cache: bool = True) -> None:
        """Computes the statistics of base classes that the head has.

        `SimpleShotHead` subtracts the mean of base embeddings from all embeddings;
        `WhitenedHead` and `WhitenedRidgeHead` also scale down the directions that vary
        most within a class. Without it they use neither. Classifiers that were made
        before do not change.

        Args:
            data: `ClassDataset` of many items of each of many classes, not those to be
                learned later; or finite `tf.data.Dataset` of batches `(items, labels)`,
                or of `items` for a head that does without labels.
            cache: bool, whether the features of a `ClassDataset` are kept on disk, see
                `features.embed`.

        Raises:
            ValueError: if the head has no statistics of base classes, or the data is
                infinite or empty.
        """
        if not self.has_base_statistics:
            raise ValueError(
                f"{type(self.head).__name__} has no statistics of base classes; "
                f'`SimpleShotHead` (`head="simple_shot"`), `WhitenedHead` '
                f'(`"whitened"`) and `WhitenedRidgeHead` (`"whitened_ridge"`) have.'
            )
        self.head.fit_base(*features.embed_with_labels(data, self.backbone, cache))

    def embed(self, items: Tensor, training: bool = False) -> Tensor:
        """Embeds items `[T, S, *item]` as vectors `[T, S, D]` or feature maps."""
        items = ops.convert_to_tensor(items)
        lead = ops.shape(items)[:2]
        flat = ops.reshape(items, (-1, *self.item_shape))
        vectors = self.backbone(flat, training=training)
        return ops.reshape(vectors, (*lead, *vectors.shape[1:]))

    def features(self, items: Tensor) -> np.ndarray:
        """Returns the embeddings `[n, *embedding]` of an array of items, in float32."""
        # Keras compiles this once for each backbone, whatever classifiers it is under.
        return np.asarray(self.backbone.predict_on_batch(items), "float32")

    def remember(self, support: Tensor, support_labels: Tensor) -> Nested:
        """Returns the head's memory of the embedded support set."""
        return self.remember_features(self.embed(support), support_labels)

    def remember_features(self, features: Tensor, support_labels: Tensor) -> Nested:
        """Returns the head's memory of embeddings `[T, S, *embedding]`."""
        return self.head.remember(features, support_labels)

    def prepare(self, memory: Nested) -> Nested:
        """Returns the head's state."""
        return self.head.prepare(memory)

    def score(self, state: Nested, query: Tensor) -> Tensor:
        """Returns the head's logits `[T, M, N]` of queries `[T, M, *item]`."""
        return self.score_features(state, self.embed(query))

    def score_features(self, state: Nested, features: Tensor) -> Tensor:
        """Returns the head's logits of embeddings `[T, M, *embedding]`."""
        return self.head.score(state, features)

    def restore(self, memory: Nested, state: Nested) -> Nested:
        """Returns the whole memory, given it without the tensors named `restored`."""
        return self.head.restore(memory, state)

    def merge(self, memory: Nested, more: Nested) -> Nested:
        """Joins the memories of two support sets over the same classes."""
        return self.head.merge(memory, more)

    def widen(self, memory: Nested, ways: int) -> Nested:
        """Adds classes without examples to a memory until it has `ways`."""
        return self.head.widen(memory, ways)

    def select(self, memory: Nested, classes: Tensor) -> Nested:
        """Keeps the given classes of a memory, in the order given."""
        return self.head.select(memory, classes)

    def embed_episode(
        self, episode: EpisodeBatch, training: bool = False
    ) -> tuple[Tensor, Tensor]:
        """Embeds support and query in one batch: a pair of `[T, S, D]`, `[T, M, D]`.

        A subclass calls it whose loss needs the embeddings.
        """
        support, query = episode["support"], episode["query"]
        shots = ops.shape(support)[1]
        both = self.embed(ops.concatenate([support, query], axis=1), training)
        return both[:, :shots], both[:, shots:]

    def on_features(self) -> "MetricModel":
        """Returns the same head on embeddings, such as `features.embed` computes.

        Returns:
            A `MetricModel` from embeddings, which shares this learner's head.
        """
        embeddings = keras.Input(self.embedding_shape, name="embeddings")
        identity = keras.layers.Identity()(embeddings)
        backbone = keras.Model(embeddings, identity, name="identity")
        learner = MetricModel(backbone, self.head, name=self.name)
        return learner.with_origin_of(self)

    def with_backbone(self, backbone: Model) -> Self:
        """Returns a learner of the same kind on another backbone.

        It keeps `training_classes` and `base_calibration`. Calibrate it again, with
        `model_selection.calibrate_on_base_classes`, if its embeddings differ much.

        Args:
            backbone: built Keras model, such as
                `backbones.MultiView(learner.backbone)`. Its embeddings must be of the
                same shape where the head has weights for them.

        Returns:
            An uncompiled learner with copies of backbone and head.
        """
        config = self.get_config()
        config["backbone"] = keras.saving.serialize_keras_object(backbone)
        other = type(self).from_config(config)
        other.backbone.set_weights(backbone.get_weights())
        other.head.set_weights(self.head.get_weights())
        return other.with_origin_of(self)

    def deployable(self) -> "MetricModel":
        """Returns the copy of this learner that a classifier will own.

        Raises:
            ValueError: if the head is transductive.
        """
        self.check_inductive()
        return super().deployable()

    def check_inductive(self) -> None:
        """Raises a `ValueError` if the head is transductive."""
        if self.kind == "transductive":
            raise ValueError(
                f"{type(self.head).__name__} is transductive: the logits of a query "
                f"depend on the other queries, and a classifier predicts each "
                f"item alone. Adapt the same backbone under an inductive head: "
                f"`fsl_keras.models.MetricModel(model.backbone, "
                f"fsl_keras.heads.PrototypeHead())`."
            )

    def call(self, episode: EpisodeBatch, training: bool | None = None) -> Tensor:
        support, query = self.embed_episode(episode, bool(training))
        return self.head(
            support,
            episode["support_labels"],
            query,
            query_mask=episode.get("query_mask"),
            training=training,
        )

    def get_config(self) -> dict[str, Any]:
        backbone = keras.saving.serialize_keras_object(self.backbone)
        if self.head_arguments is None:
            head = {"head": keras.saving.serialize_keras_object(self.head)}
        else:
            options = self.head.get_config()
            head = {name: options[name] for name in self.head_arguments}
        return {"backbone": backbone, **head, "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        # Keras takes the configuration of a functional model apart as it reads it.
        config = copy.deepcopy(config)
        parts = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("backbone", "head")
            if name in config
        }
        return cls(**(config | parts))


def all_labels(
    support_labels: Tensor, query_labels: Tensor, sample_weight: Tensor | None = None
) -> Tensor:
    """Returns the one-hot labels of support and query, float32 `[T, S + M, N]`.

    Args:
        support_labels: one-hot `[T, S, N]`.
        query_labels: integer `[T, M]`.
        sample_weight: optional `[T, M]`, 0 at padding.
    """
    support_labels = ops.cast(support_labels, "float32")
    of_query = ops.one_hot(query_labels, ops.shape(support_labels)[-1])
    if sample_weight is not None:
        of_query *= ops.cast(sample_weight > 0, "float32")[..., None]
    return ops.concatenate([support_labels, of_query], axis=1)
