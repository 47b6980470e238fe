"""miniImageNet from a local folder or the pickles it is passed around as."""

import os
import pathlib
import pickle

import numpy as np

from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.typing import Path

SPLITS = {"train": "train", "validation": "val", "test": "test"}
SIZE = (84, 84)


def load_split(split: str, data_dir: Path | None = None, **kwargs) -> ClassDataset:
    """Loads the classes of one split; see `datasets.load`.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        data_dir: optional folder, as in `find`.
        **kwargs: arguments of `ClassDataset.from_directory`, where it is a folder.
    """
    path = find(split, data_dir)
    if path.is_file():
        return ClassDataset.from_arrays(*read_pickle(path, **kwargs))
    return ClassDataset.from_directory(path, **{"image_size": SIZE, **kwargs})


def load_development(
    split: str, data_dir: Path | None = None, **kwargs
) -> ClassDataset:
    """Loads one split of `"mini_imagenet/development"`; see `datasets.load`.

    Its test classes are the validation classes of miniImageNet, and its other classes
    are training classes of it.
    """
    source = "validation" if split == "test" else "train"
    data = load_split(source, data_dir, **kwargs)
    return data.subset(development_classes(data.class_names, split))


def find(split: str, data_dir: Path | None = None) -> pathlib.Path:
    """Finds the class folders or the pickle of a split.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        data_dir: optional folder; `$FSL_KERAS_DATA/mini_imagenet` by default.

    Returns:
        The path of a folder that holds a folder for each class, or of a pickle.

    Raises:
        FileNotFoundError: if neither is there, with where to put it.
    """
    if data_dir is None:
        data_dir = pathlib.Path(os.environ.get("FSL_KERAS_DATA", "."), "mini_imagenet")
    data_dir, short = pathlib.Path(data_dir), SPLITS[split]
    candidates = [
        data_dir / short,
        data_dir / f"mini-imagenet-cache-{short}.pkl",
    ]
    for path in candidates:
        if path.exists():
            return path
    raise FileNotFoundError(
        f"miniImageNet's {split} classes are not in {data_dir}: neither a folder "
        f"`{short}` of class folders nor `mini-imagenet-cache-{short}.pkl`. Its "
        f"licence does not allow shipping it; put it there, or name its folder with "
        f"`data_dir` or as `mini_imagenet` below FSL_KERAS_DATA."
    )


def development_classes(class_names: list[str], split: str) -> list[str]:
    """Returns the classes of a split of `"mini_imagenet/development"`.

    Args:
        class_names: list of strings, the classes that were read for the split.
        split: `"validation"` is every fifth of the training classes, `"train"` the
            others; any other split is all that were read.
    """
    held_out = sorted(class_names)[4::5]
    if split == "validation":
        return held_out
    if split == "train":
        return [name for name in class_names if name not in held_out]
    return class_names


def read_pickle(path: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Reads a pickle of `image_data` uint8 `[n, 84, 84, 3]` and `class_dict`.

    Returns:
        A triple: images, labels and class names.

    Raises:
        pickle.UnpicklingError: if it holds anything but arrays and plain containers.
        ValueError: if one of the two is missing.
    """
    with open(path, "rb") as file:
        # The first pickles were written by Python 2, whose bytes need an encoding.
        content = _PlainUnpickler(file, encoding="latin1").load()
    missing = {"image_data", "class_dict"} - set(content)
    if missing:
        raise ValueError(f"{path} has no {sorted(missing)}. It has {sorted(content)}.")
    class_names = sorted(content["class_dict"])
    rows = [np.asarray(content["class_dict"][name]) for name in class_names]
    labels = np.repeat(np.arange(len(rows)), [len(r) for r in rows])
    return content["image_data"][np.concatenate(rows)], labels, class_names


class _PlainUnpickler(pickle.Unpickler):
    """Reads arrays and plain containers only, as a pickle may run any code."""

    # The functions that restore NumPy arrays, in all protocols of pickle.
    ALLOWED = ("_reconstruct", "_frombuffer", "ndarray", "dtype", "scalar")

    def find_class(self, module, name):
        of_numpy = module.split(".")[0] == "numpy" and name in self.ALLOWED
        if of_numpy or (module, name) == ("_codecs", "encode"):
            return super().find_class(module, name)
        raise pickle.UnpicklingError(
            f"{module}.{name} is not allowed in a pickle of miniImageNet, which holds "
            f"arrays and plain containers only."
        )
