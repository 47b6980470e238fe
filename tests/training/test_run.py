import json

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras import presets
from fsl_keras.losses import ContrastiveLoss
from fsl_keras.training.options import Options, merged
from fsl_keras.training.run import calibrate, train
from fsl_keras.training.run_folder import Run
from tests.training.checks import SMALL, small_options


@pytest.fixture
def trained(tmp_path):
    """Trains a small run, and returns it with its learner."""

    def of(name="run", suited=False, **tables):
        run = Run.start(tmp_path / name, small_options(suited, **tables))
        return run, train(run)

    return of


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A preset that runs start from."""
    folder = tmp_path_factory.mktemp("start") / "preset"
    keras.utils.set_random_seed(5)
    backbone = fsl.backbones.Conv4((28, 28, 1), 4)
    learner = fsl.models.PrototypicalNetwork(backbone)
    presets.save(learner, folder, {"cpu_minutes": 3.0})
    return folder


def test_the_history_has_an_entry_per_epoch(trained):
    run, _ = trained(train={"steps": 4})
    assert {len(values) for values in run.history.values()} == {2}
    assert {"loss", "accuracy", "val_accuracy", "val_accuracy_ci95"} <= set(run.history)
    # A complete run is not trained again.
    again = train(Run.resume(run.folder, {}))
    assert int(again.optimizer.iterations) == 4


def test_a_mistake_leaves_no_folder(tmp_path):
    run = Run.start(tmp_path / "run", small_options(train={"ways": 10_000}))
    with pytest.raises(ValueError, match="Lower `ways`"):
        train(run)
    assert not run.folder.exists()


@pytest.mark.slow
def test_a_method_of_two_streams_continues_where_it_stopped(tmp_path):
    options = small_options(
        suited=True,
        method={"name": "meta_baseline"},
        train={"steps": 4, "steps_per_epoch": 1, "augment": False},
    )

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole, stopped = (Run.start(tmp_path / name, options) for name in ("a", "b"))
    expected = train(whole).get_weights()
    with pytest.raises(KeyboardInterrupt):
        train(stopped, [Stop()])
    learned = train(Run.resume(stopped.folder, {})).get_weights()
    for weight, same in zip(learned, expected, strict=True):
        np.testing.assert_allclose(weight, same, rtol=1e-3, atol=1e-4)
    history = json.loads((stopped.folder / "history.json").read_text())
    assert len(history["loss"]) == len(history["val_accuracy"]) == 4


@pytest.mark.slow
def test_pairs_of_distances_are_trained_with_the_contrastive_loss(trained):
    run, _ = trained(
        method={"name": "siamese", "similarity": "euclidean"}, train={"augment": False}
    )
    stored = keras.saving.load_model(run.folder / "checkpoint.keras")
    assert isinstance(stored.loss, ContrastiveLoss)


def test_arguments_of_the_backbone(trained):
    with pytest.raises(ValueError, match=r"vector.*\(1, 1, 4\)"):
        trained(backbone={"pooling": None})


def test_a_size_that_a_data_set_does_not_come_in(trained, tmp_path):
    with pytest.raises(ValueError, match=r"glyphs.*28x28.*image_size=\(32, 32\)"):
        trained(data={"size": 32})
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_what_was_trained_in_mixed_precision_computes_in_float32(trained):
    run, learner = trained(train={"mixed_precision": True})
    stored = keras.saving.load_model(run.folder / "checkpoint.keras")
    assert stored.backbone.compute_dtype == "bfloat16"
    assert learner.backbone.compute_dtype == "float32"
    for weight, same in zip(learner.get_weights(), stored.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def on(backbone, **tables):
    """The options of a small run on another backbone than Conv-4."""
    return Options.from_tables({**merged(SMALL, tables), "backbone": backbone})


@pytest.mark.slow
@pytest.mark.parametrize(
    "backbone",
    [
        {"name": "resnet12", "filters": [2, 2, 2, 4]},
        pytest.param({"name": "resnet18"}, marks=pytest.mark.slow),
    ],
)
def test_residual_networks_train(tmp_path, backbone):
    few = {"ways": 2, "queries": 1, "steps": 1, "steps_per_epoch": 1}
    options = on(backbone, train={**few, "validation_episodes": 1, "augment": False})
    run = Run.start(tmp_path / "run", options)
    learner = train(run)
    assert type(learner.backbone).__name__ == options.backbone.entry.class_name
    assert len(run.history["loss"]) == 1
    stored = keras.saving.load_model(run.folder / "checkpoint.keras")
    for weight, same in zip(learner.get_weights(), stored.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def frozen(colors, method, **train_options):
    return on(
        {"name": "mobilenet", "weights": None, "alpha": 0.25},
        data={
            "name": "mini_imagenet/development",
            "folder": str(colors),
            "size": 32,
        },
        method=method,
        train={"ways": 2, "queries": 1, "augment": False, **train_options},
    )


@pytest.mark.slow
def test_on_a_frozen_backbone_only_the_head_trains(colors, tmp_path):
    options = frozen(colors, {"name": "prototypical", "distance": "cosine"})
    run = Run.start(tmp_path / "run", options)
    learner = train(run)
    assert len(run.history["loss"]) == 1
    assert [weight.name for weight in learner.trainable_weights] == ["scale"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prototypical", "simple_shot"])
def test_a_frozen_backbone_under_a_head_without_weights(colors, tmp_path, name):
    run = Run.start(tmp_path / "run", frozen(colors, {"name": name}))
    with pytest.raises(ValueError, match=rf"{name} has no weights.*`train.steps` to 0"):
        train(run)
    assert not run.folder.exists()
    untrained = frozen(colors, {"name": name}, steps=0)
    assert train(Run.start(tmp_path / "other", untrained)).kind == "inductive"


def test_weights_of_another_backbone(start, trained):
    with pytest.raises(ValueError, match=r"Start from a preset of Conv4-8 .*\(28, 28"):
        trained(backbone={"start_from": str(start), "filters": 8})


@pytest.mark.parametrize(
    ("finish", "kind"),
    [
        ("multi_view", fsl.backbones.MultiView),
        ("multi_orientation", fsl.backbones.MultiOrientation),
    ],
)
def test_a_finish_of_a_trained_backbone(start, trained, finish, kind):
    backbone = {"start_from": str(start), "finish": finish}
    run, learner = trained(backbone=backbone, train={"steps": 0})
    assert isinstance(learner.backbone, kind)
    assert run.cpu_minutes == 3.0
    old = fsl.from_preset(start).get_weights()
    for weight, same in zip(old, learner.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def test_a_head_of_the_same_class_comes_with_the_backbone(start, trained, tmp_path):
    cosine = {
        "method": {"name": "prototypical", "distance": "cosine"},
        "train": {"steps": 0},
    }
    # The head of this preset has no weights to take.
    _, learner = trained(backbone={"start_from": str(start)}, **cosine)
    learner.head.scale.assign(7.0)
    presets.save(learner, tmp_path / "preset")
    again = {"start_from": str(tmp_path / "preset")}
    _, learner = trained("again", backbone=again, **cosine)
    assert float(learner.head.scale) == 7.0


@pytest.mark.slow
def test_the_first_of_two_stages_is_left_out_on_a_trained_backbone(start, trained):
    run, _ = trained(
        method={"name": "meta_baseline"}, backbone={"start_from": str(start)}
    )
    assert run.cpu_minutes > 3.0
    assert len(run.history["loss"]) == 1
    assert not (run.folder / "checkpoint_batches.keras").exists()


@pytest.mark.slow
def test_pretraining_continues_on_a_trained_backbone(start, trained):
    run, learner = trained(
        method={"name": "simple_shot"}, backbone={"start_from": str(start)}
    )
    before, after = (
        presets.backbone(start).get_weights(),
        learner.backbone.get_weights(),
    )
    assert len(run.history["loss"]) == 1
    assert any(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))


@pytest.mark.parametrize("section", ["train", "test"])
def test_groups_that_are_not_there(trained, tmp_path, section):
    with pytest.raises(ValueError, match="The group of a class"):
        trained(**{section: {"within_groups": True}})
    assert not (tmp_path / "run").exists()


def crops(colors, method, **backbone):
    """The options of a run on crops of photographs."""
    return small_options(
        data={"name": "mini_imagenet/development", "folder": str(colors)},
        method={"name": method},
        backbone={"filters": 2, **backbone},
        train={"crop_size": 16, "ways": 2, "queries": 1},
    )


@pytest.mark.slow
def test_what_was_trained_on_crops_is_tested_on_whole_images(colors, tmp_path):
    run = Run(tmp_path / "run", crops(colors, "simple_shot", pooling="avg"))
    learner = train(run)
    stored = keras.saving.load_model(run.folder / "checkpoint.keras")
    assert stored.backbone.input_shape == (None, 16, 16, 3)
    assert learner.backbone.input_shape == (None, 84, 84, 3)
    kernel, same = (net.backbone.get_weights()[0] for net in (learner, stored))
    np.testing.assert_array_equal(kernel, same)
    assert set(run.history) >= {"val_accuracy"}


@pytest.mark.slow
def test_feature_maps_of_crops_and_of_whole_images(colors, tmp_path):
    run = Run(tmp_path / "run", crops(colors, "frn"))
    learner = train(run)
    assert learner.embedding_shape == (21, 21, 2)
    stored = keras.saving.load_model(run.folder / "checkpoint.keras")
    for weight, same in zip(learner.weights, stored.weights, strict=True):
        np.testing.assert_array_equal(weight, same)


def test_a_learner_that_depends_on_the_size_of_images_is_not_trained_on_crops(
    colors, tmp_path
):
    run = Run(tmp_path / "run", crops(colors, "relation"))
    with pytest.raises(ValueError, match=r'the same at every.*pooling.*"avg"'):
        train(run)
    assert not run.folder.exists()


def test_crops_are_of_photographs(trained, tmp_path):
    with pytest.raises(ValueError, match=r"in color.*\(28, 28, 1\)"):
        trained(train={"crop_size": 16}, backbone={"pooling": "avg"})
    assert not (tmp_path / "run").exists()


class TestCalibration:
    """`calibrate`, which gives a learner its `base_calibration`."""

    def test_it_is_on_the_validation_classes(self, tmp_path):
        run = Run(tmp_path, small_options())
        learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1), 4))
        calibrate(run, learner)
        source = learner.base_calibration.source
        assert source == "glyphs validation, 4 episodes of 5-way 1-shot, seed 0"

    def test_its_ways_are_half_of_the_classes_at_most(self, colors, tmp_path):
        data = {"name": "mini_imagenet/development", "folder": str(colors)}
        run = Run(tmp_path, small_options(data=data))
        learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((84, 84, 3), 2))
        calibrate(run, learner)
        assert "of 2-way 1-shot" in learner.base_calibration.source

    def test_not_on_classes_that_were_trained_on(self, tmp_path):
        run = Run(tmp_path, small_options(data={"train_split": "trainval"}))
        learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1), 4))
        calibrate(run, learner)
        assert learner.base_calibration is None
