import dataclasses
import json

import keras
import numpy as np
import pytest
from PIL import Image

from fsl_keras.losses import ContrastiveLoss
from fsl_keras.training import runs
from fsl_keras.training.runs import Options, Run


@pytest.fixture(autouse=True, scope="module")
def few_episodes():
    """Validation of few episodes: what is tested is not how well runs learn."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "VALIDATION_EPISODES", 4)
        yield


def test_a_data_set_brings_its_options():
    options = Options.suited("omniglot", seed=3)
    assert (options.train_split, options.seed) == ("trainval", 3)
    assert Options.suited("glyphs") == Options(
        steps=300, optimizer="muon", learning_rate=5e-3
    )
    assert Options.suited("glyphs", "matching") == Options(method="matching")


@pytest.mark.parametrize(
    "name", ["ways", "shots", "queries", "steps", "filters", "test_episodes"]
)
def test_options_are_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be at least 1, not 0"):
        Options(**{name: 0})


def test_the_fewest_shots_are_positive_too():
    assert Options(shots=[1, 5]).shots == [1, 5]
    with pytest.raises(ValueError, match=r"shots must be at least 1, not \[0, 5\]"):
        Options(shots=[0, 5])


def test_a_rate_is_above_zero():
    with pytest.raises(ValueError, match="learning_rate must be above 0"):
        Options(learning_rate=0.0)


def test_epochs_are_whole():
    with pytest.raises(ValueError, match="multiple of steps_per_epoch"):
        Options(steps=150, steps_per_epoch=100)


def test_a_folder_that_exists_is_not_overwritten(tmp_path):
    with pytest.raises(FileExistsError, match=r"--resume.*--output"):
        Run.start(tmp_path, Options())


def test_a_folder_without_a_run_cannot_be_resumed(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no run"):
        Run.resume(tmp_path, {})


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A whole run, small."""
    options = Options(
        ways=5, steps=4, steps_per_epoch=2, filters=4, tests=((5, 1),), test_episodes=6
    )
    run = Run.start(tmp_path_factory.mktemp("runs") / "run", options)
    run.report(run.train())
    return run


def test_a_run_leaves_everything_in_its_folder(run):
    assert {path.name for path in run.folder.iterdir()} == {
        "options.json",
        "checkpoint.keras",
        "history.json",
        "learner.keras",
        "classifier.keras",
        "saved_model",
        "episodes_5way_1shot.json",
        "report.json",
        "training.png",
        "episode.png",
        "embeddings.png",
    }


def test_the_report_of_a_run_tells_options_and_protocol(run):
    report = json.loads((run.folder / "report.json").read_text())
    assert report["options"] == json.loads(json.dumps(dataclasses.asdict(run.options)))
    (test,) = report["tests"]
    assert 0 <= test["accuracy"] <= 1
    assert test["protocol"]["episodes"] == 6
    assert test["protocol"]["overlap"] == 0


def test_the_history_has_an_entry_an_epoch(run):
    history = json.loads((run.folder / "history.json").read_text())
    assert {len(values) for values in history.values()} == {2}
    assert {"loss", "accuracy", "val_accuracy", "val_accuracy_ci95"} <= set(history)


def test_a_complete_run_is_not_trained_again(run):
    model = Run.resume(run.folder, {}).train()
    assert int(model.optimizer.iterations) == run.options.steps


def test_the_classifier_of_a_run_knows_unseen_classes(run):
    classifier = keras.saving.load_model(run.folder / "classifier.keras")
    probabilities = classifier.predict(np.zeros((2, 28, 28, 1), "uint8"), verbose=0)
    assert probabilities.shape == (2, 5)


def test_a_resumed_run_has_the_options_it_began_with(run):
    same = {"ways": 5, "tests": [[5, 1]]}
    assert Run.resume(run.folder, same).options == run.options
    changes = {"ways": 6, "dataset": "omniglot", "method": "maml"}
    for name, value in changes.items():
        with pytest.raises(ValueError, match=rf"other values of \['{name}'\]"):
            Run.resume(run.folder, {name: value})


