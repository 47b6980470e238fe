import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.episodes import (
    DirichletQueries,
    EpisodeSampler,
    MetaDatasetQueries,
    MetaDatasetShots,
)
from fsl_keras.episodes.queries import BalancedQueries
from fsl_keras.episodes.sampling import CHUNK

SEED = tf.constant([1, 2], "int64")
ROOM = 10_000
QUERIES = MetaDatasetQueries()


def counts(queries, available, episodes=20_000, ways=None):
    """Queries `[episodes, N]` of classes, all or the first `ways` present."""
    available = np.tile(np.asarray(available, "int32"), (episodes, 1))
    present = np.ones_like(available)
    if ways is not None:
        present[:, ways:] = 0
    available, present = tf.constant(available), tf.constant(present)
    reserved = queries.reserved(available, present)
    return queries.counts(reserved, available, present, SEED).numpy()


def draw(sampler, chunks=20):
    """The first episodes, as arrays with one row an episode."""
    sample = tf.function(sampler.sample_chunk)
    parts = [sample(tf.constant(chunk)) for chunk in range(chunks)]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def test_balanced_queries_are_the_same_for_every_class():
    drawn = counts(BalancedQueries(4), [9, 9, 9], episodes=2, ways=2)
    assert drawn.tolist() == [[4, 4, 0]] * 2


@pytest.mark.parametrize("concentration", [1, 2, 5])
def test_counts_have_the_moments_of_a_dirichlet(concentration):
    # Of M queries, class n gets M p_n, rounded to less than one.
    ways, queries, episodes = 5, 40, 20_000
    drawn = counts(DirichletQueries(queries, concentration), [ROOM] * ways)
    total, shares = ways * queries, drawn / (ways * queries)
    assert (drawn.sum(-1) == total).all()
    mean, sums = 1 / ways, ways * concentration + 1
    variance = mean * (1 - mean) / sums
    error = np.sqrt(variance / episodes)
    assert np.abs(shares.mean(0) - mean).max() < 5 * error
    np.testing.assert_allclose(shares.var(0), variance, rtol=0.06)
    # Two classes: what one gets the others lack.
    covariance = np.cov(shares.T)[np.triu_indices(ways, 1)]
    np.testing.assert_allclose(covariance, -(mean**2) / sums, rtol=0.15)


def test_the_share_of_one_of_two_classes_follows_the_beta_distribution():
    # Dirichlet(2, 2) is Beta(2, 2), whose distribution is 3x^2 - 2x^3.
    shares = np.sort(counts(DirichletQueries(5000, 2), [ROOM] * 2)[:, 0] / 10_000)
    expected = 3 * shares**2 - 2 * shares**3
    found = np.arange(1, 20_001) / 20_000
    assert np.abs(found - expected).max() < 1.95 / np.sqrt(20_000)  # p = 0.001


def test_a_large_concentration_is_nearly_balanced():
    drawn = counts(DirichletQueries(10, 500), [ROOM] * 4, episodes=500)
    assert np.abs(drawn - 10).max() <= 2


def test_some_of_the_ways_share_fewer_queries():
    drawn = counts(DirichletQueries(20, 2), [ROOM] * 5, ways=2)
    assert (drawn[:, 2:] == 0).all()
    assert (drawn.sum(-1) == 40).all()
    shares = drawn[:, 0] / 40
    # Beta(2, 2) has the variance 1 / 20, and rounding adds no more than 1 / 12.
    assert abs(shares.mean() - 0.5) < 0.01
    assert abs(shares.var() - 1 / 20) < 0.003


def test_a_small_class_gives_all_it_has_and_others_make_up_for_it():
    available = [6, 40, ROOM, ROOM]
    queries = DirichletQueries(15, 2)
    drawn, free = counts(queries, available), counts(queries, [ROOM] * 4)
    assert (drawn.sum(-1) == 60).all()
    assert (drawn <= available).all()
    np.testing.assert_array_equal(drawn[:, :1] == 6, np.minimum(free[:, :1], 6) == 6)
    fits = (free <= available).all(-1)
    assert 0.1 < fits.mean() < 0.5
    np.testing.assert_array_equal(drawn[fits], free[fits])


