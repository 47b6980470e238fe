import pytest

from fsl_keras.training.sections import (
    BackboneOptions,
    DataOptions,
    EvaluationOptions,
    MethodOptions,
    TrainOptions,
)


@pytest.mark.parametrize(
    "name", ["ways", "queries", "tasks", "steps_per_epoch", "crop_size"]
)
def test_counts_are_positive(name):
    with pytest.raises(
        ValueError,
        match=rf"`train.{name}` must be at least 1. Received: train.{name}=0",
    ):
        TrainOptions(**{name: 0})


@pytest.mark.parametrize(
    ("section", "options", "message"),
    [
        (DataOptions, {"size": 0}, "`data.size` must be at least 1"),
        (DataOptions, {"transforms": ["shear"]}, "`data.transforms` must be among"),
        (DataOptions, {"name": 3}, "`data.name` must be of type str"),
        (BackboneOptions, {"finish": "views"}, "`backbone.finish` must be one of"),
        (BackboneOptions, {"arguments": {"filtres": 3}}, "Conv4 has no options"),
        (BackboneOptions, {"name": "conv5"}, "Did you mean 'conv4'"),
        (BackboneOptions, {"name": "resnet51"}, "Did you mean 'ResNet50'"),
        (MethodOptions, {"name": "magic"}, "no method 'magic'"),
        (MethodOptions, {"arguments": {"speed": 3}}, r"no options \['speed'\]"),
        (TrainOptions, {"ways": "many"}, "`train.ways` must be of type int"),
        (TrainOptions, {"ways": True}, "`train.ways` must be of type int"),
        (TrainOptions, {"augment": "no"}, "`train.augment` must be of type bool"),
        (TrainOptions, {"shots": 0}, r"`train.shots` must be at least 1.*\(0,\)"),
        (TrainOptions, {"shots": [0, 5]}, "`train.shots` must be at least 1"),
        (TrainOptions, {"shots": [1, 2, 3]}, "`train.shots` must be"),
        (TrainOptions, {"steps": -100}, "`train.steps` must be at least 0"),
        (TrainOptions, {"steps": 150}, "multiple of `train.steps_per_epoch`"),
        (TrainOptions, {"learning_rate": 0.0}, "`train.learning_rate` must be above 0"),
        (TrainOptions, {"optimizer": "lion"}, r"one of .*sgd.*optimizer='lion'"),
        (TrainOptions, {"weight_decay": -0.1}, "`train.weight_decay` must be at least"),
        (TrainOptions, {"crop_size": 8, "augment": False}, "without `train.augment`"),
        (EvaluationOptions, {"episodes": 0}, "`test.episodes` must be at least 1"),
        (EvaluationOptions, {"protocols": [[5]]}, "`test.protocols` must be pairs"),
        (EvaluationOptions, {"protocols": [[5, 0]]}, "`test.protocols` must be pairs"),
    ],
)
def test_values_that_are_not_valid(section, options, message):
    with pytest.raises(ValueError, match=message):
        section(**options)


def test_numbers_and_lists_become_tuples():
    assert TrainOptions(shots=1) == TrainOptions(shots=[1])
    assert TrainOptions(shots=[1, 5]).shots == (1, 5)
    assert EvaluationOptions(protocols=[[5, 1]]).protocols == ((5, 1),)
    assert DataOptions(transforms=["rotations"]).transforms == ("rotations",)


def test_an_integer_is_a_float():
    assert TrainOptions(learning_rate=1).learning_rate == 1


def test_arguments_stand_beside_the_name_in_a_table():
    section = MethodOptions.from_table({"name": "maml", "inner_steps": 3})
    assert section == MethodOptions("maml", {"inner_steps": 3})
    assert section.table() == {"name": "maml", "inner_steps": 3}


def test_a_table_is_of_json_values():
    section = BackboneOptions("resnet12", arguments={"filters": (4, 4, 4, 4)})
    table = section.table()
    assert table["filters"] == [4, 4, 4, 4]
    assert BackboneOptions.from_table(table) == section
