import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.episodes import MetaDatasetShots
from fsl_keras.episodes.shots import UniformShots

SEED = tf.constant([1, 2], "int64")


def counts(shots, sizes, queries, episodes=6000, ways=None):
    """Shots `[episodes, N]` of classes of these sizes, all or the first `ways`."""
    sizes = np.tile(np.asarray(sizes, "int32"), (episodes, 1))
    present = np.ones_like(sizes)
    if ways is not None:
        present[:, ways:] = 0
    return shots.counts(tf.constant(sizes), tf.constant(present), queries, SEED).numpy()


def test_uniform_shots_are_the_same_for_the_classes_of_an_episode():
    drawn = counts(UniformShots(2, 5), [20, 30, 40], queries=3, ways=2)
    assert (drawn[:, 0] == drawn[:, 1]).all()
    assert (drawn[:, 2] == 0).all()
    numbers, times = np.unique(drawn[:, 0], return_counts=True)
    assert numbers.tolist() == [2, 3, 4, 5]
    assert np.abs(times - 1500).max() < 170  # five standard deviations


def test_what_shots_ask_of_sizes():
    assert UniformShots(2, 5).needed(queries=3) == 8
    assert UniformShots(2, 5).support_size(ways=4) == 20
    assert MetaDatasetShots().needed(queries=10) == 11
    assert MetaDatasetShots().support_size(ways=3) == 300
    assert MetaDatasetShots().support_size(ways=50) == 500


def test_meta_dataset_shots_stay_within_all_bounds():
    sizes = np.asarray([6, 12, 30, 60, 120, 200])
    shots = MetaDatasetShots(max_support=70, max_shots=40)
    drawn = counts(shots, sizes, queries=5)
    assert drawn.min() == 1
    assert (drawn <= np.minimum(sizes - 5, 40)).all()
    assert drawn.sum(-1).max() <= 70
    assert drawn.sum(-1).min() < 15
    assert drawn[:, -1].max() == 40


def test_classes_that_take_no_part_get_no_shots():
    drawn = counts(MetaDatasetShots(), [20, 30, 500], queries=5, ways=2)
    assert (drawn[:, 2] == 0).all()
    assert drawn[:, :2].min() == 1
    assert drawn.sum(-1).max() > 30  # up to 15 and 25


def test_the_size_of_the_support_set_follows_a_uniform_fraction():
    # One class of 50 - 10 items: the fraction alone decides, from 1 to 40.
    drawn = counts(MetaDatasetShots(), [50], queries=10)[:, 0]
    times = np.bincount(drawn, minlength=41)
    assert times[0] == 0
    assert np.abs(times[1:] - 150).max() < 62  # five standard deviations
    capped = counts(MetaDatasetShots(max_support=25), [50], queries=10)[:, 0]
    np.testing.assert_array_equal(capped, np.minimum(drawn, 25))


def test_a_class_adds_at_most_max_shots_to_the_size():
    drawn = counts(MetaDatasetShots(max_shots=30), [5000], queries=10)[:, 0]
    assert drawn.max() == 30
    assert abs(drawn.mean() - 15.5) < 0.6  # five standard errors


def test_shares_follow_class_sizes_times_a_factor_from_half_to_two():
    # 18 examples are free after one a class. The first class's share is f / (f + 4g)
    # for factors f, g: from .5 / 8.5 = 1/17 to 2 / 4 = 1/2.
    shots = MetaDatasetShots(max_support=20, max_shots=20)
    drawn = counts(shots, [1_000, 4_000], queries=10)
    drawn = drawn[drawn.sum(-1) >= 19]  # all whose fraction did not end below 20
    assert len(drawn) > 2500
    assert drawn[:, 0].min() == 1 + 18 // 17
    assert drawn[:, 0].max() == 1 + 18 // 2 - 1  # a half is reached on no draw
    assert drawn.sum(-1).max() == 20


def test_factors_are_uniform_in_their_logarithm():
    # Log factors are uniform on (-log 2, log 2): one class's is more than twice
    # another's, a share of two thirds, with probability 1/8, and either's with 1/4.
    shots = MetaDatasetShots(max_support=500, max_shots=500)
    drawn = counts(shots, [10**6, 10**6], queries=10, episodes=20_000)
    drawn = drawn[drawn.sum(-1) >= 499] - 1
    larger = drawn.max(-1) / 498
    assert len(drawn) > 9_000
    assert abs(np.mean(larger > 2 / 3) - 1 / 4) < 0.02
    assert abs(np.mean(drawn[:, 0] > drawn[:, 1]) - 1 / 2) < 0.025


def test_one_shot_a_class_is_a_limit_of_the_rule():
    drawn = counts(MetaDatasetShots(max_shots=1), [20, 900], queries=5)
    assert (drawn == 1).all()


@pytest.mark.parametrize("numbers", [{"max_support": 0}, {"max_shots": 0}])
def test_numbers_that_are_not_positive_are_refused(numbers):
    with pytest.raises(ValueError, match="must be at least 1"):
        MetaDatasetShots(**numbers)
