import json

from fsl_keras import presets
from fsl_keras.training import recipes
from fsl_keras.training.backbones import BACKBONES
from fsl_keras.training.methods import METHODS


def names_of(table):
    return {line.split("│")[1].strip(): line for line in table.splitlines()[3:-1]}


def test_the_data_sets_are_listed(run_cli):
    status, out, _ = run_cli("datasets")
    assert status == 0
    for name in ("glyphs", "omniglot", "omniglot/lake", "mini_imagenet", "Gurmukhi"):
        assert name in out


def test_methods_are_listed_with_paper_kind_and_options(run_cli):
    status, out, _ = run_cli("methods")
    assert status == 0
    lines = names_of(out)
    assert set(lines) == set(METHODS)
    assert "Finn et al., 2017" in lines["maml"]
    assert "transductive" in lines["maml"]
    assert "inner_steps=3" in lines["maml"]
    assert "makes no classifier" in lines["tim"]


def test_backbones_are_listed_with_what_they_take(run_cli):
    status, out, _ = run_cli("backbones")
    assert status == 0
    lines = names_of(out)
    frozen = {"mobilenet_v2 and others", "hashed", "all-MiniLM-L6-v2 and others"}
    assert set(lines) == {*BACKBONES, *frozen}
    assert "sentences" in lines["hashed"]
    assert "84x84" in lines["resnet12"]
    assert "drop_block=0.0" in lines["resnet12"]


def test_recipes_are_listed_with_their_figures(run_cli):
    status, out, _ = run_cli("recipes", "--json")
    assert status == 0
    rows = {row["recipe"]: row for row in json.loads(out)["recipes"]}
    assert sorted(rows) == recipes.names()
    assert rows["frn_conv4_lake"]["figures"]["20-way 1-shot"] == "91.97 ± 0.83"
    assert "91.97 ± 0.83" in run_cli("recipes")[1]


def test_presets_are_listed(run_cli):
    status, out, _ = run_cli("presets")
    assert status == 0
    for name in presets.list():
        assert name in out


def test_a_preset_is_measured_by_its_name(run_cli):
    status, out, err = run_cli(
        "evaluate", "prototypical_conv4_glyphs", "--episodes", 2, "--split", "train"
    )
    assert status == 0, err
    # All training classes are among those it was trained on.
    assert "overlap 631" in out


def test_a_preset_that_is_not_there(run_cli):
    status, _, err = run_cli("evaluate", "prototypical_conv4_glyph")
    assert status == 1
    assert "Did you mean 'prototypical_conv4_glyphs'?" in err
