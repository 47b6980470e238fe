"""The data sets that can be loaded by name, each an entry of one table."""

import dataclasses
import importlib
import typing
from collections.abc import Mapping
from typing import Any

from fsl_keras.compat import renamed_parameters
from fsl_keras.names import did_you_mean
from fsl_keras.typing import Path

if typing.TYPE_CHECKING:
    from fsl_keras.datasets.class_dataset import ClassDataset

SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True)
class DatasetEntry:
    """What the package knows of a data set.

    Attributes:
        loader: string, module of `fsl_keras.datasets` and function, such as
            `"omniglot:load_lake"`. It takes a split, `data_dir` and keyword arguments
            of its own, and returns a `ClassDataset`. The module is imported by the
            first call, as it imports TensorFlow.
        description: string, one sentence for the list of data sets.
        licence: string, what weights trained on the data set may be used for.
        title: string, the heading of its table of results.
        note: string, what is needed to read these results.
        splits: tuple of strings.
        suited: tables of the options of a run that suit it, where they differ from
            the defaults (`training.options`).
    """

    loader: str
    description: str
    licence: str
    title: str
    note: str
    splits: tuple[str, ...] = SPLITS
    suited: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)

    def load(
        self, split: str, data_dir: Path | None = None, **kwargs
    ) -> "ClassDataset":
        """Loads one split; see `datasets.load`."""
        name, function = self.loader.split(":")
        module = importlib.import_module(f"fsl_keras.datasets.{name}")
        return getattr(module, function)(split, data_dir, **kwargs)


_GLYPHS = DatasetEntry(
    loader="glyphs:load_split",
    description="printed characters of many scripts, 28x28; whole scripts held out; "
    "drawn from Matplotlib's fonts, nothing to download",
    licence="Apache-2.0; trained on drawings of Matplotlib's fonts",
    title="Printed characters",
    note="Scripts without a class in training; the data comes with the package.",
)
_OMNIGLOT = DatasetEntry(
    loader="omniglot:load_vinyals",
    description="handwritten characters, 28x28, Vinyals split, four rotations as "
    "classes; holds out characters and shares the alphabet Gurmukhi",
    licence="Apache-2.0; trained on Omniglot, Lake et al. 2015, MIT",
    title="Omniglot",
    note="The split of Vinyals et al. 2016, rotations as classes, also at test: "
    "4,800 training and validation classes to train on, 1,692 test classes. Gurmukhi "
    "has characters on both sides.",
    splits=(*SPLITS, "trainval"),
    suited={
        "data": {"train_split": "trainval"},
        "train": {"steps": 4500, "steps_per_epoch": 300},
        "test": {"protocols": [[5, 1], [5, 5], [20, 1], [20, 5]], "episodes": 1000},
    },
)
_LAKE = dataclasses.replace(
    _OMNIGLOT,
    loader="omniglot:load_lake",
    description="handwritten characters, 28x28, whole alphabets held out: 30 of "
    "background (trainval = train + validation) and 20 of evaluation (test)",
    title="Omniglot, by alphabets",
    note="Trained on the 30 background alphabets only, tested on the 20 evaluation "
    "alphabets: on characters of all of them, or within each (Lake's task). Episodes "
    "within an alphabet are drawn at random, and stand for Lake's own 20 runs, which "
    "`evaluation.one_shot_runs` reads.",
)
_MINI_IMAGENET = DatasetEntry(
    loader="mini_imagenet:load_split",
    description="photographs, 84x84, Ravi & Larochelle's 64/16/20 classes; from "
    "a local folder or pickles",
    licence="Apache-2.0; trained on miniImageNet, pictures of ILSVRC-2012, "
    "whose terms allow non-commercial research",
    title="miniImageNet",
    note="Trained on the 64 training classes, tested on the 20 test classes.",
    suited={"train": {"ways": 30, "queries": 15, "steps": 4000}},
)
_DEVELOPMENT = dataclasses.replace(
    _MINI_IMAGENET,
    loader="mini_imagenet:load_development",
    description="the same without the 20 test classes, which choices "
    "must not touch: 12 of the 64 are held out as validation (trainval = all 64), and "
    "the 16 validation classes are the test",
    title="miniImageNet, validation classes",
    note="Trained on the 64 training classes in JPEG of "
    "quality 75, tested on the 16 validation classes. What is chosen, is on 12 of the "
    "64.",
    splits=(*SPLITS, "trainval"),
)
_CLINC150 = DatasetEntry(
    loader="clinc150:load_split",
    description="requests to an assistant, 150 intents, 50 in each split; texts, from "
    "a local file",
    licence="Apache-2.0; trained on CLINC150, Larson et al. 2019, CC BY 3.0",
    title="CLINC150",
    note="Trained on 50 of the 150 intents, tested on 50 others, in the first of five "
    "divisions (`fold=0`).",
    suited={"train": {"augment": False}},
)
_BANKING77 = dataclasses.replace(
    _CLINC150,
    loader="banking77:load_split",
    description="questions of customers of a bank, 77 intents divided into 25, 25 and "
    "27; texts, from local files",
    licence="Apache-2.0; trained on BANKING77, Casanueva et al. 2020, CC BY 4.0",
    title="BANKING77",
    note="Trained on 25 of the 77 intents, tested on 27 others, in the first of five "
    "divisions (`fold=0`).",
)

