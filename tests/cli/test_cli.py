import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl
from fsl_keras import cli
from fsl_keras.training.learners import make_learner
from fsl_keras.training.sections import BackboneOptions, MethodOptions


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three classes of five images: noise around a shade, as PNG files."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for shade, name in ((40, "heron"), (128, "grey egret"), (210, "φλαμίνγκο")):
        (folder / name).mkdir()
        for number in range(5):
            values = shade + generator.integers(-30, 30, (20, 24), endpoint=True)
            Image.fromarray(values.astype("uint8")).save(
                folder / name / f"{number}.png"
            )
    return folder


@pytest.fixture(scope="module")
def learner(tmp_path_factory):
    path = tmp_path_factory.mktemp("learner") / "learner.keras"
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=4)
    fsl.models.PrototypicalNetwork(backbone).save(path)
    return path


@pytest.fixture(scope="module")
def classifier(run_cli, folder, learner, tmp_path_factory):
    path = tmp_path_factory.mktemp("classifier") / "birds.keras"
    status, *_ = run_cli("adapt", folder, "--learner", learner, "--output", path)
    assert status == 0
    return path


@pytest.mark.parametrize(
    "command",
    ["train", "evaluate", "adapt", "predict", "export", "reproduce", "benchmark"],
)
def test_every_option_has_a_help_text(command):
    import typer

    options = typer.main.get_command(cli.app).commands[command].params
    assert all(option.help for option in options)


def test_adapt_makes_a_classifier_of_a_folder(run_cli, classifier):
    loaded = keras.saving.load_model(classifier)
    assert loaded.class_names == ["grey egret", "heron", "φλαμίνγκο"]


def test_predict_names_pictures(run_cli, classifier, folder):
    images = [folder / "heron" / "0.png", folder / "φλαμίνγκο" / "1.png"]
    status, out, _ = run_cli("predict", classifier, *images, "--json")
    assert status == 0
    predictions = json.loads(out)["predictions"]
    assert [p["file"] for p in predictions] == [str(p) for p in images]
    expected = keras.saving.load_model(classifier).predict_classes(images)
    for prediction, wanted in zip(predictions, expected, strict=True):
        assert prediction["class_name"] == wanted.class_name
        assert prediction["probability"] == pytest.approx(wanted.probability)


def test_pictures_are_read_alike_whatever_arrays_the_classifier_was_made_of(
    run_cli, folder, learner, tmp_path
):
    paths = sorted(folder.glob("*/*.png"))
    values = np.stack([np.asarray(Image.open(p)) for p in paths])[..., None]
    labels = [p.parent.name for p in paths]
    classifier = keras.saving.load_model(learner).adapt(
        values.astype("float32") / 127.5 - 1, labels, value_range=(-1, 1), invert=True
    )
    classifier.save(tmp_path / "birds.keras")
    status, out, _ = run_cli("predict", tmp_path / "birds.keras", *paths, "--json")
    assert status == 0
    expected = [p.class_name for p in classifier.predict_classes(paths)]
    assert [p["class_name"] for p in json.loads(out)["predictions"]] == expected
    right = np.mean(
        [name == label for name, label in zip(expected, labels, strict=True)]
    )
    _, out, _ = run_cli("evaluate", tmp_path / "birds.keras", folder)
    assert f"accuracy {100 * right:.1f} %" in out


def test_predict_prints_the_most_probable_classes(run_cli, classifier, folder):
    image = folder / "heron" / "0.png"
    (expected,) = keras.saving.load_model(classifier).predict_classes([image])
    status, out, _ = run_cli("predict", classifier, image, "--top=2")
    assert status == 0
    rows = [line for line in out.splitlines() if "0.png" in line]
    assert len(rows) == 2
    for row, (name, probability) in zip(rows, expected.top(2), strict=True):
        assert name in row
        assert f"{probability:.3f}" in row
    _, out, _ = run_cli("predict", classifier, image, "--top=2", "--json")
    (prediction,) = json.loads(out)["predictions"]
    assert [row["class_name"] for row in prediction["top"]] == [
        name for name, _ in expected.top(2)
    ]


