"""Options of earlier versions: a flat table, as run folders and presets hold it."""

import json
import pathlib

import pytest

from fsl_keras import presets
from fsl_keras.training import recipes
from fsl_keras.training.flat_options import with_flat
from fsl_keras.training.options import Options
from fsl_keras.training.run_folder import Run

# The options.json of each recipe's run, as the last version wrote it.
FLAT = json.loads(
    pathlib.Path(__file__).with_name("flat_recipes.json").read_text(encoding="utf-8")
)


def options_of(flat):
    return Options.from_tables(with_flat({}, flat))


@pytest.mark.parametrize("name", FLAT)
def test_a_recipe_makes_the_run_that_it_made(name):
    assert options_of(FLAT[name]) == recipes.load(name)


@pytest.mark.parametrize("name", presets.list())
def test_the_options_of_a_preset_are_read(name):
    # Those that were made first lack the options that came later, and are flat.
    options = presets.metadata(name)["options"]
    is_flat = "data" not in options
    found = options_of(options) if is_flat else Options.from_tables(options)
    assert found == recipes.load(name)


@pytest.mark.parametrize(
    ("flat", "options"),
    [
        ({"shots": [1, 5]}, {"train": {"shots": [1, 5]}}),
        ({"filters": [4, 4, 4, 8]}, {"backbone": {"filters": [4, 4, 4, 8]}}),
        ({"views": True}, {"backbone": {"finish": "multi_view"}}),
        (
            {"filters": 8, "backbone_options": {"pooled_blocks": 3}},
            {"backbone": {"filters": 8, "pooled_blocks": 3}},
        ),
        (
            {"reflections": True, "rotations": True},
            {"data": {"transforms": ["rotations", "reflections"]}},
        ),
        (
            {"method": "maml", "method_options": {"inner_steps": 3}},
            {"method": {"name": "maml", "inner_steps": 3}},
        ),
    ],
)
def test_where_an_option_is_now(flat, options):
    assert options_of(flat) == Options.from_tables(options)


def test_a_change_of_a_recipe():
    tables = recipes.tables("frn_conv4_lake")
    changed = with_flat(
        tables,
        {
            "reflections": False,
            "orientations": False,
            "method_options": {},
            "backbone_options": {"pooled_blocks": 2},
        },
    )
    assert changed["data"]["transforms"] == ["rotations"]
    assert changed["method"] == {"name": "frn"}
    assert changed["backbone"] == {
        "filters": [32, 64, 128, 96],
        "finish": None,
        "pooled_blocks": 2,
    }
    assert changed["train"] == tables["train"]
    assert tables == recipes.tables("frn_conv4_lake")


def test_two_finishes():
    with pytest.raises(ValueError, match="orientations besides multi_view"):
        with_flat({}, {"views": True, "orientations": True})


def test_an_option_that_never_was():
    with pytest.raises(ValueError, match="no option 'stepps'"):
        with_flat({}, {"stepps": 3})


@pytest.mark.parametrize(
    "flat",
    [FLAT["frn_conv4_lake"], presets.metadata("siamese_conv4_omniglot")["options"]],
)
def test_a_run_of_an_earlier_version_is_resumed(tmp_path, flat):
    (tmp_path / "options.json").write_text(json.dumps(flat), encoding="utf-8")
    run = Run.resume(tmp_path, {"train": {"steps": flat["steps"]}})
    assert run.options == options_of(flat)
    run.write_options()
    assert Run.resume(tmp_path, run.options.tables()).options == run.options


def test_a_run_of_a_newer_version_is_not(tmp_path):
    flat = {**FLAT["frn_conv4_lake"], "telepathy": True}
    (tmp_path / "options.json").write_text(json.dumps(flat), encoding="utf-8")
    with pytest.raises(ValueError, match=r"no option 'telepathy'.*new run"):
        Run.resume(tmp_path, {})
