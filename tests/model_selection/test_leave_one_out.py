"""Leave-one-out predictions, and their report."""

import numpy as np
import pytest

from fsl_keras.model_selection import LeaveOneOutReport, leave_one_out
from fsl_keras.models.transfer import HEADS
from tests.checks import rows
from tests.model_selection.supports import make_learner, support_of


@pytest.fixture(scope="module")
def support():
    """Three classes in eight dimensions that overlap a little."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), [4, 7, 5])
    values = 2 * rng.random((3, 8))[labels] + 0.5 * rng.normal(size=(16, 8))
    return support_of(values, labels)


@pytest.mark.parametrize("head", rows(HEADS, ["cosine", "ridge"]))
def test_each_prediction_is_that_of_a_classifier_of_the_others(support, head):
    model = make_learner(8, head)
    report = leave_one_out(model, support, ["a", "b", "c"])
    assert report.n_splits == 16
    for i in (0, 5, 15):
        kept = np.arange(16) != i
        classifier = model.adapt(support.features[kept], support.labels[kept])
        probabilities = classifier.predict(support.features[i : i + 1], verbose=0)[0]
        assert report.answers[i] == probabilities.argmax()
        assert report.probabilities[i] == pytest.approx(probabilities.max(), abs=1e-4)


def test_near_duplicates_are_left_out_together():
    # Each example is a copy of one of the other class: with the copy in the support
    # set its class would win, without it nothing is left of the class.
    values = np.eye(4, dtype="float32")[[0, 0, 1, 2, 2, 3]]
    model = make_learner(4, "nearest_neighbor")
    report = leave_one_out(model, support_of(values, [0, 0, 0, 1, 1, 1]), ["a", "b"])
    assert report.duplicates == [(0, 1), (3, 4)]
    assert report.tested.all()
    apart = leave_one_out(model, support_of(values[[0, 1, 3]], [0, 0, 1]), ["a", "b"])
    assert not apart.tested.any()
    assert np.isnan(apart.accuracy)


def test_a_class_of_one_example_cannot_be_tested():
    values = np.eye(3, dtype="float32")[[0, 1, 2]] + 0.1
    report = leave_one_out(
        make_learner(3, "cosine"), support_of(values, [0, 0, 1]), ["heron", "ibis"]
    )
    assert report.alone == ["ibis"]
    assert report.tested.tolist() == [True, True, False]


def test_very_many_examples_are_divided_into_folds(support):
    report = leave_one_out(
        make_learner(8, "cosine"),
        support,
        ["a", "b", "c"],
        max_work=16**2 * 3 - 1,
        n_splits=4,
    )
    assert (report.n_splits, report.method) == (4, "4-fold cross-validation")
    assert report.tested.all()


def test_adapt_reports_indices_of_the_examples_as_given():
    # The second image is given twice, and the last one has the wrong label.
    values = np.array([[1, 0], [0.9, 0.3], [0.9, 0.3], [0, 1], [0.3, 1], [1, 0.1]])
    names = ["heron", "heron", "heron", "ibis", "ibis", "ibis"]
    classifier = make_learner(2, "cosine").adapt(
        values.astype("float32"), names, leave_one_out=True
    )
    report = classifier.leave_one_out
    assert report.duplicates == [(1, 2)]
    assert report.rows.tolist() == [0, 1, 3, 4, 5]
    (suspect,) = report.suspects
    assert suspect[:2] == (5, "heron")
    assert report.confusions == [("ibis", "heron", 1)]


def test_the_figures_of_a_report():
    report = LeaveOneOutReport(
        class_names=["egret", "heron", "ibis"],
        labels=np.array([0, 0, 1, 1, 1, 2, 2]),
        answers=np.array([0, 1, 0, 0, 1, -1, 0]),
        probabilities=np.array([0.9, 0.6, 0.4, 0.8, 0.9, 0.0, 0.7]),
        rows=np.arange(10, 17),
        duplicates=[(10, 11), (11, 13), (15, 16), (3, 10)],
        n_splits=7,
    )
    assert report.accuracy == pytest.approx(2 / 6)
    assert report.confusions == [
        ("heron", "egret", 2),
        ("egret", "heron", 1),
        ("ibis", "egret", 1),
    ]
    assert [row for row, _, _ in report.suspects] == [13, 16, 11]
    assert report.suspects[0][1:] == ("egret", 0.8)
    assert report.conflicts == [(11, 13)]
    assert report.alone == []
    # Wilson's interval of 2 of 6, by hand: 0.0968 to 0.7000.
    assert report.interval == pytest.approx((0.0968, 0.7000), abs=1e-4)


def test_the_interval_of_perfect_accuracy_is_not_empty():
    labels = np.repeat([0, 1], 5)
    report = LeaveOneOutReport(
        ["a", "b"], labels, labels, np.ones(10), np.arange(10), [], 10
    )
    low, high = report.interval
    assert (low, high) == pytest.approx((0.7225, 1.0), abs=1e-4)


def test_recalls_show_what_the_accuracy_hides():
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    answers = np.array([0, 0, 0, 0, 0, 1, -1])  # the last cannot be tested
    rows = np.arange(7)
    report = LeaveOneOutReport(
        ["many", "few", "one"], labels, answers, np.ones(7), rows, [], 7
    )
    assert report.accuracy == 5 / 6
    assert report.recalls == {"many": 1.0, "few": 0.5}
    assert report.balanced_accuracy == 0.75
    assert report.is_imbalanced
    equal = LeaveOneOutReport(
        ["a", "b"], labels[2:6], answers[2:6], np.ones(4), rows[:4], [], 4
    )
    assert not equal.is_imbalanced


class TestText:
    report = LeaveOneOutReport(
        class_names=["egret", "heron", "ibis"],
        labels=np.array([0, 0, 1, 1, 1, 2]),
        answers=np.array([0, 1, 0, 0, 1, -1]),
        probabilities=np.array([0.9, 0.6, 0.4, 0.8, 0.9, 0.0]),
        rows=np.arange(6),
        duplicates=[(1, 2), (3, 4), (0, 1)],
        n_splits=6,
    )

    def test_a_report_prints_accuracy_confusions_and_findings(self):
        assert str(self.report).splitlines() == [
            "Leave-one-out accuracy 40.0 % (95% interval 11.8 to 76.9 %, 5 images), "
            "balanced accuracy 41.7 %",
            "heron was predicted as egret: 2 of 3",
            "egret was predicted as heron: 1 of 2",
            "Not tested, with no second image: ibis",
            "May have the wrong label: image 3 looks like 'egret' (0.80)",
            "May have the wrong label: image 1 looks like 'heron' (0.60)",
            "Nearly the same image in two classes, one of which is probably wrong: "
            "image 1 and image 2",
            "Nearly the same image: image 0 and image 1",
            "Nearly the same image: image 3 and image 4",
        ]

    def test_findings_name_files_and_are_cut_by_kind(self):
        found = self.report.findings(names="abcdef", most=1)
        assert found[1:3] == [
            "May have the wrong label: d looks like 'egret' (0.80)",
            "... and 1 more that may have the wrong label",
        ]
        assert found[-2:] == [
            "Nearly the same image: a and b",
            "... and 1 more that are nearly the same",
        ]

    def test_one_class_has_no_accuracy(self):
        one = np.zeros(2, int)
        report = LeaveOneOutReport(["a"], one, one, np.ones(2), np.arange(2), [], 2)
        assert "cannot be estimated" in report.summary()
