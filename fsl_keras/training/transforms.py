"""Named transforms: of the training data, and of the trained backbone."""

from fsl_keras import datasets
from fsl_keras.backbones import MultiOrientation, MultiView
from fsl_keras.datasets import ClassDataset
from fsl_keras.training.augmentation import are_photographs
from fsl_keras.training.sections import DataOptions
from fsl_keras.typing import Model


def load_data(
    options: DataOptions, split: str, size: int | None = None
) -> ClassDataset:
    """Loads one split of the data of a run, without its transforms.

    Args:
        options: `DataOptions`.
        split: string, such as `"train"`.
        size: optional integer, height and width in pixels, if not those of `options`.

    Returns:
        A `ClassDataset`.

    Raises:
        ValueError: if its items are texts.
    """
    size = size or options.size
    more = {} if size is None else {"image_size": (size, size)}
    data = datasets.load(options.name, split, options.folder, **more)
    if data.item_dtype == "string":
        raise ValueError(
            f"A run trains a network of images, and the items of {options.name} are "
            f"texts. Make a learner of texts of a trained encoder, with "
            f"`models.TransferLearner`."
        )
    return data


def transformed(data: ClassDataset, options: DataOptions) -> ClassDataset:
    """Returns training data with the further classes of `DataOptions.transforms`."""
    for name in options.transforms:
        data = TRANSFORMS[name](data)
    return data


def multi_view(backbone: Model) -> Model:
    """Returns a `MultiView` of a backbone; photographs are mirrored in it."""
    return MultiView(backbone, flip=are_photographs(backbone.input_shape))


TRANSFORMS = {
    "rotations": datasets.with_rotations,
    "reflections": datasets.with_reflections,
}
FINISHES = {"multi_view": multi_view, "multi_orientation": MultiOrientation}
