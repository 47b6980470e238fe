"""Averages the embeddings of a photograph and of a crop of it."""

from typing import Any

import keras

from fsl_keras.backbones.multi_view import MeanOfViews
from fsl_keras.backbones.views import ViewsBackbone
from fsl_keras.layers.crop_views import CropViews
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
class MultiCrop(ViewsBackbone):
    """Embeds a photograph as the mean of the embeddings of four views of it.

    The views are the photograph, a crop from its center, and the mirror images of both.
    What fills a part of the photograph is larger in the crop, and what surrounds it
    weighs less in the mean. The views are fixed, so an embedding depends on its image
    alone, and support and query images are treated alike. One image takes a forward
    pass for each view.

    `MultiView`, in contrast, turns and shears images a little, as suits characters.

    Reference:

    - [Bendou et al., 2022](https://arxiv.org/abs/2201.09699), which averages more and
      random crops

    Args:
        backbone: built Keras model from images `[*, H, W, C]` to embeddings. It is used
            itself, not a copy.
        scale: float in (0, 1), height and width of the crop as a fraction of those of
            the image. Defaults to `0.875`.
        flip: bool, whether to add the mirror image of each view. Defaults to `True`.
        name: optional string.
        **kwargs: further arguments of `keras.Model`.

    Raises:
        ValueError: If `scale` is not in (0, 1), or the images of the backbone are too
            small for it.

    Example:

    >>> from fsl_keras.backbones import Conv4
    >>> MultiCrop(Conv4((28, 28, 3))).output_shape
    (None, 64)
    """

    def __init__(
        self,
        backbone: Model,
        scale: float = 0.875,
        flip: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        views = CropViews(scale, flip, name="views")
        join = MeanOfViews(views.count, name="embedding")
        super().__init__(backbone, views, join, name, **kwargs)
        self.views = views

    def get_config(self) -> dict[str, Any]:
        own = {"scale": self.views.scale, "flip": self.views.flip}
        return {**super().get_config(), **own}
