"""Presets by the class of what is in them."""

from collections.abc import Iterator
from typing import Any, Self

from fsl_keras.files import read_json
from fsl_keras.imports.registration import registered_class
from fsl_keras.presets import folders
from fsl_keras.typing import Path

# The parts of a model that are models of their own: attributes and configuration keys.
PARTS = ("learner", "backbone", "network")


class _ClassProperty:
    """A property of a class, which its instances do not have."""

    def __init__(self, function):
        self.function = function
        self.__doc__ = function.__doc__

    def __get__(self, instance, owner):
        if instance is not None:
            raise AttributeError("`presets` is an attribute of the class alone.")
        return self.function(owner)


class HasPresets:
    """Mixed into a Keras model: its class loads and lists the presets of its kind.

    A preset is of a class if it is an instance, or if a part of it is: a classifier
    has a `learner`, and a learner has a `backbone` (or a `network`).
    """

    @classmethod
    def from_preset(cls, preset: Path) -> Self:
        """Loads a preset of this class, or the part of a preset that is.

        Args:
            preset: a name that the attribute `presets` lists, or the path of a folder
                that `save_to_preset` wrote.

        Returns:
            An uncompiled model of this class or of one derived from it.

        Raises:
            ValueError: if neither the preset nor a part of it is of this class, and as
                `fsl_keras.from_preset`.
            FileNotFoundError: if a file of the preset is missing.

        Example:

        >>> import fsl_keras as fsl
        >>> name = "prototypical_conv4_omniglot"
        >>> fsl.models.PrototypicalNetwork.from_preset(name).item_shape
        (28, 28, 1)
        >>> fsl.backbones.Conv4.from_preset(name).output_shape
        (None, 64)
        """
        from fsl_keras.presets.store import config_of, from_preset

        config = config_of(folders.find(preset))
        attributes = _path_to(cls, config)
        if attributes is None:
            kinds = " with ".join(name for _, name in _parts(config))
            raise ValueError(
                f"The preset is no {cls.__name__}, nor has a part that is one. "
                f"`fsl_keras.from_preset` loads a preset of any class. Received: "
                f"preset={str(preset)!r}, of {kinds}. Presets of {cls.__name__}: "
                f"{', '.join(cls.presets) or 'none'}."
            )
        model = from_preset(preset)
        for attribute in attributes:
            model = getattr(model, attribute)
        return model

    def save_to_preset(
        self, folder: Path, metadata: dict[str, Any] | None = None
    ) -> None:
        """Writes the model as a preset; see `fsl_keras.presets.save`.

        Args:
            folder: path of the folder.
            metadata: optional dictionary of JSON values, what is known of the model.
        """
        from fsl_keras.presets.store import save

        save(self, folder, metadata)

    @_ClassProperty
    def presets(cls) -> list[str]:
        """The names of the presets of this class that come with the package."""
        configs = {
            name: folders.find(name) / folders.CONFIG for name in folders.names()
        }
        return [
            name
            for name, path in configs.items()
            if _path_to(cls, read_json(path)) is not None
        ]


def _path_to(cls, config: dict) -> tuple[str, ...] | None:
    """Returns the attributes that lead to the first part of a class, or None."""
    for attributes, name in _parts(config):
        found = registered_class(name)
        if found is not None and issubclass(found, cls):
            return attributes
    return None


def _parts(config: dict) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yields the path of attributes and the registered name of a model and its parts.

    Args:
        config: the configuration of a model, as Keras serializes it.
    """
    yield (), config["registered_name"] or config["class_name"]
    for part in PARTS:
        inner = config["config"].get(part)
        if isinstance(inner, dict):
            for attributes, name in _parts(inner):
                yield (part, *attributes), name