def test_a_run_of_a_version_with_fewer_options_is_resumed(tmp_path):
    stored = dataclasses.asdict(Options(ways=5))
    del stored["orientations"]
    (tmp_path / "options.json").write_text(json.dumps(stored))
    changes = {"ways": 5, "orientations": False}
    assert Run.resume(tmp_path, changes).options == Options(ways=5)
    with pytest.raises(ValueError, match=r"other values of \['orientations'\]"):
        Run.resume(tmp_path, {"orientations": True})


def test_a_mistake_leaves_no_folder(tmp_path):
    run = Run.start(tmp_path / "run", Options(ways=10_000))
    with pytest.raises(ValueError, match="Lower `ways`"):
        run.train()
    assert not run.folder.exists()


def test_a_method_of_two_streams_goes_on_where_it_stopped(tmp_path):
    small = {"ways": 5, "filters": 4, "tests": ((5, 1),), "test_episodes": 4}
    options = Options.suited(
        "glyphs", "meta_baseline", steps=4, steps_per_epoch=1, augment=False, **small
    )

    class Stop(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    whole, stopped = (Run.start(tmp_path / name, options) for name in ("a", "b"))
    expected = whole.train().get_weights()
    with pytest.raises(KeyboardInterrupt):
        stopped.train([Stop()])
    learned = Run.resume(stopped.folder, {}).train().get_weights()
    for weight, same in zip(learned, expected, strict=True):
        np.testing.assert_allclose(weight, same, rtol=1e-3, atol=1e-4)
    history = json.loads((stopped.folder / "history.json").read_text())
    assert len(history["loss"]) == len(history["val_accuracy"]) == 4


def test_the_report_shows_what_answering_alone_costs(tmp_path):
    options = Options.suited(
        "glyphs",
        "anil",
        method_options={"inner_steps": 1},
        steps=2,
        steps_per_epoch=2,
        ways=4,
        tasks=1,
        filters=4,
        tests=((5, 1), (20, 1)),
        test_episodes=4,
    )
    run = Run.start(tmp_path / "run", options)
    reports = run.report(run.train())
    # Ways are fixed, so the test is of as many as in training.
    assert [report.protocol["ways"] for report in reports] == [4, 4]
    modes = [report.protocol["batch_norm"] for report in reports]
    assert modes == ["transductive", "support"]
    names = {path.name for path in run.folder.iterdir()}
    assert {"episodes_4way_1shot.json", "episodes_4way_1shot_deployed.json"} <= names
    assert "embeddings.png" not in names


def test_a_transductive_head_is_tested_on_unequal_queries_too(tmp_path):
    options = Options.suited(
        "glyphs",
        "tim",
        steps=2,
        steps_per_epoch=2,
        filters=4,
        augment=False,
        tests=((5, 1),),
        test_episodes=4,
    )
    run = Run.start(tmp_path / "run", options)
    balanced, unequal = run.report(run.train())
    for report in (balanced, unequal):
        assert report.protocol["kind"] == "transductive"
        assert report.protocol["prior"] == "uniform"
        assert "transductive, running BatchNorm, uniform class prior" in str(report)
    assert "DirichletQueries" in str(unequal.protocol["queries"])
    assert not (run.folder / "classifier.keras").exists()
    assert (run.folder / "episodes_5way_1shot_imbalanced.json").exists()


def test_pairs_of_distances_are_trained_by_the_contrastive_loss(tmp_path):
    options = Options.suited(
        "glyphs",
        "siamese",
        method_options={"similarity": "euclidean"},
        steps=2,
        steps_per_epoch=2,
        filters=4,
        augment=False,
    )
    Run.start(tmp_path / "run", options).train()
    stored = keras.saving.load_model(tmp_path / "run" / "checkpoint.keras")
    assert isinstance(stored.loss, ContrastiveLoss)


def test_options_of_the_backbone(tmp_path):
    options = Options(
        filters=4, backbone_options={"pooling": None}, steps=1, steps_per_epoch=1
    )
    with pytest.raises(ValueError, match=r"vector.*\(1, 1, 4\)"):
        Run.start(tmp_path / "run", options).train()


def test_a_size_that_a_data_set_does_not_come_in(tmp_path):
    with pytest.raises(ValueError, match=r"glyphs.*28x28.*image_size=\(32, 32\)"):
        Run.start(tmp_path / "run", Options(size=32)).train()
    assert not (tmp_path / "run").exists()


def test_what_was_trained_in_mixed_precision_computes_in_float32(tmp_path):
    small = {"ways": 5, "filters": 4, "steps": 2, "steps_per_epoch": 1}
    run = Run.start(tmp_path / "run", Options(mixed_precision=True, **small))
    learner = run.train()
    stored = keras.saving.load_model(run.folder / "checkpoint.keras")
    assert stored.backbone.compute_dtype == "bfloat16"
    assert learner.backbone.compute_dtype == "float32"
    for weight, trained in zip(
        learner.get_weights(), stored.get_weights(), strict=True
    ):
        np.testing.assert_array_equal(weight, trained)


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """A miniImageNet of classes of one colour each."""
    folder = tmp_path_factory.mktemp("colours")
    generator = np.random.default_rng(0)
    for split, classes in (("train", 25), ("val", 5)):
        for number in range(classes):
            of_class = folder / split / f"class{number:02d}"
            of_class.mkdir(parents=True)
            colour = generator.integers(0, 256, 3)
            for item in range(20):
                values = np.full((8, 8, 3), colour, "uint8")
                Image.fromarray(values).save(of_class / f"{item:02d}.png")
    return folder


def test_what_was_trained_on_parts_is_tested_on_whole_pictures(colours, tmp_path):
    options = Options(
        dataset="mini_imagenet/development",
        data_dir=str(colours),
        method="simple_shot",
        backbone_options={"pooling": "avg"},
        train_size=16,
        optimizer="sgd",
        weight_decay=5e-3,
        filters=2,
        steps=2,
        steps_per_epoch=1,
    )
    run = Run.start(tmp_path / "run", options)
    learner = run.train()
    stored = keras.saving.load_model(run.folder / "checkpoint.keras")
    assert stored.backbone.input_shape == (None, 16, 16, 3)
    assert learner.backbone.input_shape == (None, 84, 84, 3)
    kernel, trained = (net.backbone.get_weights()[0] for net in (learner, stored))
    np.testing.assert_array_equal(kernel, trained)
    assert stored.optimizer.momentum == 0.9
    assert set(run.history) >= {"val_accuracy"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_size": 0}, "train_size must be at least 1, not 0"),
        ({"optimizer": "lion"}, "one of .*sgd.* not 'lion'"),
        ({"optimizer": "sgd"}, "prototypical trains on episodes"),
        ({"weight_decay": 0.1}, "prototypical trains on episodes"),
        ({"weight_decay": -0.1}, "weight_decay must not be below 0"),
    ],
)
def test_options_that_cannot_be(changes, message):
    with pytest.raises(ValueError, match=message):
        Options(**changes)


