import json

import h5py
import numpy as np
import pytest
from fsl_keras.training.runs import Options

import fsl_keras as fsl
from fsl_keras import presets
from fsl_keras.presets.card import percent
from fsl_keras.training import recipes, runs

TINY = """
dataset = "glyphs"
method = "prototypical"
ways = 5
steps = 4
steps_per_epoch = 2
filters = 4
tests = [[5, 1]]
test_episodes = 4
"""


@pytest.fixture(autouse=True, scope="module")
def few_episodes():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "VALIDATION_EPISODES", 4)
        yield


@pytest.fixture(scope="module")
def tiny(tmp_path_factory, run_cli):
    """The folder of a run of a tiny recipe, and what the command said."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "tiny.toml").write_text(TINY)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "_folder", lambda: folder)
        status, out, err = run_cli("reproduce", "tiny", "--output", folder / "run")
    assert status == 0, err
    return folder / "run", out


@pytest.fixture
def own_recipes(tmp_path, monkeypatch):
    """A folder of recipes in the place of the package's."""
    folder = tmp_path / "recipes"
    folder.mkdir()
    (folder / "tiny.toml").write_text(TINY)
    monkeypatch.setattr(recipes, "_folder", lambda: folder)
    return folder


@pytest.mark.parametrize("name", recipes.names())
def test_every_recipe_is_of_a_run(name):
    assert isinstance(recipes.load(name), Options)


@pytest.mark.parametrize("name", presets.list())
def test_every_preset_is_made_by_its_recipe(name):
    told = presets.metadata(name)
    options = {**recipes.load(name).__dict__, "data_dir": None}
    options["tests"] = [list(test) for test in options["tests"]]
    # Options that came later are not in it.
    for option, value in told["options"].items():
        assert options[option] == value
    assert told["command"] == f"fsl-keras reproduce {name}"
    lines = (recipes._folder() / f"{name}.toml").read_text().splitlines()
    header = " ".join(line[2:] for line in lines if line.startswith("# "))
    assert header.startswith(told["command"])
    for figure in told["figures"]:
        ways, shots = (figure["protocol"][key] for key in ("ways", "shots"))
        assert f"{ways}-way {shots}-shot {percent(figure)}" in header


def test_a_recipe_says_what_differs_from_what_suits():
    options = recipes.load("prototypical_conv4_omniglot", seed=3)
    assert options.seed == 3
    assert options.reflections
    assert options.train_split == Options.suited("omniglot").train_split


def test_an_unknown_recipe_brings_the_nearest():
    with pytest.raises(ValueError, match="prototypical_conv4_omniglot"):
        recipes.load("prototypical_conv4_omniglt")


def test_an_option_that_runs_have_not(own_recipes):
    (own_recipes / "tiny.toml").write_text(TINY + "stepps = 3\n")
    with pytest.raises(ValueError, match="stepps"):
        recipes.load("tiny")


def test_reproducing_writes_a_preset(tiny):
    output, out = tiny
    assert f"Written: {output / 'preset'}" in out
    told = presets.metadata(output / "preset")
    assert told["command"] == "fsl-keras reproduce tiny"
    assert told["data"] == "glyphs train"
    seconds = json.loads((output / "history.json").read_text())["cpu_seconds"]
    assert told["cpu_minutes"] == pytest.approx(sum(seconds) / 60, abs=0.006)
    assert told["licence"].startswith("Apache-2.0")
    (figure,) = told["figures"]
    assert figure["protocol"]["overlap"] == 0
    assert figure["protocol"]["batch_norm"] == "running"
    assert figure["protocol"]["episodes"] == 4
    learner = fsl.from_preset(output / "preset")
    # For when there is one example of a class; by classes it was not trained on.
    assert learner.base_calibration.source.startswith("glyphs validation, 200 episodes")
    assert len(learner.training_classes) == figure["protocol"]["training_classes"]


