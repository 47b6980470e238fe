import keras
import numpy as np
import pytest
import scipy.stats

from fsl_keras.metrics import EpisodeAccuracy, mean_and_interval, wilson_interval
from tests.checks import assert_config_round_trip


def answers(*rows):
    """Logits `[T, M, 3]` whose highest is at the classes given."""
    return np.eye(3, dtype="float32")[np.array(rows)] * 5 - 1


def result(metric):
    return {name: float(value) for name, value in metric.result().items()}


@pytest.mark.parametrize(
    ("count", "total"), [(0, 1), (1, 1), (0, 20), (20, 20), (3, 7), (961, 1000)]
)
def test_the_wilson_interval_is_that_of_scipy(count, total):
    expected = scipy.stats.binomtest(count, total).proportion_ci(0.95, "wilson")
    assert wilson_interval(count, total) == pytest.approx(tuple(expected), abs=1e-12)


def test_the_wilson_interval_without_trials_is_unknown():
    assert np.isnan(wilson_interval(0, 0)).all()


def test_the_interval_of_a_mean_is_the_normal_one_of_scipy():
    values = np.random.default_rng(0).random(30)
    mean, interval = mean_and_interval(values)
    low, high = scipy.stats.norm.interval(
        0.95, loc=values.mean(), scale=scipy.stats.sem(values)
    )
    assert (mean - interval, mean + interval) == pytest.approx((low, high), rel=1e-12)


def test_the_interval_of_a_single_value_is_0():
    assert mean_and_interval([0.7]) == (0.7, 0.0)


TRUTH = np.zeros((3, 4), "int32")
# Three, two and one of four right.
LOGITS = answers([0, 0, 0, 1], [0, 0, 1, 1], [0, 2, 1, 1])


def test_accuracy_and_interval_by_hand():
    metric = EpisodeAccuracy()
    metric.update_state(TRUTH, LOGITS)
    # Deviations of 1/4, 0, 1/4: a variance of 1/16, an error of 1/4 over sqrt(3).
    expected = {"accuracy": 0.5, "accuracy_ci95": 1.959964 * 0.25 / 3**0.5}
    assert result(metric) == pytest.approx(expected, rel=1e-6)


def test_padding_does_not_count():
    metric = EpisodeAccuracy()
    weight = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]], "float32")
    metric.update_state(TRUTH, LOGITS, weight)  # 3 of 3, 2 of 2, 1 of 4
    assert result(metric)["accuracy"] == pytest.approx(0.75)


def test_every_episode_counts_once_however_many_queries_it_has():
    metric = EpisodeAccuracy()
    metric.update_state(np.zeros((1, 1)), answers([0]))
    metric.update_state(np.zeros((1, 3)), answers([1, 1, 1]))
    assert result(metric)["accuracy"] == pytest.approx(0.5)


def test_weights_say_only_which_queries_are_real():
    metric = EpisodeAccuracy()
    metric.update_state([[0, 0]], answers([0, 1]), [[0.1, 2.0]])
    assert result(metric)["accuracy"] == pytest.approx(0.5)


def test_batches_add_up_to_all_episodes_at_once():
    whole, parts = EpisodeAccuracy(), EpisodeAccuracy()
    whole.update_state(TRUTH, LOGITS)
    parts.update_state(TRUTH[:1], LOGITS[:1])
    parts.update_state(TRUTH[1:], LOGITS[1:])
    assert result(parts) == pytest.approx(result(whole))


def test_equals_the_formula_on_many_episodes():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 5, (300, 10))
    logits = rng.normal(size=(300, 10, 5)).astype("float32")
    metric = EpisodeAccuracy()
    for part in range(0, 300, 50):
        metric.update_state(truth[part : part + 50], logits[part : part + 50])
    each = (logits.argmax(-1) == truth).mean(axis=-1)
    assert result(metric) == pytest.approx(
        {
            "accuracy": each.mean(),
            "accuracy_ci95": 1.959964 * each.std(ddof=1) / 300**0.5,
        },
        rel=1e-5,
    )


def test_the_interval_of_a_nearly_perfect_model_is_not_lost_to_rounding():
    # 1 error among 2,000 episodes of 100 queries.
    logits = answers(*np.zeros((2000, 100), int))
    truth = np.zeros((2000, 100), int)
    truth[7, 7] = 1
    metric = EpisodeAccuracy()
    metric.update_state(truth, logits)
    each = (truth == 0).mean(axis=-1)
    expected = 1.959964 * each.std(ddof=1) / 2000**0.5
    assert result(metric)["accuracy_ci95"] == pytest.approx(expected, rel=1e-3)


def test_one_episode_has_no_interval_and_none_no_accuracy():
    metric = EpisodeAccuracy()
    assert result(metric) == {"accuracy": 0.0, "accuracy_ci95": 0.0}
    metric.update_state(TRUTH[:1], LOGITS[:1])
    assert result(metric) == {"accuracy": 0.75, "accuracy_ci95": 0.0}
    metric.reset_state()
    assert result(metric) == {"accuracy": 0.0, "accuracy_ci95": 0.0}


def test_half_precision_logits():
    metric = EpisodeAccuracy()
    metric.update_state(TRUTH, keras.ops.cast(LOGITS, "bfloat16"))
    assert result(metric)["accuracy"] == pytest.approx(0.5)


def test_configuration():
    assert_config_round_trip(EpisodeAccuracy(name="other"))
