"""Image and text classification sets of TensorFlow Datasets, as arrays."""

import operator
from typing import Any

import numpy as np
import tensorflow as tf

from fsl_keras import images
from fsl_keras.datasets.catalogue import SPLITS
from fsl_keras.datasets.class_dataset import ClassDataset
from fsl_keras.datasets.columns import has_items, item_column
from fsl_keras.datasets.division import divided
from fsl_keras.names import did_you_mean
from fsl_keras.typing import Dataset, Path

# The split of TensorFlow Datasets whose images `load_split` takes.
SOURCE = "train"


def load_split(
    name: str,
    split: str,
    data_dir: Path | None = None,
    *,
    label_key: str = "label",
    download: bool = True,
    **kwargs,
) -> ClassDataset:
    """Loads one of the parts that the classes of a set are divided into.

    Labels are read first, so that only the images of this part are decoded and kept.

    Args:
        name: string, such as `"cifar100"`.
        split: `"train"`, `"validation"` or `"test"`, a part of the classes.
        data_dir: optional folder of prepared sets.
        label_key: as in `ClassDataset.from_tfds`.
        download: as in `ClassDataset.from_tfds`.
        **kwargs: further arguments of `ClassDataset.from_tfds`.
    """
    labels = _read_labels(name, data_dir, label_key, download)
    part = divided(len(labels))[SPLITS.index(split)]
    values, labels, class_names = read_tfds(
        name,
        SOURCE,
        data_dir=data_dir,
        label_key=label_key,
        download=download,
        classes=labels[part],
        **kwargs,
    )
    name = f"{name} {split}, images of TFDS's {SOURCE}"
    return ClassDataset.from_arrays(values, labels, class_names, name)


def read_tfds(
    name: str,
    split: str,
    image_size: tuple[int, int] | None = None,
    channels: int | None = None,
    data_dir: Path | None = None,
    invert: bool = False,
    image_key: str = "image",
    text_key: str | None = None,
    label_key: str = "label",
    download: bool = True,
    classes: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Reads images or texts, labels and class names; see `ClassDataset.from_tfds`.

    Args:
        classes: optional array of labels, the classes to read; all by default.

    Returns:
        A triple: uint8 images `[n, H, W, C]` or texts in bytes `[n]`, int64 labels
        `[n]` and the names of the classes that have items, which the labels index.
    """
    import tensorflow_datasets as tfds

    _, info = open_tfds(name, split, data_dir, download)
    text_key = text_key or _text_key(info.features, image_key)
    label_names = _label_names(name, info, label_key, text_key or image_key)
    if text_key is None:
        prepare = _image_reader(name, info, image_key, image_size, channels, invert)
        # Images are decoded after those of other classes are filtered out.
        decoders = {image_key: tfds.decode.SkipDecoding()}
    else:
        _check_texts(name, info, text_key, image_size or channels or invert)
        prepare = operator.itemgetter(text_key)
        decoders = tfds.decode.PartialDecoding({text_key: True, label_key: True})
    dataset, _ = open_tfds(name, split, data_dir, download, decoders)
    if classes is not None:
        dataset = dataset.filter(
            lambda example: tf.reduce_any(example[label_key] == classes)
        )
    dataset = dataset.map(
        lambda example: (prepare(example), example[label_key]),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    parts = list(dataset.batch(512).as_numpy_iterator())
    values, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    kept = np.unique(labels)
    class_names = [label_names[label] for label in kept]
    return values, np.searchsorted(kept, labels), class_names


def _text_key(features, image_key):
    """Returns the name of the texts of a set that has no images, or None."""
    import tensorflow_datasets as tfds

    texts = [n for n, kind in features.items() if isinstance(kind, tfds.features.Text)]
    is_text = image_key not in features and has_items(texts, "text")
    return item_column(texts, "text") if is_text else None


def _check_texts(name, info, text_key, for_images):
    import tensorflow_datasets as tfds

    if not isinstance(info.features[text_key], tfds.features.Text):
        raise ValueError(f"`{text_key}` of {name} is not a text.")
    if for_images:
        raise ValueError(
            f"The items of {name} are texts: leave out `image_size`, `channels` and "
            f"`invert`, which are for images."
        )


def _image_reader(name, info, image_key, image_size, channels, invert):
    """Returns the function from an example with an undecoded image to the image."""
    feature = info.features[image_key]
    image_size = image_size or feature.shape[:2]
    channels = channels or feature.shape[2]
    if None in image_size or channels not in (1, 3):
        raise ValueError(
            f"The images of {name} differ in size or have an unusual number of "
            f"channels: {feature.shape}. Pass `image_size=(height, width)` and "
            f"`channels`."
        )

    def read(example):
        image = feature.decode_example(example[image_key])
        return images.fit(image, image_size, channels, invert)

    return read


def open_tfds(
    name: str,
    split: str,
    data_dir: Path | None = None,
    download: bool = True,
    decoders: Any = None,
) -> tuple[Dataset, Any]:
    """Opens a prepared set, or says where to put it.

    Args:
        decoders: optional, as `tfds.load` takes them.

    Returns:
        The pair `(dataset, info)` of `tfds.load`.
    """
    import tensorflow_datasets as tfds

    try:
        return tfds.load(
            name,
            split=split,
            data_dir=data_dir,
            download=download,
            decoders=decoders,
            with_info=True,
        )
    except tfds.core.DatasetNotFoundError as error:
        hint = did_you_mean(name, tfds.list_builders())
        raise ValueError(f"There is no data set {name!r}.{hint}") from error
    except ValueError:
        raise  # an unknown split, which TensorFlow Datasets explains itself
    except Exception as error:
        folder = data_dir or tfds.core.constants.DATA_DIR
        raise FileNotFoundError(
            f"The data set {name} is not prepared in {folder} and was not downloaded "
            f"({type(error).__name__}). Put the prepared folder `{name}/<version>` "
            f"there, or set TFDS_DATA_DIR to the folder that holds it."
        ) from error


def _read_labels(name, data_dir, label_key, download):
    """Returns the labels that occur, without reading images."""
    import tensorflow_datasets as tfds

    _, info = open_tfds(name, SOURCE, data_dir, download)
    _label_names(name, info, label_key)
    decoders = tfds.decode.PartialDecoding({label_key: True})
    dataset, _ = open_tfds(name, SOURCE, data_dir, download, decoders)
    labels = dataset.map(lambda example: example[label_key]).batch(4096)
    return np.unique(np.concatenate(list(labels.as_numpy_iterator())))


def _label_names(name, info, label_key, *other_keys):
    """Returns the names of all classes; checks that the features are there."""
    missing = [key for key in (*other_keys, label_key) if key not in info.features]
    if missing:
        raise ValueError(
            f"{name} has no feature {missing}. It has {sorted(info.features)}: name "
            f"those of the image or the text and of the label with `image_key`, "
            f"`text_key` and `label_key`."
        )
    names = getattr(info.features[label_key], "names", None)
    if names is None:
        raise ValueError(f"`{label_key}` of {name} is not a class label.")
    return names
