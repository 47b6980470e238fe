"""Backbones: Keras models from an item to its embedding."""

from fsl_keras.backbones.conv4 import Conv4
from fsl_keras.backbones.hashed_text_encoder import HashedTextEncoder
from fsl_keras.backbones.hub_images import from_keras_hub
from fsl_keras.backbones.image_text_encoder import ImageTextEncoder
from fsl_keras.backbones.multi_crop import MultiCrop
from fsl_keras.backbones.multi_orientation import MultiOrientation
from fsl_keras.backbones.multi_view import MultiView
from fsl_keras.backbones.pretrained import pretrained
from fsl_keras.backbones.resnet12 import ResNet12
from fsl_keras.backbones.resnet18 import ResNet18
from fsl_keras.backbones.sentence_encoder import SentenceEncoder

__all__ = [
    "Conv4",
    "HashedTextEncoder",
    "ImageTextEncoder",
    "MultiCrop",
    "MultiOrientation",
    "MultiView",
    "ResNet12",
    "ResNet18",
    "SentenceEncoder",
    "from_keras_hub",
    "pretrained",
]
