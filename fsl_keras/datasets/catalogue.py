"""The data sets that can be loaded by name."""

from fsl_keras.datasets import mini_imagenet, omniglot
from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.descriptions import DESCRIPTIONS
from fsl_keras.names import did_you_mean

SPLITS = ("train", "validation", "test")
WITH_TRAINVAL = ("omniglot", "omniglot/lake", "mini_imagenet/development")


def names():
    """Returns the names that `load` knows by itself, besides those of TFDS.

    Example:

    >>> names()[:3]
    ['glyphs', 'omniglot', 'omniglot/lake']
    """
    return list(DESCRIPTIONS)


def load(name, split="train", data_dir=None, **kwargs):
    """Loads one split of the classes of a data set.

    No class is in two splits. `"omniglot"` is the split of Vinyals et al. 2016 with
    rotations as classes: it holds out characters, and shares the alphabet Gurmukhi
    between train and test. `"omniglot/lake"` holds out whole alphabets. The classes
    of any other set of TensorFlow Datasets are divided at random, always in the same
    way: 64% train, 16% validation, 20% test. All three are made of the images of the
    set's own split "train", which is read whole each time.

    Args:
        name: `"glyphs"`, `"omniglot"`, `"omniglot/lake"`, `"mini_imagenet"`,
            `"mini_imagenet/development"` or the name of an image classification set
            of TensorFlow Datasets.
        split: `"train"`, `"validation"` or `"test"`; Omniglot and
            `"mini_imagenet/development"` also have `"trainval"`, which is train and
            validation together.
        data_dir: optional folder where the data lies. By default TensorFlow
            Datasets' own (`TFDS_DATA_DIR`), and `$FSL_KERAS_DATA/mini_imagenet`.
        **kwargs: `size`, a pair of height and width to read Omniglot at, or further
            arguments of `ClassDataset.from_directory` (a folder of miniImageNet) or
            `ClassDataset.from_tfds` (any TFDS name).

    Returns:
        A `ClassDataset`.

    Raises:
        ValueError: if there is no such data set or split, with the nearest name.
        FileNotFoundError: if the data is not there, with where to put it.
        TypeError: if the data set takes no further arguments.
    """
    known = (*SPLITS, "trainval") if name in WITH_TRAINVAL else SPLITS
    if split not in known:
        raise ValueError(f"`split` must be one of {known}. Received: split={split!r}")
    title = f"{name} {split}"
    if name == "glyphs":
        return _glyphs(split, title, **kwargs)
    if name == "omniglot":
        arrays = omniglot.load_vinyals(split, data_dir, **kwargs)
        return ClassDataset.from_arrays(*arrays, title)
    if name == "omniglot/lake":
        arrays = omniglot.load_lake(split, data_dir, **kwargs)
        return ClassDataset.from_arrays(*arrays, title)
    if name == "mini_imagenet":
        return _mini_imagenet(split, title, data_dir, **kwargs)
    if name == "mini_imagenet/development":
        source = "validation" if split == "test" else "train"
        data = _mini_imagenet(source, title, data_dir, **kwargs)
        return data.subset(mini_imagenet.development_classes(data.class_names, split))
    # A higher cutoff, as any other name may be one of TensorFlow Datasets.
    hint = did_you_mean(name, DESCRIPTIONS, cutoff=0.9)
    if hint:
        raise ValueError(f"There is no data set {name!r}.{hint}")
    whole = ClassDataset.from_tfds(name, "train", data_dir=data_dir, **kwargs)
    part = whole.split_classes()[SPLITS.index(split)]
    part.name = title
    return part


def _mini_imagenet(split, title, data_dir, **kwargs):
    path = mini_imagenet.find(split, data_dir)
    if path.is_file():
        arrays = mini_imagenet.read_pickle(path, **kwargs)
        return ClassDataset.from_arrays(*arrays, title)
    kwargs = {"size": mini_imagenet.SIZE, **kwargs}
    return ClassDataset.from_directory(path, name=title, **kwargs)


def _glyphs(split, title, size=(28, 28)):
    from fsl_keras.datasets.glyphs import load_glyphs

    if tuple(size) != (28, 28):
        raise ValueError(f"glyphs are drawn at 28x28 alone. Received: size={size}")

    glyphs = load_glyphs()
    chosen = [i for i, part in enumerate(glyphs.splits) if part == split]
    images = glyphs.images[chosen]
    labels = [i for i in range(len(chosen)) for _ in range(images.shape[1])]
    class_names = [glyphs.class_names[i] for i in chosen]
    return ClassDataset.from_arrays(
        images.reshape(-1, *images.shape[2:]), labels, class_names, title
    )