def test_where_classes_have_just_enough_all_items_are_used():
    drawn = counts(DirichletQueries(4, 2), [4, 4, 4], episodes=50)
    assert (drawn == 4).all()


def test_one_class_gets_all():
    assert (counts(DirichletQueries(7, 1), [ROOM], episodes=3) == 7).all()
    assert (counts(DirichletQueries(7, 2), [ROOM], episodes=3) == 7).all()


@pytest.mark.parametrize("shots", [2, (1, 3), MetaDatasetShots(max_support=20)])
@pytest.mark.parametrize("sizes", [[40] * 6, [9, 30, 12, 25, 9, 50]])
def test_no_item_comes_twice_in_an_episode(shots, sizes):
    sampler = EpisodeSampler(sizes, ways=4, shots=shots, queries=DirichletQueries(6))
    ids = draw(sampler)
    classes = np.repeat(np.arange(6), sizes)
    for row in range(0, len(ids["query"]), 7):
        episode = {key: value[row] for key, value in ids.items()}
        support = episode["support"][episode["support_mask"]]
        both = [*support, *episode["query"]]
        assert len(set(both)) == len(both)
        class_of_way = dict(
            zip(episode["support_way"], classes[episode["support"]], strict=True)
        )
        assert len(set(class_of_way.values())) == 4
        ways = [class_of_way[way] for way in episode["query_way"]]
        assert ways == classes[episode["query"]].tolist()


def test_an_episode_has_a_fixed_number_of_queries_of_varying_classes():
    sampler = EpisodeSampler([80] * 6, ways=4, shots=1, queries=DirichletQueries(15))
    assert not sampler.padded
    ids = draw(sampler)
    assert ids["query"].shape == (20 * CHUNK, 60)
    assert ids["query_mask"].all()
    table = np.stack([(ids["query_way"] == way).sum(-1) for way in range(4)], -1)
    assert len({tuple(row) for row in table.tolist()}) > 500
    # The mean of each way is 15, within five standard errors.
    assert np.abs(table.mean(0) - 15).max() < 5 * 60 * np.sqrt(0.1875 / 9 / 640)


def test_varying_ways_are_padded():
    sampler = EpisodeSampler(
        [80] * 6, ways=(2, 4), shots=1, queries=DirichletQueries(10)
    )
    assert sampler.padded
    ids = draw(sampler, chunks=2)
    ways = ids["support_mask"].sum(-1)
    np.testing.assert_array_equal(ids["query_mask"].sum(-1), 10 * ways)
    assert set(ways) == {2, 3, 4}


def test_episodes_of_a_seed_are_known_numbers():
    sampler = EpisodeSampler(
        [20] * 5, ways=3, shots=1, queries=DirichletQueries(3), seed=7
    )
    episode = {k: v[5].numpy().tolist() for k, v in sampler.sample_chunk(1).items()}
    assert episode["query_way"] == [0, 0, 0, 2, 0, 1, 0, 0, 1]
    assert episode["support"] == [82, 22, 11]


def test_the_stream_is_a_pure_function_of_seed_and_index():
    data = ClassDataset.from_arrays(np.arange(120.0)[:, None], np.arange(120) % 4)

    def labels(seed=0, start=0, count=40):
        stream = data.episodes(
            3, 1, DirichletQueries(8), seed=seed, start=start, count=count
        )
        return np.concatenate([y for _, y in stream.as_numpy_iterator()])

    whole = labels()
    np.testing.assert_array_equal(labels(), whole)
    np.testing.assert_array_equal(labels(start=33, count=7), whole[33:])
    assert (labels(seed=1) != whole).any()