DATASETS = {
    "omniglot": _OMNIGLOT,
    "omniglot/lake": _LAKE,
    "mini_imagenet": _MINI_IMAGENET,
    "mini_imagenet/development": _DEVELOPMENT,
    "glyphs": _GLYPHS,
    "clinc150": _CLINC150,
    "banking77": _BANKING77,
}


def names() -> list[str]:
    """Returns the names of the data sets of `load`, without those of TFDS.

    Example:

    >>> names()[:3]
    ['omniglot', 'omniglot/lake', 'mini_imagenet']
    """
    return list(DATASETS)


@renamed_parameters(size="image_size")
def load(
    name: str, split: str = "train", data_dir: Path | None = None, **kwargs
) -> "ClassDataset":
    """Loads one split of the classes of a data set.

    No class is in two splits. `"omniglot"` is the split of Vinyals et al. 2016 with
    rotations as classes: it holds out characters, and shares the alphabet Gurmukhi
    between train and test. `"omniglot/lake"` holds out whole alphabets.

    `"clinc150"` and `"banking77"` have the sentences of all files that are there, each
    once in its intent. `datasets.clinc150.read` and `datasets.banking77.read` read the
    sets' own splits, and the sentences of no intent.

    The classes of any other set of TensorFlow Datasets are divided at random, always in
    the same way: 64% train, 16% validation, 20% test. All three take the images of
    the set's own split "train", as the name of the data set says. For the images of
    other splits use `ClassDataset.from_tfds(name, "train+test").split_classes()`.

    Args:
        name: `"glyphs"`, `"omniglot"`, `"omniglot/lake"`, `"mini_imagenet"`,
            `"mini_imagenet/development"`, `"clinc150"` or `"banking77"`, which are
            texts, or the name of an image or text classification set of TensorFlow
            Datasets.
        split: `"train"`, `"validation"` or `"test"`; Omniglot and
            `"mini_imagenet/development"` also have `"trainval"`, which is train and
            validation together.
        data_dir: optional folder that holds the data. By default that of TensorFlow
            Datasets (`TFDS_DATA_DIR`), and `$FSL_KERAS_DATA/mini_imagenet` and
            `$FSL_KERAS_DATA/text`.
        **kwargs: `image_size`, a pair `(height, width)` in pixels to which Omniglot is
            resized, `fold`, an integer from 0 to 4, which of five divisions of the
            intents of texts, or further arguments of `ClassDataset.from_directory` (a
            folder of miniImageNet) or `ClassDataset.from_tfds` (any TFDS name).

    Returns:
        A `ClassDataset`.

    Raises:
        ValueError: if there is no such data set or split, with the nearest name.
        FileNotFoundError: if the data is not there, with where to put it.
        TypeError: if the data set takes no further arguments.

    Example:

    >>> load("glyphs", "test").item_shape
    (28, 28, 1)
    """
    entry = DATASETS.get(name)
    splits = SPLITS if entry is None else entry.splits
    if split not in splits:
        raise ValueError(f"`split` must be one of {splits}. Received: split={split!r}")
    if entry is None:
        return _load_tfds(name, split, data_dir, **kwargs)
    data = entry.load(split, data_dir, **kwargs)
    data.name = f"{name} {split}"
    if "fold" in kwargs:
        data.name += f", fold {kwargs['fold']}"
    return data


def _load_tfds(name, split, data_dir, **kwargs):
    # A high cutoff: most names are those of other sets of TensorFlow Datasets.
    hint = did_you_mean(name, DATASETS, cutoff=0.9)
    if hint:
        raise ValueError(f"There is no data set {name!r}.{hint}")
    from fsl_keras.datasets.tfds import load_split

    return load_split(name, split, data_dir, **kwargs)