def test_another_seed_is_told(own_recipes, run_cli, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    # Stopped at a checkpoint, which is enough to see where and what it is.
    assert run_cli("reproduce", "tiny", "--seed", 7, "--minutes", 0)[0] == 75
    assert runs.Run.resume("runs/tiny-seed7", {"seed": 7}).options.seed == 7


def test_options_are_changed_and_chosen_on_validation_classes(
    own_recipes, run_cli, tmp_path
):
    changes = ["--change", "steps=2", "--change", "filters=[4, 4, 4, 8]"]
    status, _, err = run_cli(
        "reproduce", "tiny", "--validate", *changes, "--output", tmp_path / "r"
    )
    assert status == 0, err
    told = presets.metadata(tmp_path / "r" / "preset")
    # As a shell takes it.
    assert told["command"] == (
        "fsl-keras reproduce tiny --change steps=2 --change 'filters=[4, 4, 4, 8]' "
        "--validate"
    )
    assert told["options"]["steps"] == 2
    assert told["options"]["filters"] == [4, 4, 4, 8]
    (figure,) = told["figures"]
    assert figure["protocol"]["dataset"] == "glyphs validation"


def test_a_change_of_what_is_no_option(own_recipes, run_cli):
    status, _, err = run_cli("reproduce", "tiny", "--change", "stepps=2")
    assert status == 1
    assert "stepps" in err


def test_a_time_budget_stops_at_a_checkpoint_to_be_resumed(
    tiny, own_recipes, run_cli, tmp_path
):
    whole, parts = tiny[0], tmp_path / "parts"
    command = ["reproduce", "tiny", "--output", parts]
    status, out, _ = run_cli(*command, "--minutes", 0)
    assert status == 75
    assert "epoch 1 is done" in out
    assert "--resume" in out
    assert not (parts / "preset").exists()
    status, *_ = run_cli(*command, "--resume")
    assert status == 0
    history = json.loads((parts / "history.json").read_text())
    assert len(history["cpu_seconds"]) == 2
    pairs = zip(
        fsl.from_preset(whole / "preset").get_weights(),
        fsl.from_preset(parts / "preset").get_weights(),
        strict=True,
    )
    for once, resumed in pairs:
        np.testing.assert_allclose(once, resumed, rtol=1e-4, atol=1e-6)


def test_a_recipe_that_changed_is_not_resumed(own_recipes, run_cli, tmp_path):
    command = ["reproduce", "tiny", "--output", tmp_path / "run"]
    assert run_cli(*command, "--minutes", 0)[0] == 75
    (own_recipes / "tiny.toml").write_text(TINY.replace("ways = 5", "ways = 6"))
    status, _, err = run_cli(*command, "--resume")
    assert status == 1
    assert "['ways']" in err


@pytest.mark.parametrize(
    ("option", "kind", "told"),
    [
        ("views", fsl.backbones.MultiView, "nine views"),
        ("orientations", fsl.backbones.MultiOrientation, "eight orientations"),
    ],
)
def test_one_preset_looks_at_a_picture_more_often(tiny, tmp_path, option, kind, told):
    start = tiny[0] / "preset"
    options = Options(start_from=str(start), steps=0, filters=4, **{option: True})
    run = runs.Run(tmp_path, options)
    learner = run.train()
    assert isinstance(learner.backbone, kind)
    pairs = zip(
        fsl.from_preset(start).get_weights(), learner.get_weights(), strict=True
    )
    for old, new in pairs:
        np.testing.assert_array_equal(old, new)
    found = recipes.metadata("often", run, [], "fsl-keras reproduce often")
    assert found["cpu_minutes"] == presets.metadata(start)["cpu_minutes"]
    assert told in found["description"]
    assert f"begun with the backbone of {start}" in found["description"]


def test_a_head_of_the_same_kind_goes_along_with_the_backbone(tiny, tmp_path):
    def options(**changes):
        cosine = {"distance": "cosine"}
        return Options(steps=0, method_options=cosine, filters=4, **changes)

    # A head without weights, from which nothing is taken.
    first = runs.Run(tmp_path / "first", options(start_from=str(tiny[0] / "preset")))
    learner = first.train()
    learner.head.scale.assign(7.0)
    presets.save(learner, tmp_path / "preset")
    again = runs.Run(tmp_path / "run", options(start_from=str(tmp_path / "preset")))
    assert float(again.train().head.scale) == 7.0


def test_of_two_stages_the_second_is_left_to_a_pretrained_backbone(tiny, tmp_path):
    start = tiny[0] / "preset"
    options = Options(
        method="meta_baseline",
        start_from=str(start),
        ways=5,
        steps=2,
        steps_per_epoch=2,
        filters=4,
    )
    run = runs.Run(tmp_path, options)
    run.train()
    assert run.cpu_minutes > presets.metadata(start)["cpu_minutes"]
    assert len(run.history["loss"]) == 1
    assert not (tmp_path / "checkpoint_batches.keras").exists()


def test_pretraining_goes_on_from_a_pretrained_backbone(tiny, tmp_path):
    options = Options(
        method="simple_shot",
        start_from=str(tiny[0] / "preset"),
        steps=2,
        steps_per_epoch=2,
        filters=4,
    )
    run = runs.Run(tmp_path, options)
    after = run.train().backbone.get_weights()
    before = presets.backbone(options.start_from).get_weights()
    assert len(run.history["loss"]) == 1
    assert any(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))


