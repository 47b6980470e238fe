"""Reading and writing the folder of a preset."""

import datetime
import hashlib
import importlib.metadata
import pathlib
import platform
import warnings
from typing import Any

import keras

from fsl_keras.files import read_json, replacing, write_json, write_text
from fsl_keras.files.outputs import PRESET
from fsl_keras.presets.card import model_card
from fsl_keras.presets.folders import (
    CARD,
    CONFIG,
    FORMAT,
    METADATA,
    WEIGHTS,
    digest_of,
    find,
    metadata,
)
from fsl_keras.typing import Model, Path

SAVED_MODEL = "saved_model"

PACKAGES = ("fsl-keras", "keras", "tensorflow", "numpy")


def from_preset(preset: Path) -> Model:
    """Loads a preset: one that comes with the package, or one in a folder.

    A learner is uncompiled, and has the names of the classes it was trained on
    (`training_classes`, by which `evaluation.evaluate` counts an overlap) and its
    `base_calibration`, if there is one. `from_preset` of a class, such as
    `models.PrototypicalNetwork.from_preset`, also checks the class.

    Args:
        preset: a name of `presets.list()`, or the path of a folder that `presets.save`
            wrote.

    Returns:
        The uncompiled model: a learner, or what else was saved.

    Raises:
        ValueError: if there is no such preset, with the nearest name; if a file of it
            is damaged, was made by a newer version, or its weights do not fit.
        FileNotFoundError: if a file of it is missing.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> learner = fsl.from_preset("prototypical_conv4_omniglot")
    >>> drawings = np.random.default_rng(0).random((4, 28, 28, 1), "float32")
    >>> classifier = learner.adapt(drawings, ["alef", "alef", "bet", "bet"])
    >>> classifier.class_names
    ['alef', 'bet']
    """
    folder = find(preset)
    known = metadata(folder)
    config = config_of(folder)
    _check_file(folder, WEIGHTS, known)
    model = keras.saving.deserialize_keras_object(config)
    try:
        with warnings.catch_warnings():
            # Keras only warns of missing weights, and continues with new ones.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(folder / WEIGHTS)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise ValueError(
            f"The weights in {folder / WEIGHTS} do not fit the model that {CONFIG} "
            f"describes: {error}"
        ) from error
    learner = getattr(model, "learner", model)
    if hasattr(learner, "origin"):
        learner.origin = known
    return model


def config_of(folder: pathlib.Path) -> dict[str, Any]:
    """Returns the configuration of the model in the folder of a preset.

    Raises:
        ValueError: if the file is damaged.
        FileNotFoundError: if the file is missing.
    """
    _check_file(folder, CONFIG, metadata(folder))
    return read_json(folder / CONFIG)


def backbone(preset: Path) -> Model:
    """Loads the backbone of a preset alone, to build another Keras model on.

    Args:
        preset: as in `from_preset`.

    Returns:
        A Keras model from float32 items `[B, *item]` to embeddings `[B, *embedding]`.
        It can be trained further; `trainable = False` freezes it.

    Example:

    >>> import fsl_keras as fsl
    >>> embed = fsl.presets.backbone("prototypical_conv4_omniglot")
    >>> keras.Sequential([embed, keras.layers.Dense(10)]).output_shape
    (None, 10)
    """
    model = _learner(preset)
    if getattr(model, "backbone", None) is not None:
        return model.backbone
    if not hasattr(model, "network"):
        return model  # a backbone itself
    if model.shared_head:
        return model.network
    # The last layer of a network of fixed ways has an output for each of them.
    network = model.network
    return keras.Model(network.inputs[0], network.layers[-1].input, name="backbone")


