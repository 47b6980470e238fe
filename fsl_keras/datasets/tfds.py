"""Image classification sets of TensorFlow Datasets, as arrays."""

import numpy as np
import tensorflow as tf

from fsl_keras import images
from fsl_keras.names import did_you_mean


def read_tfds(
    name,
    split,
    size=None,
    channels=None,
    data_dir=None,
    invert=False,
    image_key="image",
    label_key="label",
    download=True,
):
    """Reads pictures, labels and class names; see `ClassDataset.from_tfds`.

    Returns:
        A triple: uint8 pictures `[n, H, W, C]`, int64 labels `[n]` and the list of
        all the set's class names.
    """
    dataset, info = open_tfds(name, split, data_dir, download)
    missing = [key for key in (image_key, label_key) if key not in info.features]
    if missing:
        raise ValueError(
            f"{name} has no feature {missing}. It has {sorted(info.features)}: say "
            f"which is the picture and which the label with `image_key` and "
            f"`label_key`."
        )
    label = info.features[label_key]
    class_names = getattr(label, "names", None)
    if class_names is None:
        raise ValueError(f"`{label_key}` of {name} is not a class label.")
    shape = info.features[image_key].shape
    size = size or shape[:2]
    channels = channels or shape[2]
    if None in size or channels not in (1, 3):
        raise ValueError(
            f"The pictures of {name} differ in size or have an unusual number of "
            f"channels: {shape}. Give `size=(height, width)` and `channels`."
        )

    def prepare(example):
        picture = images.fit(example[image_key], size, channels, invert)
        return picture, example[label_key]

    dataset = dataset.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).batch(512)
    parts = list(dataset.as_numpy_iterator())
    values, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    return values, labels, class_names


def open_tfds(name, split, data_dir=None, download=True):
    """Opens a prepared set, and says where to put it if it is not there.

    Returns:
        The pair `(dataset, info)` of `tfds.load`.
    """
    import tensorflow_datasets as tfds

    try:
        return tfds.load(
            name, split=split, data_dir=data_dir, download=download, with_info=True
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
            f"there, or set TFDS_DATA_DIR to where it is."
        ) from error
