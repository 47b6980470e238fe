"""What is known of the training of a learner is saved and copied with it."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.model_selection import BaseCalibration
from fsl_keras.models.origin import HasOrigin
from tests.checks import random_classes, run_python

CALIBRATION = BaseCalibration(
    2.0, [-3.0, -1.0], [-4.0, -2.0], (10, 20), 0.9, (0.7, 0.5), "base classes"
)
CLASSES = ("Greek/alpha", "Greek/béta")


def backbone():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])


LEARNERS = {
    "metric": lambda: fsl.models.PrototypicalNetwork(backbone()),
    "transfer": lambda: fsl.models.TransferLearner(backbone()),
    "maml": lambda: fsl.models.MAML(backbone(), inner_steps=1),
    "reptile": lambda: fsl.models.Reptile(backbone(), inner_steps=1),
    "siamese": lambda: fsl.models.SiameseNetwork(backbone()),
}


@pytest.fixture(params=LEARNERS)
def learner(request):
    learner = LEARNERS[request.param]()
    learner.training_classes = CLASSES
    learner.base_calibration = CALIBRATION
    return learner


ITEMS = np.eye(3, 4, dtype="float32")


def test_it_is_in_files_copies_classifiers_and_presets(learner, tmp_path):
    learner.save(tmp_path / "learner.keras")
    classifier = learner.adapt(ITEMS, ["a", "b", "c"])
    classifier.save(tmp_path / "classifier.keras")
    fsl.presets.save(learner, tmp_path / "learner")
    fsl.presets.save(classifier, tmp_path / "classifier")
    preset = fsl.from_preset(tmp_path / "learner")
    fsl.presets.save(preset, tmp_path / "again")
    for found in (
        keras.saving.load_model(tmp_path / "learner.keras"),
        learner.copy(),
        classifier.learner,
        keras.saving.load_model(tmp_path / "classifier.keras").learner,
        preset,
        fsl.from_preset(tmp_path / "again"),
        fsl.from_preset(tmp_path / "classifier").learner,
    ):
        assert tuple(found.training_classes) == CLASSES
        assert found.base_calibration.at(0.5) == CALIBRATION.at(0.5)


@pytest.mark.parametrize(
    "change",
    [
        lambda: LEARNERS["metric"]().with_backbone,
        lambda: LEARNERS["metric"]().on_features,
        lambda: LEARNERS["maml"]().with_batch_norm,
    ],
    ids=["with_backbone", "on_features", "with_batch_norm"],
)
def test_it_is_in_variants(change):
    make = change()
    make.__self__.training_classes = CLASSES
    make.__self__.base_calibration = CALIBRATION
    arguments = {"with_backbone": [backbone()], "with_batch_norm": ["running"]}
    found = make(*arguments.get(make.__name__, []))
    assert tuple(found.training_classes) == CLASSES
    assert found.base_calibration == CALIBRATION


def test_learners_without_it_and_files_of_earlier_versions_load(tmp_path, monkeypatch):
    LEARNERS["metric"]().save(tmp_path / "new.keras")
    monkeypatch.delattr(HasOrigin, "save_assets")
    LEARNERS["metric"]().save(tmp_path / "old.keras")
    for name in ("new", "old"):
        loaded = keras.saving.load_model(tmp_path / f"{name}.keras")
        assert loaded.training_classes is None
        assert loaded.base_calibration is None


FRESH = """
import sys, keras, fsl_keras as fsl
learner = keras.saving.load_model(sys.argv[1])
print(sorted(learner.training_classes), learner.base_calibration.source)
"""


@pytest.mark.slow
def test_a_fresh_process_tells_it(tmp_path):
    learner = LEARNERS["metric"]()
    learner.training_classes, learner.base_calibration = CLASSES, CALIBRATION
    learner.save(tmp_path / "learner.keras")
    printed = run_python(FRESH, tmp_path / "learner.keras")
    assert printed.strip() == f"{sorted(CLASSES)} base classes"


def test_a_loaded_learner_reports_the_overlap(tmp_path):
    data = random_classes(classes=6, items=4, shape=(4,))
    learner = LEARNERS["metric"]()
    learner.training_classes = (*data.class_names[:2], "another")
    learner.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    report = fsl.evaluation.evaluate(loaded, data.episodes(3, 1, 2, count=2))
    assert report.protocol["overlap"] == 2


def test_the_command_calibrates_by_it_where_there_is_one_example_per_class(
    run_cli, tmp_path
):
    learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((16, 16, 1), 2))
    learner.base_calibration = CALIBRATION
    learner.save(tmp_path / "learner.keras")
    for name, value in {"egret": 50, "heron": 200}.items():
        image = np.full((16, 16, 1), value, "uint8")
        (tmp_path / "birds" / name).mkdir(parents=True)
        keras.utils.save_img(tmp_path / "birds" / name / "1.png", image)
    arguments = ["--learner", tmp_path / "learner.keras", "--false-reject-rate", 0.5]
    output = tmp_path / "birds.keras"
    status, _, errors = run_cli(
        "adapt", tmp_path / "birds", *arguments, "--output", output
    )
    assert status == 0, errors
    classifier = keras.saving.load_model(output)
    assert classifier.calibration == CALIBRATION.at(0.5)