def test_tests_that_cannot_be_are_refused_before_the_training(
    own_recipes, run_cli, tmp_path
):
    # The classes of this data set are of no groups.
    (own_recipes / "tiny.toml").write_text(TINY + "tests_within = true\n")
    status, _, err = run_cli("reproduce", "tiny", "--output", tmp_path / "run")
    assert status == 1
    assert "Classes are grouped by what their names begin with" in err
    assert not (tmp_path / "run").exists()


def test_training_within_groups_that_are_not_there(own_recipes, run_cli, tmp_path):
    (own_recipes / "tiny.toml").write_text(TINY + "trains_within = true\n")
    status, _, err = run_cli("reproduce", "tiny", "--output", tmp_path / "run")
    assert status == 1
    assert "Classes are grouped by what their names begin with" in err
    assert not (tmp_path / "run").exists()


def test_a_backbone_of_another_size_cannot_start_a_run(own_recipes, run_cli, tmp_path):
    other = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1), 8))
    presets.save(other, tmp_path / "other")
    start_from = f'start_from = "{tmp_path / "other"}"\n'
    (own_recipes / "other.toml").write_text(TINY + start_from)
    status, _, err = run_cli("reproduce", "other", "--output", tmp_path / "run")
    assert status == 1
    assert "not of the backbone that this method is trained on" in err
    assert "Start from a Conv-4 of 4 filters for items of shape (28, 28, 1)" in err
    assert not (tmp_path / "run").exists()


def test_the_weights_are_stored_without_the_optimizer(tiny):
    learner = fsl.from_preset(tiny[0] / "preset")
    numbers = sum(weight.size for weight in learner.get_weights())
    with h5py.File(tiny[0] / "preset" / "model.weights.h5") as file:
        stored = []
        file.visititems(
            lambda _, item: (
                stored.append(item.size) if isinstance(item, h5py.Dataset) else None
            )
        )
    assert sum(stored) == numbers


def test_no_steps_without_a_start():
    with pytest.raises(ValueError, match="steps must be at least 1"):
        Options(steps=0)


def test_the_zoo_is_listed(run_cli):
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
    assert "Nearest names: prototypical_conv4_glyphs" in err


def test_the_filters_of_each_block_are_described(tmp_path):
    run = runs.Run(tmp_path, Options(filters=[2, 3, 4, 5]))
    told = recipes.metadata("wider", run, [], "fsl-keras reproduce wider")
    assert "on Conv-4 of 2, 3, 4, 5 filters," in told["description"]
