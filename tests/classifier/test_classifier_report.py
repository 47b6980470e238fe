import csv
import json
import os

import numpy as np
import pytest
from sklearn import metrics

import fsl_keras as fsl
from fsl_keras.evaluation import ClassifierReport, ClassScores, evaluate_classifier
from tests.checks import random_classes

# The classifier knows three birds; the images are of two of them, and of two classes
# that it does not know.
BIRDS = ["egret", "heron", "ibis"]
MATRIX = [
    [4, 1, 0, 0],  # egret
    [2, 1, 0, 1],  # heron
    [1, 0, 0, 2],  # lamp
    [0, 0, 0, 1],  # moon
]


@pytest.fixture
def report():
    names = ["egret", "heron", "lamp", "moon"]
    return ClassifierReport(names, [*BIRDS, "unknown"], MATRIX)


def test_scores_by_hand(report):
    # Of 7 predictions of "egret" 4 are right, of 4 of "unknown" 3.
    assert report.scores == {
        "egret": ClassScores(4 / 7, 4 / 5, 2 * 4 / (7 + 5), 5),
        "heron": ClassScores(1 / 2, 1 / 4, 2 * 1 / (2 + 4), 4),
        "unknown": ClassScores(3 / 4, 3 / 4, 2 * 3 / (4 + 4), 4),
    }
    macro, weighted = report.macro_average, report.weighted_average
    assert macro.recall == pytest.approx((0.8 + 0.25 + 0.75) / 3)
    assert weighted.recall == pytest.approx((5 * 0.8 + 4 * 0.25 + 4 * 0.75) / 13)
    assert macro.images == weighted.images == 13
    assert report.accuracy == 8 / 13
    assert report.balanced_accuracy == macro.recall
    assert report.unknown_rate == 4 / 13


def test_classes_that_are_not_known_are_rows_by_themselves(report):
    assert report.recalls == {"egret": 0.8, "heron": 0.25, "lamp": 2 / 3, "moon": 1.0}
    assert report.macro_accuracy == pytest.approx((0.8 + 0.25 + 2 / 3 + 1) / 4)
    assert report.confusions == [
        ("heron", "egret", 2),
        ("egret", "heron", 1),
        ("heron", "unknown", 1),
        ("lamp", "egret", 1),
    ]


def random_report(seed):
    """A report, and the labels and predictions it counts."""
    rng = np.random.default_rng(seed)
    known = [f"class {i}" for i in range(6)]
    # Some classes are never predicted, have no images, or neither.
    labels = rng.choice(["class 0", "class 1", "class 2", "class 3", "other"], 60)
    predictions = rng.choice([*known[:2], "class 4", "unknown"], 60)
    names, columns = sorted(set(labels)), [*known, "unknown"]
    matrix = np.zeros((len(names), len(columns)), int)
    for label, prediction in zip(labels, predictions, strict=True):
        matrix[names.index(label), columns.index(prediction)] += 1
    labels[labels == "other"] = "unknown"
    return ClassifierReport(names, columns, matrix), labels, predictions


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true:UserWarning")
def test_scores_are_those_of_scikit_learn(seed):
    report, labels, predictions = random_report(seed)
    expected = metrics.classification_report(
        labels, predictions, output_dict=True, zero_division=0.0
    )
    found = {
        **report.scores,
        "macro avg": report.macro_average,
        "weighted avg": report.weighted_average,
    }
    assert expected.pop("accuracy") == pytest.approx(report.accuracy)
    assert set(found) == set(expected)
    for name, scores in found.items():
        assert list(scores) == pytest.approx(list(expected[name].values()))
    assert report.balanced_accuracy == pytest.approx(
        metrics.balanced_accuracy_score(labels, predictions)
    )


def test_a_report_survives_a_file(report, tmp_path):
    report.save(tmp_path / "report.json")
    loaded = ClassifierReport.load(tmp_path / "report.json")
    assert loaded.class_names == report.class_names
    assert loaded.predicted_names == report.predicted_names
    np.testing.assert_array_equal(loaded.matrix, report.matrix)
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["scores"]["egret"]["precision"] == 4 / 7
    assert content["recalls"]["moon"] == 1.0


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "report.json").write_text('{"accuracy": 1.0}')
    with pytest.raises(ValueError, match=r"no \['class_names'.*Evaluate"):
        ClassifierReport.load(tmp_path / "report.json")


def test_the_matrix_as_csv(report, tmp_path):
    report.save_csv(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open(newline="") as file:
        header, first, *_, last = csv.reader(file)
    assert header == ["class", "images", "recall"] + [
        f"predicted {name}" for name in [*BIRDS, "unknown"]
    ]
    assert first == ["egret", "5", "0.8", "4", "1", "0", "0"]
    assert last == ["moon", "1", "1.0", "0", "0", "0", "1"]


def test_a_name_that_is_not_utf_8_as_csv(tmp_path):
    name = os.fsdecode(b"caf\xe9")
    report = ClassifierReport([name], [name, "unknown"], [[2, 0]])
    report.save_csv(tmp_path / "report.csv")
    header, row = (tmp_path / "report.csv").read_text(encoding="utf-8").splitlines()
    assert header == r"class,images,recall,predicted caf\udce9,predicted unknown"
    assert row == r"caf\udce9,2,1.0,2,0"


def test_a_matrix_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"row for each of the 1 .*shape \(2, 2\)"):
        ClassifierReport(["a"], ["a", "unknown"], [[1, 0], [0, 1]])


@pytest.fixture(scope="module")
def data():
    return random_classes(classes=6, items=8)


@pytest.fixture(scope="module")
def model():
    return fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((16, 16, 1), filters=4))


def test_a_classifier_is_measured_class_by_class(model, data):
    pictures = {name: data.class_items(name) for name in data.class_names}
    known = data.class_names[:3]
    support = np.concatenate([pictures[name][:2] for name in known])
    classifier = model.adapt(support, np.repeat(known, 2))
    images = np.concatenate([pictures[name] for name in data.class_names[:4]])
    labels = np.repeat(data.class_names[:4], 8)
    report = evaluate_classifier(classifier, images, labels)
    assert report.class_names == data.class_names[:4]
    assert report.predicted_names == [*known, "unknown"]
    assert report.matrix.sum(axis=1).tolist() == [8] * 4

    answers = [p.class_name for p in classifier.predict_classes(images)]
    for name in known:
        mine = [a for a, label in zip(answers, labels, strict=True) if label == name]
        share = np.mean([a == name for a in mine])
        assert report.recalls[name] == pytest.approx(share)
    # The fourth class is not known, and without a threshold nothing is "unknown".
    assert report.recalls[data.class_names[3]] == 0.0
    assert report.unknown_rate == 0.0
    assert report.macro_accuracy == pytest.approx(
        np.mean(list(report.recalls.values()))
    )
    assert sum(count for *_, count in report.confusions) == round(
        32 * (1 - report.accuracy)
    )


def test_unknown_is_right_for_a_class_that_is_not_known(model, data):
    known = data.class_names[:2]
    support = np.concatenate([data.class_items(name)[:1] for name in known])
    classifier = model.adapt(support, known, unknown_threshold=1.0)
    report = evaluate_classifier(
        classifier, data.class_items(data.class_names[5]), ["unknown"] * 8
    )
    assert report.recalls == {"unknown": 1.0}
    assert report.unknown_rate == 1.0
