import pytest

from fsl_keras import presets
from fsl_keras.presets.card import percent
from fsl_keras.training import recipes
from fsl_keras.training.options import Options
from fsl_keras.training.run_folder import Run
from tests.training.checks import small_options


@pytest.mark.parametrize("name", presets.list())
def test_every_preset_is_made_by_its_recipe(name):
    metadata, figures = presets.metadata(name), recipes.figures(name)
    assert metadata["command"] == f"fsl-keras reproduce {name}"
    assert figures["cpu_minutes"] == pytest.approx(metadata["cpu_minutes"], abs=0.5)
    for figure in metadata["figures"]:
        protocol = figure["protocol"]
        task = f"{protocol['ways']}-way {protocol['shots']}-shot"
        found = figures.get(task) or figures[f"{task}, {protocol['kind']}"]
        assert found == percent(figure)


def test_a_recipe_holds_what_differs_from_what_suits():
    options = recipes.load("prototypical_conv4_omniglot", {"train": {"seed": 3}})
    assert options.train.seed == 3
    assert options.data.transforms == ("reflections",)
    suited = Options.suited({"data": {"name": "omniglot"}})
    assert options.data.train_split == suited.data.train_split == "trainval"


def test_a_recipe_of_a_user_is_a_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('[method]\nname = "maml"\ninner_steps = 2\n', encoding="utf-8")
    options = recipes.load(str(path))
    assert options.method.arguments == {"inner_steps": 2}
    assert options.train.ways == 5


@pytest.mark.parametrize(
    ("recipe", "error", "message"),
    [
        ("prototypical_conv4_omniglt", ValueError, "prototypical_conv4_omniglot"),
        ("nowhere.toml", FileNotFoundError, "There is no recipe nowhere.toml"),
    ],
)
def test_a_recipe_that_is_not_there(recipe, error, message):
    with pytest.raises(error, match=message):
        recipes.load(recipe)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nstepps = 3\n", "table `train` has no options"),
        ("[tarin]\nsteps = 3\n", "no tables"),
        ("[train\n", "mine.toml is not valid TOML"),
    ],
)
def test_a_recipe_with_a_mistake(tmp_path, text, message):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        recipes.load(str(path))


def test_the_metadata_describes_the_run(tmp_path):
    options = small_options(
        data={"folder": "/home/me"},
        backbone={"filters": [2, 3, 4, 5], "finish": "multi_view"},
    )
    metadata = recipes.metadata("wider", Run(tmp_path, options), [], "fsl-keras ...")
    assert metadata["description"] == (
        "prototypical on Conv4-2-3-4-5, multi_view embeddings, trained on glyphs."
    )
    assert metadata["options"]["backbone"]["filters"] == [2, 3, 4, 5]
    assert metadata["options"]["data"]["folder"] is None
    assert metadata["licence"].startswith("Apache-2.0")
