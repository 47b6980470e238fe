"""Averages the embeddings of several views of an image."""

from typing import Any

import keras
from keras import ops

from fsl_keras.backbones.views import ViewsBackbone, group, grouped_shape
from fsl_keras.compat import renamed_arguments
from fsl_keras.layers.affine_views import OLD_ARGUMENTS, ZOOM, AffineViews
from fsl_keras.typing import Model, Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(**OLD_ARGUMENTS)
class MultiView(ViewsBackbone):
    """Embeds an image as the mean of the embeddings of several views of it.

    This is test-time augmentation: it makes a trained backbone more accurate without
    further training, at the cost of one forward pass per view. The views are fixed, so
    that an embedding depends on its image alone, and support and query images are
    treated alike. Classifiers on such embeddings are saved and exported like all
    others.

    Args:
        backbone: built Keras model from images `[*, H, W, C]` to embeddings. It is used
            itself, not a copy.
        rotation_factor: float, the angle as a fraction of 2 pi. Defaults to `0.025`, 9
            degrees.
        zoom_factor: float; height and width are scaled by `1 + zoom_factor` or by its
            inverse. Defaults to `0.1275`, about.
        shear_factor: float; a column is displaced by this fraction of its distance from
            the center. Defaults to `0.12`.
        translation_factor: float, the shift as a fraction of the height and of the
            width. Defaults to `1.2 / 28`.
        flip: bool, whether to add the mirror image of each view, as suits photographs.
            Defaults to `False`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Example:

    >>> from fsl_keras.backbones import Conv4
    >>> MultiView(Conv4((28, 28, 1))).output_shape
    (None, 64)
    """

    def __init__(
        self,
        backbone: Model,
        rotation_factor: float = 0.025,
        zoom_factor: float = ZOOM,
        shear_factor: float = 0.12,
        translation_factor: float = 1.2 / 28,
        flip: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        views = AffineViews(
            rotation_factor,
            zoom_factor,
            shear_factor,
            translation_factor,
            flip,
            name="views",
        )
        join = MeanOfViews(views.count, name="embedding")
        super().__init__(backbone, views, join, name, **kwargs)
        self.views = views

    def get_config(self) -> dict[str, Any]:
        views = self.views.get_config()
        of_layer = keras.layers.Layer.get_config(self.views)
        own = {name: views[name] for name in views.keys() - of_layer.keys()}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable(package="fsl_keras")
class MeanOfViews(keras.layers.Layer):
    """The mean of each `count` consecutive embeddings.

    Args:
        count: integer.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    def __init__(self, count: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.count = count

    def call(self, embeddings: Tensor) -> Tensor:
        return ops.mean(group(embeddings, self.count), axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        batch, _, *shape = grouped_shape(input_shape, self.count)
        return (batch, *shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "count": self.count}
