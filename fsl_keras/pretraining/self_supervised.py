"""The base of models that train a backbone without labels, on views of each item."""

from typing import Any

import keras
from keras import ops

from fsl_keras.backbones.check import check_backbone, check_gives_vectors
from fsl_keras.losses.replicas import part_of_replica
from fsl_keras.pretraining.callbacks import CollapseWarning
from fsl_keras.pretraining.probes import nearest_centroid_hits, spread
from fsl_keras.pretraining.training import BackboneTraining
from fsl_keras.typing import Model, Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
class SelfSupervisedPretraining(BackboneTraining):
    """Base of the models that train a backbone on several views of each item.

    A view is the item after a random augmentation. The backbone embeds all views in one
    batch, a projection maps the embeddings to vectors that the loss compares, and is
    not used afterwards. A subclass implements `views_loss`, and its arguments and
    configuration if it has any.

    Fit it on `ClassDataset.batches`. Labels have no part in the loss of a method
    without labels. Where there are some, the metric `probe_accuracy` shows what is
    learned: each item of a batch is classified by the nearest centroid of the other
    items, by the embeddings of their first views. Items whose class is not in the batch
    a second time are left out. The metric `spread` is 0 if all embeddings have the same
    direction; `fit` warns of such a collapse at the end of an epoch.

    Args:
        backbone: built Keras model from items `[*, *item]` to vectors `[*, D]`. It is
            trained itself, not a copy.
        augmentation: layer of `layers.augmentation`, or another layer that changes each
            item at random if `training=True`. None for a backbone that is random
            itself, such as a language model with dropout
            ([SimCSE](https://arxiv.org/abs/2104.08821)).
        projection: tuple of integers, the units of the layers of the projection; ReLU
            follows all but the last. Empty for none. Defaults to `(256, 128)`.
        views: integer, the views of each item. Defaults to `2`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Call arguments:
        items: `[B, *item]`.
        training: bool, whether layers such as dropout are in training mode. Views are
            random either way.

    Returns:
        A dictionary of the float32 `"embeddings"` `[V, B, D]` and `"projections"`
        `[V, B, P]` of the views.

    Raises:
        ValueError: If the backbone is not built or does not give vectors, or another
            argument is invalid.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> @keras.saving.register_keras_serializable()
    ... class Agreement(SelfSupervisedPretraining):
    ...     def views_loss(self, projections, labels=None):
    ...         return -ops.mean(ops.sum(projections[0] * projections[1], axis=-1))
    >>> backbone = fsl.backbones.Conv4((28, 28, 1), filters=8)
    >>> model = Agreement(backbone, fsl.layers.augmentation.RandomAffine())
    >>> views = model(np.zeros((3, 28, 28, 1)))
    >>> views["embeddings"].shape, views["projections"].shape
    (TensorShape([2, 3, 8]), TensorShape([2, 3, 128]))
    """

    def __init__(
        self,
        backbone: Model,
        augmentation: Any,
        projection: tuple[int, ...] = (256, 128),
        views: int = 2,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        check_backbone(backbone)
        check_gives_vectors(backbone)
        if augmentation is not None and not callable(augmentation):
            raise ValueError(
                f"`augmentation` must be a layer, such as "
                f"`fsl_keras.layers.augmentation.RandomAffine()`, or None. Received: "
                f"augmentation={augmentation!r}"
            )
        if views < 2:
            raise ValueError(f"`views` must be at least 2. Received: views={views}")
        self.backbone = backbone
        self.augmentation = augmentation
        self.units = tuple(projection)
        self.views = views
        self.projection = _projection(backbone.output_shape[-1], self.units)
        self.probe = keras.metrics.Mean(name="probe_accuracy")
        self.spread = keras.metrics.Mean(name="spread")
        self.built = True

    def views_loss(self, projections: Tensor, labels: Tensor | None = None) -> Tensor:
        """Returns the loss of a batch, a scalar, of a replica's own items alone.

        Args:
            projections: float32 `[V, B, P]`, of each view of each item.
            labels: integer `[B]`, or None.
        """
        raise NotImplementedError

    def make_views(self, items: Tensor) -> Tensor:
        """Returns random views of items, `[V * B, *item]`, view after view."""
        views = [items] * self.views
        if self.augmentation is not None:
            views = [self.augmentation(items, training=True) for items in views]
        return ops.concatenate(views, axis=0)

    def call(self, items: Tensor, training: bool | None = None) -> dict[str, Tensor]:
        embeddings = self.backbone(self.make_views(items), training=training)
        embeddings = ops.cast(embeddings, "float32")
        projections = self.projection(embeddings, training=training)

        def by_view(vectors):
            return ops.reshape(vectors, (self.views, -1, vectors.shape[-1]))

        return {
            "embeddings": by_view(embeddings),
            "projections": by_view(projections),
        }

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        """Returns `views_loss` and the losses of layers.

        Under a distribution strategy it is the part of a replica in the mean over
        replicas, as the losses of Keras are.
        """
        loss = sum(self.losses, self.views_loss(y_pred["projections"], y))
        return part_of_replica(loss)

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Tensor]:
        """Updates the probe, if there are labels, and the spread."""
        first = y_pred["embeddings"][0]
        self.spread.update_state(spread(first))
        if y is not None:
            self.probe.update_state(*nearest_centroid_hits(first, y))
        results = self.get_metrics_result()
        if y is None:
            del results[self.probe.name]
        return results

    def fit(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        """Trains as `keras.Model.fit` does, and warns if the embeddings collapse."""
        callbacks = kwargs.pop("callbacks", None) or []
        if not isinstance(callbacks, (list, tuple)):
            callbacks = [callbacks]
        callbacks = [*callbacks, CollapseWarning()]
        return super().fit(*args, callbacks=callbacks, **kwargs)

    def compute_output_shape(self, items_shape: Shape) -> dict[str, Shape]:
        width = self.units[-1] if self.units else self.backbone.output_shape[-1]
        return {
            "embeddings": (self.views, items_shape[0], self.backbone.output_shape[-1]),
            "projections": (self.views, items_shape[0], width),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "augmentation": keras.saving.serialize_keras_object(self.augmentation),
            "projection": self.units,
            "views": self.views,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "SelfSupervisedPretraining":
        parts: dict[str, Any] = {
            name: keras.saving.deserialize_keras_object(config[name])
            for name in ("backbone", "augmentation")
        }
        return cls(**{**config, **parts})


def _projection(width, units):
    """Returns the network of the projection, in float32 under every policy."""
    if not units:
        return keras.layers.Identity(name="projection")
    network = keras.Sequential([keras.Input((width,))], name="projection")
    for place, size in enumerate(units):
        activation = "relu" if place + 1 < len(units) else None
        network.add(keras.layers.Dense(size, activation, dtype="float32"))
    return network