def head(preset: Path) -> Any:
    """Loads the head of a preset alone, to put it on other embeddings.

    Args:
        preset: as in `from_preset`.

    Returns:
        A `heads.Head`, a layer of support embeddings, labels and query embeddings; or
        the last layer of a gradient-based learner, a layer of embeddings.

    Raises:
        ValueError: if the learner makes a new head for each task, or there is no head.

    Example:

    >>> import fsl_keras as fsl
    >>> mine = keras.Sequential([keras.Input((32,)), keras.layers.Dense(64)])
    >>> learner = fsl.models.MetricModel(
    ...     mine, fsl.presets.head("prototypical_conv4_omniglot"))
    """
    model = _learner(preset)
    if getattr(model, "head", None) is not None:
        return model.head
    if getattr(model, "shared_head", True):
        raise ValueError(
            f"The {type(model).__name__} of {preset} has no head of its own, or one "
            f"that is made anew for each task. Take its backbone "
            f"(`presets.backbone`), or adapt the learner."
        )
    return model.network.layers[-1]


def save(
    model: Model,
    folder: Path,
    metadata: dict[str, Any] | None = None,
    saved_model: bool = False,
) -> None:
    """Writes a model as a preset: a folder that `from_preset` reads.

    The folder holds the configuration, the weights, the metadata, and a model card. An
    old preset is replaced only when the new one is complete.

    Args:
        model: a built model: a learner, a `FewShotClassifier` or a backbone.
        folder: path.
        metadata: optional dictionary of JSON values, what is known of the model: such
            as `description`, `command`, `options`, `cpu_minutes`, `figures` (a list of
            `accuracy`, `ci95` and `protocol`), `licence`. The command
            `fsl-keras reproduce` fills it.
        saved_model: bool, whether to export a SavedModel into the folder as well.

    Raises:
        ValueError: if the model is not built.

    Example:

    >>> import pathlib, tempfile, fsl_keras as fsl
    >>> model = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1)))
    >>> folder = pathlib.Path(tempfile.mkdtemp(), "mine")
    >>> save(model, folder, {"description": "Not trained."})
    >>> sorted(path.name for path in folder.iterdir())
    ['README.md', 'config.json', 'metadata.json', 'model.weights.h5']
    >>> type(from_preset(folder)).__name__
    'PrototypicalNetwork'
    """
    if not getattr(model, "built", False):
        raise ValueError(f"The model must be built to be saved. Received: {model!r}")
    folder = pathlib.Path(folder)
    known = {
        "name": folder.name,
        "format": FORMAT,
        "model": type(model).__name__,
        "made": datetime.date.today().isoformat(),
        "versions": _versions(),
        **(metadata or {}),
    }
    origin = getattr(getattr(model, "learner", model), "origin", {})
    known |= {name: value for name, value in origin.items() if value is not None}
    with replacing(folder, PRESET) as new:
        new.mkdir()
        config = keras.saving.serialize_keras_object(model)
        # A preset has no optimizer.
        config.pop("compile_config", None)
        write_json(new / CONFIG, config)
        plain = keras.saving.deserialize_keras_object(config)
        plain.set_weights(model.get_weights())
        plain.save_weights(new / WEIGHTS)
        known["files"] = {name: _sha256(new / name) for name in (CONFIG, WEIGHTS)}
        write_text(new / CARD, model_card(known))
        if "training_classes" in known:
            known["training_classes"] = _grouped(known["training_classes"])
        write_json(new / METADATA, known)
        # Of the values as JSON has them, for instance of lists instead of tuples.
        written = read_json(new / METADATA)
        write_json(new / METADATA, {**written, "digest": digest_of(written)})
        if saved_model:
            model.export(new / SAVED_MODEL)


def _learner(preset):
    model = from_preset(preset)
    return getattr(model, "learner", model)


def _grouped(names):
    """Returns names by their prefix, which takes half the space for Omniglot."""
    groups = {}
    for name in names:
        group, slash, last = name.rpartition("/")
        groups.setdefault(group + slash, []).append(last)
    return groups


def _check_file(folder, name, known):
    path, wanted = folder / name, known["files"][name]
    if not path.exists():
        raise FileNotFoundError(
            f"The preset {folder} has no file {name}. Get the preset again."
        )
    found = _sha256(path)
    if found != wanted:
        raise ValueError(
            f"{path} is damaged: its SHA-256 is {found[:16]}..., and {METADATA} says "
            f"{wanted[:16]}... Get the preset again."
        )


def _sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _versions():
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {"python": platform.python_version(), **versions}
