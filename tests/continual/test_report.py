"""The figures of a report are those of its accuracies."""

import numpy as np
import pytest

from fsl_keras.continual import ContinualReport

NAN = np.nan

# Three sessions with 10, 10 and 20 test examples.
ACCURACIES = np.array(
    [
        [[1.0, NAN, NAN], [NAN, NAN, NAN], [NAN, NAN, NAN]],
        [[0.9, 0.8, NAN], [NAN, 0.6, NAN], [NAN, NAN, NAN]],
        [[0.9, 0.7, 0.5], [NAN, 0.7, 0.6], [NAN, NAN, 0.4]],
    ]
)


def report(accuracies=ACCURACIES, examples=(10, 10, 20), **kwargs):
    classes = [["ash", "birch"], ["cedar"], ["elm"]]
    sizes, seconds = [100, 200, 300], [0.5, 0.25, 0.75]
    return ContinualReport(
        "ridge", accuracies, examples, classes, sizes, seconds, **kwargs
    )


def avalanche(matrix):
    """Forgetting and backward transfer, as Avalanche updates them after each session.

    The accuracy right after the own session is the first value of a session, all later
    ones are its last value; a session counts once it has both.
    """
    first, last = {}, {}
    for trained, row in enumerate(matrix):
        for tested, accuracy in enumerate(row):
            if trained == tested:
                first[tested] = accuracy
            elif tested < trained:
                last[tested] = accuracy
    changes = [first[tested] - last[tested] for tested in first if tested in last]
    forgetting = float(np.mean(changes))
    return forgetting, -forgetting


def test_accuracy_by_session_counts_every_example():
    # (0.8 * 10 + 0.6 * 10) / 20, and (0.5 * 10 + 0.6 * 10 + 0.4 * 20) / 40.
    found = report()
    np.testing.assert_allclose(found.accuracy_by_session, [1.0, 0.7, 0.475])
    assert found.last_accuracy == pytest.approx(0.475)
    assert found.average_accuracy == pytest.approx((1.0 + 0.7 + 0.475) / 3)


def test_forgetting_by_hand():
    # From 1.0 to 0.5 and from 0.6 to 0.6.
    found = report()
    np.testing.assert_allclose(found.forgetting_by_session, [0.5, 0.0, 0.0])
    assert found.forgetting == pytest.approx(0.25)
    assert found.backward_transfer == pytest.approx(-0.25)


def test_forgetting_is_divided_by_its_causes():
    # Among the classes known then: from 1.0 to 0.9 and from 0.6 to 0.7. With the new
    # ones: from 0.9 to 0.5 and from 0.7 to 0.6.
    found = report()
    assert found.forgetting_among_known == pytest.approx((0.1 - 0.1) / 2)
    assert found.loss_to_new_classes == pytest.approx((0.4 + 0.1) / 2)


@pytest.mark.parametrize("seed", range(3))
def test_random_sessions_agree_with_avalanche(seed):
    rng, count = np.random.default_rng(seed), 6
    accuracies = rng.random((count,) * 3)
    t, k, j = np.indices(accuracies.shape)
    accuracies[(k > j) | (j > t)] = NAN
    found = ContinualReport(
        "random",
        accuracies,
        rng.integers(1, 9, count),
        [[str(session)] for session in range(count)],
        np.ones(count),
        np.ones(count),
    )
    expected = avalanche(found.accuracy_matrix)
    assert (found.forgetting, found.backward_transfer) == pytest.approx(expected)
    parts = found.forgetting_among_known + found.loss_to_new_classes
    assert parts == pytest.approx(found.forgetting)


def test_a_session_without_a_new_class_is_in_no_average():
    accuracies = ACCURACIES.copy()
    accuracies[:, 1] = NAN
    found = report(accuracies, examples=(10, 0, 20))
    np.testing.assert_allclose(found.accuracy_by_session, [1.0, 0.8, 13 / 30])
    assert found.forgetting == pytest.approx(0.5)


def test_one_session_forgets_nothing():
    found = ContinualReport("one", [[[0.8]]], [5], [["ash"]], [8], [0.1])
    assert (found.forgetting, found.forgetting_among_known) == (0.0, 0.0)
    assert (found.last_accuracy, found.average_accuracy) == (0.8, 0.8)


def test_the_gap_to_learning_all_at_once():
    assert report().joint_gap is None
    assert report(joint_accuracy=0.5).joint_gap == pytest.approx(0.025)


def test_a_report_is_saved_and_loaded(tmp_path):
    before, path = report(joint_accuracy=0.5), tmp_path / "report.json"
    before.save(path)
    after = ContinualReport.load(path)
    np.testing.assert_array_equal(after.accuracies, before.accuracies)
    np.testing.assert_array_equal(after.memory_bytes, before.memory_bytes)
    assert after.classes == before.classes
    assert str(after) == str(before)
    assert "NaN" not in path.read_text()


def test_the_text_has_the_figures():
    assert str(report(joint_accuracy=0.5)) == (
        "model ridge | sessions 3 | classes 4 | last accuracy 47.50 % | average "
        "accuracy 72.50 % | forgetting 25.00 points | among known classes 0.00 points "
        "| lost to new classes 25.00 points | gap to all at once 2.50 points | memory "
        "0.00 MB | time 0.50 s a session"
    )


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(ValueError, match=r"`accuracies` must have .*\(3, 3, 3\)"):
        report(ACCURACIES[:2])
    with pytest.raises(ValueError, match=r"`examples` must have .*\(3,\)"):
        report(examples=[1, 2])