def test_evaluate_writes_csv(run_cli, classifier, folder, tmp_path):
    run_cli("evaluate", classifier, folder, "--output", tmp_path / "report.csv")
    lines = (tmp_path / "report.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("class,images,recall,predicted grey egret")
    assert len(lines) == 4


def test_adapt_shows_recalls_where_classes_are_of_unequal_size(
    run_cli, folder, learner, tmp_path
):
    for name in ("heron", "grey egret"):
        shutil.copytree(folder / name, tmp_path / "photos" / name)
    (tmp_path / "photos" / "heron" / "4.png").unlink()
    arguments = ("--learner", learner, "--output", tmp_path / "birds.keras")
    _, out, _ = run_cli("adapt", tmp_path / "photos", *arguments)
    assert "balanced accuracy" in out
    assert [line for line in out.splitlines() if "recall" in line]
    _, out, _ = run_cli("adapt", folder, *arguments)
    assert "balanced accuracy" not in out


def test_a_classifier_of_other_items_takes_no_images(run_cli, folder, tmp_path):
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    learner = fsl.models.PrototypicalNetwork(backbone)
    learner.adapt(np.eye(4), [0, 1, 2, 3]).save(tmp_path / "vectors.keras")
    image = folder / "heron" / "0.png"
    for command in (["predict", image], ["evaluate", folder]):
        status, _, err = run_cli(command[0], tmp_path / "vectors.keras", command[1])
        assert status == 1
        assert "not images" in err


@pytest.mark.parametrize("contents", [b"", b"no model", b"PK\x03\x04 cut off"])
def test_a_file_that_is_no_model_is_one_line(run_cli, tmp_path, contents):
    path = tmp_path / "learner.keras"
    path.write_bytes(contents)
    status, _, err = run_cli("evaluate", path)
    assert status == 1
    assert "learner.keras cannot be loaded" in err
    assert err.count("\n") == 1


def test_predict_names_and_counts_what_it_skips(run_cli, classifier, folder, tmp_path):
    bad = tmp_path / "broken image.jpg"
    bad.write_bytes(b"no image")
    good = folder / "heron" / "0.png"
    status, out, err = run_cli("predict", classifier, good, bad, "--json")
    assert status == 1
    assert [row["file"] for row in json.loads(out)["predictions"]] == [str(good)]
    assert [row["file"] for row in json.loads(out)["skipped"]] == [str(bad)]
    assert "Skipped 1 of 2 files" in err
    assert "broken image.jpg" in err
    status, _, err = run_cli("predict", classifier, bad)
    assert status == 1
    assert "No image could be read" in err


def test_evaluate_measures_a_classifier_on_a_folder(
    run_cli, classifier, folder, tmp_path
):
    report, figure = tmp_path / "report.json", tmp_path / "confusion.png"
    status, out, _ = run_cli(
        "evaluate", classifier, folder, "--output", report, "--confusion", figure
    )
    assert status == 0
    measured = fsl.evaluation.ClassifierReport.load(report)
    assert measured.matrix.sum() == 15
    assert measured.summary() in out
    assert [line for line in out.splitlines() if "weighted avg" in line]
    with Image.open(figure) as drawn:
        assert drawn.format == "PNG"
    measured = json.loads(report.read_text())
    assert set(measured["recalls"]) == {"heron", "grey egret", "φλαμίνγκο"}
    assert measured["unknown_rate"] == 0.0


@pytest.mark.parametrize(
    ("item_shape", "message"),
    [
        ((16, 16, 1), "are 28x28 pixels. Received: image_size=(16, 16)"),
        ((28, 28, 3), r"(28, 28, 3), and those of glyphs"),
    ],
)
def test_images_that_a_learner_does_not_take(run_cli, tmp_path, item_shape, message):
    learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4(item_shape, 4))
    learner.save(tmp_path / "learner.keras")
    status, _, err = run_cli("evaluate", tmp_path / "learner.keras")
    assert status == 1
    assert message in " ".join(err.split())


def test_evaluate_measures_a_learner_on_episodes(run_cli, tmp_path):
    path = tmp_path / "learner.keras"
    backbone = fsl.backbones.Conv4((28, 28, 1), filters=4)
    fsl.models.PrototypicalNetwork(backbone).save(path)
    report = tmp_path / "report.json"
    status, out, _ = run_cli("evaluate", path, "--episodes=4", "--output", report)
    assert status == 0
    assert "5-way 1-shot" in out
    assert json.loads(report.read_text())["protocol"]["episodes"] == 4


@pytest.mark.slow
def test_evaluate_shows_what_a_transductive_figure_rests_on(run_cli, tmp_path):
    backbone = BackboneOptions(arguments={"filters": 2})
    for name in ("tim", "anil"):
        learner = make_learner((28, 28, 1), MethodOptions(name), backbone)
        learner.save(tmp_path / f"{name}.keras")
    episodes = "--episodes=2"
    status, out, _ = run_cli("evaluate", tmp_path / "tim.keras", episodes)
    assert status == 0
    assert "DirichletQueries(queries=15, concentration=2)" in out
    assert out.count("uniform class prior") == 2
    _, out, _ = run_cli("evaluate", tmp_path / "anil.keras", episodes)
    assert "transductive, transductive BatchNorm" in out
    assert "inductive, support BatchNorm" in out


@pytest.mark.slow
def test_export_writes_a_saved_model(run_cli, classifier, tmp_path):
    status, *_ = run_cli("export", classifier, tmp_path / "birds")
    assert status == 0
    assert (tmp_path / "birds" / "saved_model.pb").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--dataset", "omniglott"], "Did you mean 'omniglot'?"),
        (["train", "--ways", "0"], "`train.ways` must be at least 1"),
        (["train", "--ways", "100000"], "Lower `ways`"),
        (["train", "--shots", "18"], "classes have fewer"),
        (["train", "--resume"], "holds no run to resume"),
        (["evaluate", "nowhere.keras"], "There is no file nowhere.keras"),
        (["predict", "nowhere.keras", "a.png"], "There is no file nowhere.keras"),
        (["adapt", "nowhere"], "There is no folder nowhere"),
        (["predict", __file__, "a.png"], "test_cli.py is not a .keras file"),
    ],
)
def test_a_mistake_is_one_line_and_a_status(
    run_cli, monkeypatch, tmp_path, arguments, message
):
    monkeypatch.chdir(tmp_path)
    status, _, err = run_cli(*arguments)
    assert status == 1
    assert err.startswith("Error: ")
    assert err.count("\n") == 1
    assert message in err
    assert "Traceback" not in err


def test_a_folder_that_is_not_there(run_cli, learner):
    status, _, err = run_cli("adapt", "nowhere", "--learner", learner)
    assert status == 1
    assert "There is no folder nowhere" in err


def test_a_classifier_is_no_learner(run_cli, classifier, folder):
    status, _, err = run_cli("adapt", folder, "--learner", classifier)
    assert status == 1
    assert "is not a learner" in err


def test_a_learner_is_not_measured_on_a_folder(run_cli, learner, folder):
    status, _, err = run_cli("evaluate", learner, folder)
    assert status == 1
    assert "fsl-keras adapt" in err


def test_a_learner_is_no_classifier(run_cli, learner, folder):
    status, _, err = run_cli("predict", learner, folder / "heron" / "0.png")
    assert status == 1
    assert "fsl-keras adapt" in err
