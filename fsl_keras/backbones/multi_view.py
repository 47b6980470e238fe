"""A backbone that looks at a picture several times."""

import keras
from keras import ops

from fsl_keras.layers.affine_views import AffineViews
from fsl_keras.presets import HasPresets


@keras.saving.register_keras_serializable(package="fsl_keras")
class MultiView(HasPresets, keras.Model):
    """Embeds a picture as the mean of the embeddings of several views of it.

    A trained backbone gains accuracy so, without any training, at the price of a pass
    for each view. The views are fixed, so an embedding depends on its picture alone,
    and support and query are seen alike. What is learned on top of such embeddings is
    saved and exported like all else.

    Args:
        backbone: built Keras model from pictures `[*, H, W, C]` to embeddings. It is
            used itself, not a copy.
        rotation: float, the turn to either side, in degrees.
        zoom: float, the natural logarithm of the zoom of height and of width.
        shear: float, the shear to either side, as a slope.
        shift: float, the shift each way, in pixels.
        flip: bool, whether every view comes mirrored as well, as photographs may.
        name: optional string.

    Example:

    >>> from fsl_keras.backbones import Conv4
    >>> MultiView(Conv4((28, 28, 1))).output_shape
    (None, 64)
    """

    def __init__(
        self,
        backbone,
        rotation=9.0,
        zoom=0.12,
        shear=0.12,
        shift=1.2,
        flip=False,
        name=None,
        **kwargs,
    ):
        inputs = keras.Input(backbone.input_shape[1:], name="pictures")
        views = AffineViews(rotation, zoom, shear, shift, flip, name="views")
        embeddings = backbone(views(inputs))
        outputs = MeanOfViews(views.count, name="embedding")(embeddings)
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)
        self.backbone = backbone
        self.views = views

    def get_config(self):
        views = self.views.get_config()
        names = ("rotation", "zoom", "shear", "shift", "flip")
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            **{name: views[name] for name in names},
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        backbone = keras.saving.deserialize_keras_object(
            config["backbone"], custom_objects
        )
        return cls(**{**config, "backbone": backbone})


@keras.saving.register_keras_serializable(package="fsl_keras")
class MeanOfViews(keras.layers.Layer):
    """The mean of each `count` embeddings that come one after the other.

    Args:
        count: integer.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def call(self, embeddings):
        shape = (-1, self.count, *embeddings.shape[1:])
        return ops.mean(ops.reshape(embeddings, shape), axis=1)

    def compute_output_shape(self, input_shape):
        batch = input_shape[0] and input_shape[0] // self.count
        return (batch, *input_shape[1:])

    def get_config(self):
        return {**super().get_config(), "count": self.count}