def test_the_support_set_is_drawn_alike():
    # The classes of an episode are those of balanced queries, so that both compare.
    arguments = {"class_sizes": [40] * 6, "ways": 3, "shots": 2}
    some, others = (
        draw(EpisodeSampler(queries=queries, **arguments), chunks=1)
        for queries in (5, DirichletQueries(5))
    )
    classes = np.repeat(np.arange(6), 40)
    np.testing.assert_array_equal(classes[some["support"]], classes[others["support"]])


def test_the_protocol_names_the_distribution():
    data = ClassDataset.from_arrays(np.zeros((40, 2)), np.arange(40) % 2)
    stream = data.episodes(2, 1, DirichletQueries(4, concentration=3), count=2)
    told = stream.protocol["queries"]
    assert told == "DirichletQueries(queries=4, concentration=3)"
    assert stream.element_spec[0]["query"].shape == (1, 8, 2)


def test_a_class_with_too_few_items_for_the_mean_is_named():
    with pytest.raises(ValueError, match=r"needs 6 items.*'ibis' \(5\)"):
        EpisodeSampler([9, 5], 2, 1, DirichletQueries(5), class_names=["heron", "ibis"])


class TestMetaDatasetQueries:
    def test_half_of_the_smallest_class_that_takes_part_and_at_most_ten(self):
        queries = MetaDatasetQueries()
        assert counts(queries, [9, 30, 50], episodes=1).tolist() == [[4, 4, 4]]
        assert counts(queries, [21, 30, 50], episodes=1).tolist() == [[10, 10, 10]]
        assert counts(queries, [12, 8, 2], 1, ways=2).tolist() == [[4, 4, 0]]
        assert counts(MetaDatasetQueries(3), [12, 8], 1).tolist() == [[3, 3]]

    def test_episodes_follow_the_whole_rule(self):
        sizes = [2, 5, 13, 20, 40, 90]
        sampler = EpisodeSampler(sizes, (2, 5), MetaDatasetShots(60), queries=QUERIES)
        assert sampler.padded
        ids, classes = draw(sampler), np.repeat(np.arange(6), sizes)
        found = set()
        for row in range(len(ids["query"])):
            support, query = (
                ids[part][row][ids[f"{part}_mask"][row]]
                for part in ("support", "query")
            )
            both = [*support, *query]
            assert len(set(both)) == len(both)
            chosen, queries = np.unique(classes[query], return_counts=True)
            assert (np.unique(classes[support]) == chosen).all()
            least = min(sizes[c] for c in chosen)
            assert set(queries) == {min(least // 2, 10)}
            found |= set(queries)
        assert found == {1, 2, 6, 10}

    def test_a_class_of_one_item_is_named(self):
        with pytest.raises(ValueError, match=r"needs 2 items.*'ibis' \(1\)"):
            EpisodeSampler(
                [9, 1], 2, MetaDatasetShots(), QUERIES, class_names=["heron", "ibis"]
            )

    def test_fixed_shots_are_refused(self):
        with pytest.raises(ValueError, match="must be `MetaDatasetShots`"):
            EpisodeSampler([9, 9], 2, 1, QUERIES)

    @pytest.mark.parametrize("number", [0, 2.5, True])
    def test_a_number_that_is_no_positive_integer_is_refused(self, number):
        with pytest.raises(ValueError, match="must be a positive integer"):
            MetaDatasetQueries(number)


@pytest.mark.parametrize("numbers", [(0, 2), (5, 0), (5, 0.5), (2.5, 2)])
def test_numbers_that_are_no_positive_integers_are_refused(numbers):
    with pytest.raises(ValueError, match="must be positive integers"):
        DirichletQueries(*numbers)


def test_other_objects_are_refused():
    with pytest.raises(ValueError, match=r"integer, `DirichletQueries`.*\{'a': 1\}"):
        EpisodeSampler([9, 9], 2, 1, {"a": 1})
