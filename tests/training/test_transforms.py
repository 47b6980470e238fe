import pytest

from fsl_keras.backbones import Conv4
from fsl_keras.training import sections, transforms
from fsl_keras.training.sections import DataOptions
from fsl_keras.training.transforms import load_data, multi_view, transformed
from tests.checks import random_classes


def test_each_name_has_a_function():
    assert tuple(transforms.TRANSFORMS) == sections.TRANSFORMS
    assert tuple(transforms.FINISHES) == sections.FINISHES


def test_transforms_of_the_training_data_are_applied_in_their_order():
    data = random_classes(2, 3)
    options = DataOptions(transforms=("rotations", "reflections"))
    names = transformed(data, options).class_names
    assert len(names) == 16
    assert "class 0/rot090/mirrored" in names
    assert transformed(data, DataOptions()) is data


def test_views_of_photographs_are_mirrored_and_those_of_characters_are_not():
    views = [
        multi_view(Conv4(shape, filters=2)).views
        for shape in ((28, 28, 1), (84, 84, 3))
    ]
    assert [layer.flip for layer in views] == [False, True]


def test_texts_are_no_data_of_a_run(tmp_path):
    lines = [f"sentence {i},intent {i}\n" for i in range(77)]
    (tmp_path / "train.csv").write_text("".join(["text,category\n", *lines]), "utf-8")
    options = DataOptions(name="banking77", folder=str(tmp_path))
    with pytest.raises(ValueError, match=r"of banking77 are texts.*TransferLearner"):
        load_data(options, "train")