def of_parts(folder, method, **backbone_options):
    return Options(
        dataset="mini_imagenet/development",
        data_dir=str(folder),
        method=method,
        backbone_options=backbone_options,
        train_size=16,
        filters=2,
        ways=2,
        queries=1,
        steps=1,
        steps_per_epoch=1,
    )


def test_feature_maps_of_parts_and_of_whole_pictures(colours, tmp_path):
    learner = Run.start(tmp_path / "run", of_parts(colours, "frn")).train()
    assert learner.embedding_shape == (21, 21, 2)
    stored = keras.saving.load_model(tmp_path / "run" / "checkpoint.keras")
    for weight, trained in zip(learner.weights, stored.weights, strict=True):
        np.testing.assert_array_equal(weight, trained)


def test_learners_that_are_bound_to_a_size_are_not_trained_on_parts(colours, tmp_path):
    options = of_parts(colours, "relation", pooled_blocks=2)
    with pytest.raises(ValueError, match=r'the same at every size.*pooling = "avg"'):
        Run.start(tmp_path / "run", options).train()
    assert not (tmp_path / "run").exists()


def test_parts_are_cut_out_of_photographs_alone(tmp_path):
    options = Options(train_size=16, backbone_options={"pooling": "avg"})
    with pytest.raises(ValueError, match=r"in colour.*\(28, 28, 1\)"):
        Run.start(tmp_path / "run", options).train()
    assert not (tmp_path / "run").exists()
