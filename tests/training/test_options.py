import json

import pytest

from fsl_keras.training.options import Options


def test_a_data_set_brings_what_suits_it():
    options = Options.suited({"data": {"name": "omniglot"}, "train": {"seed": 3}})
    assert (options.data.train_split, options.train.seed) == ("trainval", 3)
    assert options.test.protocols == ((5, 1), (5, 5), (20, 1), (20, 5))


def test_a_method_brings_what_suits_it():
    options = Options.suited({"method": {"name": "reptile"}})
    assert (options.train.ways, options.train.shots) == (5, (10,))
    assert not options.train.augment


def test_the_run_without_options_is_short():
    short = Options.suited({}).train
    assert (short.steps, short.optimizer, short.learning_rate) == (300, "muon", 5e-3)
    for other in ({"method": {"name": "matching"}}, {"backbone": {"name": "resnet12"}}):
        assert Options.suited(other).train == Options().train


def test_what_is_given_wins():
    given = {"data": {"name": "omniglot"}, "train": {"steps": 600}}
    assert Options.suited(given).train.steps == 600


def test_tables_are_read_again():
    options = Options.suited(
        {"method": {"name": "maml", "inner_steps": 3}, "train": {"shots": [1, 5]}}
    )
    tables = json.loads(json.dumps(options.tables()))
    assert Options.from_tables(tables) == options


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"tarin": {}}, r"no tables \['tarin'\].*train"),
        ({"train": {"stepps": 3}}, r"table `train` has no options \['stepps'\].*steps"),
        ({"train": {"steps": 0}}, "`train.steps` must be at least 1.*start_from"),
        ({"train": {"optimizer": "sgd"}}, "prototypical trains on episodes"),
        ({"train": {"weight_decay": 0.1}}, r"trains on episodes.*weight_decay=0\.1"),
        (
            {"method": {"name": "simclr"}, "train": {"augment": False}},
            "simclr trains on random views",
        ),
        (
            {"method": {"name": "proto_clr"}, "train": {"optimizer": "sgd"}},
            "proto_clr trains on episodes",
        ),
        (
            {"backbone": {"name": "mobilenet_v2"}, "method": {"name": "maml"}},
            "weights of mobilenet_v2 are frozen",
        ),
        (
            {"backbone": {"name": "ResNet50"}, "train": {"mixed_precision": True}},
            "leave out `train.mixed_precision`",
        ),
    ],
)
def test_sections_that_do_not_fit(tables, message):
    with pytest.raises(ValueError, match=message):
        Options.from_tables(tables)


def test_no_steps_on_a_trained_backbone():
    for backbone in ({"start_from": "some_preset"}, {"name": "mobilenet_v2"}):
        options = Options.from_tables({"backbone": backbone, "train": {"steps": 0}})
        assert options.train.steps == 0
