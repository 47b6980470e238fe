"""The backbones by name."""

import dataclasses
from typing import Any

from fsl_keras.names import did_you_mean
from fsl_keras.typing import Model


@dataclasses.dataclass(frozen=True)
class Backbone:
    """A backbone: its class, and what it takes.

    The entry is plain data, so that backbones can be listed without importing Keras.

    Args:
        class_name: string, the class in `fsl_keras.backbones`.
        paper: string, its reference.
        inputs: string, the images it takes.
        options: dictionary of the arguments of the class that a run may set, with
            their defaults.
        feature_maps: dictionary of the arguments that make it return feature maps
            `[H, W, C]`, for methods that compare them.
        is_frozen: bool, whether its weights are never trained.
    """

    class_name: str
    paper: str
    inputs: str
    options: dict[str, Any]
    feature_maps: dict[str, Any]
    is_frozen: bool = False

    def make(self, item_shape: tuple[int, ...], **arguments: Any) -> Model:
        """Returns a new backbone.

        Args:
            item_shape: triple, `(height, width, channels)` of an image.
            **arguments: arguments of the class, see `options`.
        """
        from fsl_keras import backbones

        return getattr(backbones, self.class_name)(item_shape, **arguments)

    def check_arguments(self, arguments: dict[str, Any]) -> None:
        """Raises a `ValueError` for arguments that the class does not have."""
        unknown = sorted(set(arguments) - set(self.options))
        if unknown:
            raise ValueError(
                f"{self.class_name} has no options {unknown}. It has: "
                f"{', '.join(self.options)}."
            )

    def label(self, arguments: dict[str, Any]) -> str:
        """Returns a short description, such as `Conv4-64`."""
        filters = arguments.get("filters", self.options.get("filters", ()))
        if isinstance(filters, int):
            filters = (filters,)
        return "-".join([self.class_name, *map(str, filters)])


@dataclasses.dataclass(frozen=True)
class Application(Backbone):
    """A frozen network of `keras.applications`.

    Args:
        name: string, its name there, in any spelling.
    """

    name: str = ""

    def make(self, item_shape: tuple[int, ...], **arguments: Any) -> Model:
        from fsl_keras.backbones import pretrained

        if item_shape[-1] != 3:
            raise ValueError(
                f"{self.name} takes RGB images. Received: item_shape={item_shape}. "
                f"Choose another backbone ({', '.join(BACKBONES)}) or data set."
            )
        height, width, channels = item_shape
        shape = (height, width, channels)
        return pretrained(self.name, input_shape=shape, **arguments)

    def check_arguments(self, arguments: dict[str, Any]) -> None:
        """Does nothing: each application has its own arguments, and checks them."""

    def label(self, arguments: dict[str, Any]) -> str:
        return self.name


BACKBONES = {
    "conv4": Backbone(
        "Conv4",
        "Vinyals et al., 2016",
        "at least 16x16 pixels, any channels; made for 28x28 and 84x84",
        {
            "filters": 64,
            "pooling": "flatten",
            "downsampling": "pool",
            "pooled_blocks": 4,
            "momentum": 0.95,
            "synchronized": False,
        },
        {"pooling": None, "pooled_blocks": 2},
    ),
    "resnet12": Backbone(
        "ResNet12",
        "Oreshkin et al., 2018",
        "at least 16x16 pixels, any channels; made for 84x84",
        {
            "filters": [64, 160, 320, 640],
            "drop_block": 0.0,
            "block_size": 5,
            "pooling": "avg",
            "momentum": 0.95,
            "synchronized": False,
        },
        {"pooling": None},
    ),
    "resnet18": Backbone(
        "ResNet18",
        "He et al., 2016",
        "at least 8x8 pixels, any channels; made for 84x84 and, with "
        "small_input=false, for 224x224",
        {
            "small_input": True,
            "pooling": "avg",
            "momentum": 0.95,
            "synchronized": False,
        },
        {"pooling": None},
    ),
}


def get(name: str) -> Backbone:
    """Returns the backbone of a name of `BACKBONES` or of `keras.applications`.

    Raises:
        ValueError: if there is none, with the nearest name.
    """
    if name in BACKBONES:
        return BACKBONES[name]
    from fsl_keras.backbones.pretrained import names

    if _plain(name) in map(_plain, names()):
        inputs = "RGB; the least size depends on the network"
        maps = {"pooling": None}
        return Application("pretrained", "", inputs, {}, maps, True, name)
    hint = did_you_mean(name, [*BACKBONES, *names()])
    raise ValueError(
        f"There is no backbone {name!r}.{hint} Backbones: {', '.join(BACKBONES)}, and "
        f"the networks of keras.applications, such as mobilenet_v2."
    )


def _plain(name):
    return str(name).lower().replace("_", "").replace("-", "")
