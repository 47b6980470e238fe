"""Reading and writing the folder of a preset."""

import dataclasses
import datetime
import hashlib
import importlib.metadata
import json
import pathlib
import platform
import re
import warnings

import keras

from fsl_keras.files import read_json, replacing, write_text
from fsl_keras.files.outputs import PRESET
from fsl_keras.heads import Head
from fsl_keras.model_selection.base_classes import BaseCalibration
from fsl_keras.presets.card import model_card
from fsl_keras.presets.folders import (
    CARD,
    CONFIG,
    FORMAT,
    METADATA,
    WEIGHTS,
    find,
    metadata,
)

SAVED_MODEL = "saved_model"

PACKAGES = ("fsl-keras", "keras", "tensorflow", "numpy")


def from_preset(preset):
    """Loads a model from the zoo, or from a folder that `presets.save` wrote.

    A learner comes back uncompiled, with the names of the classes it was trained on
    (`training_classes`, by which `evaluation.evaluate` tells an overlap) and its
    `base_calibration`, where there is one.

    Args:
        preset: a name of `presets.list()`, or the path of a folder.

    Returns:
        The model: a learner, or a `FewShotClassifier`.

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
    told = metadata(folder)
    for name in (CONFIG, WEIGHTS):
        _check_file(folder, name, told["files"][name])
    config = read_json(folder / CONFIG)
    model = keras.saving.deserialize_keras_object(config)
    try:
        with warnings.catch_warnings():
            # Keras goes on where some weights are not there, with new ones.
            warnings.simplefilter("error", UserWarning)
            model.load_weights(folder / WEIGHTS)
    except (ValueError, KeyError, OSError, UserWarning) as error:
        raise ValueError(
            f"The weights in {folder / WEIGHTS} do not fit the model that {CONFIG} "
            f"describes: {error}"
        ) from error
    learner = getattr(model, "learner", model)
    if told.get("training_classes"):
        learner.training_classes = tuple(told["training_classes"])
    if told.get("base_calibration"):
        learner.base_calibration = BaseCalibration(**told["base_calibration"])
    return model


def backbone(preset):
    """Loads the backbone of a preset alone, to build another Keras model on.

    Args:
        preset: as in `from_preset`.

    Returns:
        A Keras model from float32 items `[B, *item]` to embeddings `[B, *embedding]`.
        It trains on like any other; `trainable = False` freezes it.

    Example:

    >>> import fsl_keras as fsl
    >>> embed = fsl.presets.backbone("prototypical_conv4_omniglot")
    >>> keras.Sequential([embed, keras.layers.Dense(10)]).output_shape
    (None, 10)
    """
    model = _learner(preset)
    if getattr(model, "backbone", None) is not None:
        return model.backbone
    if model.shared_head:
        return model.network
    # A network with an output for each way ends with the layer of these outputs.
    network = model.network
    return keras.Model(network.inputs[0], network.layers[-1].input, name="backbone")


def head(preset):
    """Loads the head of a preset alone, to put it on other embeddings.

    Args:
        preset: as in `from_preset`.

    Returns:
        A `heads.Head`, a layer of support embeddings, labels and query embeddings; or
        the last layer of a gradient-based learner, a layer of embeddings.

    Raises:
        ValueError: if the learner makes a layer for each task anew.

    Example:

    >>> import fsl_keras as fsl
    >>> mine = keras.Sequential([keras.Input((32,)), keras.layers.Dense(64)])
    >>> learner = fsl.models.MetricModel(
    ...     mine, fsl.presets.head("prototypical_conv4_omniglot"))
    """
    model = _learner(preset)
    found = getattr(model, "head", None)
    if isinstance(found, Head):
        return found
    if model.shared_head:
        raise ValueError(
            f"The {type(model).__name__} of {preset} has no head to give: its last "
            f"layer is made anew for each task. Take its backbone "
            f"(`presets.backbone`), or adapt it as it is."
        )
    return model.network.layers[-1]


def save(model, folder, metadata=None, saved_model=False):
    """Writes a model as a preset: a folder that `from_preset` reads.

    It holds the configuration, the weights, what is known of the model, and a card for
    people. An old folder is replaced only when the new one is whole.

    Args:
        model: a learner or a `FewShotClassifier`.
        folder: path.
        metadata: optional dictionary of JSON values, what is known of the model: such
            as `description`, `command`, `options`, `cpu_minutes`, `figures` (a list of
            `accuracy`, `ci95` and `protocol`), `licence`. A run of the command
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
    told = {
        "name": folder.name,
        "format": FORMAT,
        "model": type(model).__name__,
        "made": datetime.date.today().isoformat(),
        "versions": _versions(),
        **(metadata or {}),
    }
    learner = getattr(model, "learner", model)
    classes = getattr(learner, "training_classes", None)
    if classes is not None:
        told["training_classes"] = [*classes]
    calibration = getattr(learner, "base_calibration", None)
    if calibration is not None:
        told["base_calibration"] = dataclasses.asdict(calibration)
    with replacing(folder, PRESET) as beside:
        beside.mkdir()
        config = keras.saving.serialize_keras_object(model)
        # Neither the optimizer nor its state: they are no part of what was learned.
        config.pop("compile_config", None)
        _write_json(beside / CONFIG, config)
        plain = keras.saving.deserialize_keras_object(config)
        plain.set_weights(model.get_weights())
        plain.save_weights(beside / WEIGHTS)
        told["files"] = {name: _sha256(beside / name) for name in (CONFIG, WEIGHTS)}
        write_text(beside / CARD, model_card(told))
        if classes is not None:
            told["training_classes"] = _grouped(classes)
        _write_json(beside / METADATA, told)
        if saved_model:
            model.export(beside / SAVED_MODEL)


def _learner(preset):
    model = from_preset(preset)
    return getattr(model, "learner", model)


def _grouped(names):
    """Returns names by what they begin with: those of Omniglot take half the room."""
    groups = {}
    for name in names:
        group, slash, last = name.rpartition("/")
        groups.setdefault(group + slash, []).append(last)
    return groups


def _check_file(folder, name, wanted):
    path = folder / name
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


def _write_json(path, content):
    text = json.dumps(content, indent=1, ensure_ascii=False)
    # Lists of numbers and names each on one line. A string has no raw line break.
    text = re.sub(r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\n *", " ", found[0]), text)
    write_text(path, text + "\n")
