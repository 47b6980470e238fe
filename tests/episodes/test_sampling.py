import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.episodes import EpisodeSampler, MetaDatasetShots
from fsl_keras.episodes.sampling import CHUNK


def draw(sampler, chunks=100):
    """The first `CHUNK * chunks` episodes, as arrays with one row an episode."""
    sample = tf.function(sampler.sample_chunk)
    parts = [sample(tf.constant(chunk)) for chunk in range(chunks)]
    return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}


def class_of(sampler):
    """The class of each item id."""
    return np.repeat(np.arange(len(sampler.class_sizes)), sampler.class_sizes)


def assert_uniform(counts):
    """Numbers of equally likely outcomes: chi-square within five deviations."""
    counts = np.asarray(counts, "float64").ravel()
    expected = counts.mean()
    assert expected > 20
    freedom = counts.size - 1
    square = ((counts - expected) ** 2 / expected).sum()
    assert square < freedom + 5 * np.sqrt(2 * freedom)


def table(rows, columns):
    """How often each pair of numbers occurs."""
    counts = np.zeros((rows.max() + 1, columns.max() + 1), int)
    np.add.at(counts, (rows.ravel(), columns.ravel()), 1)
    return counts


SIZES = [5, 9, 4, 7, 4, 6]


def test_episodes_of_a_seed_are_known_numbers():
    sampler = EpisodeSampler(SIZES, ways=3, shots=2, queries=2, seed=7)
    ids = sampler.sample_chunk(1)
    episode = {key: value[8].numpy().tolist() for key, value in ids.items()}
    assert episode["support"] == [33, 30, 25, 28, 0, 1]
    assert episode["query"] == [34, 3, 2, 26, 29, 27]
    assert episode["support_way"] == [0, 0, 1, 1, 2, 2]
    assert episode["query_way"] == [0, 2, 2, 1, 0, 1]


def test_episodes_of_varying_size_are_known_numbers():
    sampler = EpisodeSampler(
        SIZES, ways=(2, 4), shots=MetaDatasetShots(max_support=12), queries=1, seed=7
    )
    ids = sampler.sample_chunk(0)
    episode = {key: value[5].numpy().tolist() for key, value in ids.items()}
    assert episode["support"] == [0, 1, 4, 20, 22, 5, 7, 6, 9, 8, 0, 1]
    assert episode["query"] == [19, 3, 13, 3]
    assert episode["query_way"] == [1, 0, 2, 0]
    assert episode["support_mask"] == [True] * 10 + [False] * 2


def test_a_chunk_is_a_pure_function_of_seed_and_number():
    def sampler(seed):
        return EpisodeSampler(SIZES, ways=3, shots=1, queries=2, seed=seed)

    first, other = sampler(7), sampler(8)
    later = first.sample_chunk(5)["support"].numpy()
    again = sampler(7).sample_chunk(np.int64(5))["support"].numpy()
    np.testing.assert_array_equal(again, later)
    assert (first.sample_chunk(6)["support"].numpy() != later).any()
    assert (other.sample_chunk(5)["support"].numpy() != later).any()
    assert len({tuple(row) for row in later.tolist()}) > CHUNK // 2


@pytest.mark.parametrize("sizes", [[6] * 5, [5, 9, 4, 7, 6]], ids=["equal", "unequal"])
def test_no_item_comes_twice_in_an_episode(sizes):
    sampler = EpisodeSampler(sizes, ways=3, shots=2, queries=2)
    ids = draw(sampler)
    both = np.sort(np.concatenate([ids["support"], ids["query"]], axis=-1), axis=-1)
    assert (np.diff(both, axis=-1) > 0).all()
    assert both.min() == 0
    assert both.max() == sum(sizes) - 1


@pytest.mark.parametrize("sizes", [[6] * 5, [5, 9, 4, 7, 6]], ids=["equal", "unequal"])
def test_a_way_is_one_class_in_support_and_query(sizes):
    sampler = EpisodeSampler(sizes, ways=3, shots=2, queries=2)
    ids, classes = draw(sampler, chunks=20), class_of(sampler)
    support, query = classes[ids["support"]], classes[ids["query"]]
    class_of_way = support[:, ::2]  # two shots a class, in the order of ways
    np.testing.assert_array_equal(ids["support_way"], [[0, 0, 1, 1, 2, 2]] * len(query))
    np.testing.assert_array_equal(support[:, 1::2], class_of_way)
    np.testing.assert_array_equal(
        query, np.take_along_axis(class_of_way, ids["query_way"], axis=-1)
    )
    assert (np.sort(ids["query_way"], axis=-1) == [0, 0, 1, 1, 2, 2]).all()
    assert all(len(set(row)) == 3 for row in class_of_way.tolist())


def test_a_class_of_just_enough_items_gives_all_of_them():
    sampler = EpisodeSampler([4, 9], ways=2, shots=1, queries=3)
    ids = draw(sampler, chunks=2)
    for support, query in zip(ids["support"], ids["query"], strict=True):
        small = {i for i in (*support, *query) if i < 4}
        assert small == {0, 1, 2, 3}


@pytest.mark.parametrize("sizes", [[6] * 10, [30, 4] * 5], ids=["equal", "unequal"])
def test_every_class_is_equally_likely_in_every_way(sizes):
    sampler = EpisodeSampler(sizes, ways=3, shots=1, queries=1)
    ids = draw(sampler)
    classes = class_of(sampler)[ids["support"]]
    assert_uniform(np.bincount(classes.ravel()))
    assert_uniform(table(ids["support_way"], classes))


GROUPS = [*"aabbabb", *"bbb"]  # of 3 and of 7 classes, in no order


def test_classes_of_an_episode_are_of_one_group():
    sampler = EpisodeSampler([6] * 10, ways=3, shots=1, queries=2, groups=GROUPS)
    ids, classes = draw(sampler, chunks=20), class_of(sampler)
    group = np.asarray(GROUPS)[classes[np.hstack([ids["support"], ids["query"]])]]
    assert (group == group[:, :1]).all()
    assert set(group[:, 0]) == {"a", "b"}


def test_every_class_is_equally_likely_in_groups_of_any_size():
    sampler = EpisodeSampler([6] * 10, ways=3, shots=1, queries=1, groups=GROUPS)
    ids = draw(sampler)
    classes = class_of(sampler)[ids["support"]]
    # The three of a small group always come together.
    assert_uniform(np.bincount(classes[:, 0]))
    assert_uniform(table(ids["support_way"], classes))


def test_groups_that_do_not_fit():
    with pytest.raises(ValueError, match=r"1 of 2 groups have fewer, such as \['a'\]"):
        EpisodeSampler([6] * 10, ways=4, shots=1, queries=1, groups=GROUPS)
    with pytest.raises(
        ValueError, match=r"each of the 9 classes\. Received: 10 groups"
    ):
        EpisodeSampler([6] * 9, ways=2, shots=1, queries=1, groups=GROUPS)


@pytest.mark.parametrize("shots", [(1, 2), MetaDatasetShots(max_support=9)])
@pytest.mark.parametrize("sizes", [[6] * 8, [30, 4] * 4], ids=["equal", "unequal"])
def test_every_class_is_equally_likely_in_varying_episodes(sizes, shots):
    sampler = EpisodeSampler(sizes, ways=(2, 4), shots=shots, queries=1)
    ids = draw(sampler)
    # One query a class: the places that are not padding tell which take part.
    taking_part = class_of(sampler)[ids["query"][ids["query_mask"]]]
    assert_uniform(np.bincount(taking_part))
    assert_uniform(table(ids["query_way"][ids["query_mask"]], taking_part)[:2])
    ways = np.broadcast_to(ids["query_mask"].sum(-1)[:, None], ids["query_mask"].shape)
    assert_uniform(table(ways[ids["query_mask"]], taking_part)[2])


def test_every_item_of_a_class_is_equally_likely():
    sampler = EpisodeSampler([6] * 5, ways=3, shots=2, queries=2)
    ids = draw(sampler)
    assert_uniform(np.bincount(ids["support"].ravel()))
    assert_uniform(np.bincount(ids["query"].ravel()))


def test_the_position_of_a_query_says_nothing_about_its_label():
    sampler = EpisodeSampler([6] * 5, ways=3, shots=1, queries=2)
    ids = draw(sampler)
    position = np.broadcast_to(np.arange(6), ids["query_way"].shape)
    assert_uniform(table(position, ids["query_way"]))


def test_numbers_of_ways_and_shots_are_equally_likely_and_independent():
    sampler = EpisodeSampler([8] * 6, ways=(2, 5), shots=(1, 3), queries=2)
    assert sampler.padded
    ids = draw(sampler)
    ways = ids["query_mask"].sum(-1) // 2
    shots = ids["support_mask"].sum(-1) // ways
    assert set(ways) == {2, 3, 4, 5}
    assert set(shots) == {1, 2, 3}
    assert_uniform(table(ways, shots)[2:, 1:])


def test_every_class_of_a_varying_episode_has_the_same_shots_and_queries():
    sampler = EpisodeSampler([8, 12, 9] * 2, ways=(2, 5), shots=(1, 3), queries=2)
    ids, classes = draw(sampler, chunks=5), class_of(sampler)
    for row in range(5 * CHUNK):
        support = classes[ids["support"][row][ids["support_mask"][row]]]
        query = classes[ids["query"][row][ids["query_mask"][row]]]
        chosen, shots = np.unique(support, return_counts=True)
        assert len(set(shots)) == 1
        of_queries, queries = np.unique(query, return_counts=True)
        np.testing.assert_array_equal(of_queries, chosen)
        assert set(queries) == {2}


@pytest.mark.parametrize("shots", [(1, 3), MetaDatasetShots(max_support=14)])
def test_padding_repeats_real_items_of_the_episode(shots):
    sampler = EpisodeSampler([8, 12, 9] * 2, ways=(2, 5), shots=shots, queries=2)
    ids, classes = draw(sampler, chunks=5), class_of(sampler)
    assert ids["support"].shape == (5 * CHUNK, sampler.support_size)
    assert ids["query"].shape == (5 * CHUNK, 10)
    assert not ids["query_mask"].all()
    for row in range(5 * CHUNK):
        episode = {key: value[row] for key, value in ids.items()}
        masks = episode["support_mask"], episode["query_mask"]
        support, query = (
            episode[name][mask].tolist()
            for name, mask in zip(("support", "query"), masks, strict=True)
        )
        assert len(set(support + query)) == len(support) + len(query)
        assert set(episode["support"]) == set(support)
        assert set(episode["query"]) == set(query)
        assert (episode["query_way"][~masks[1]] == 0).all()
        class_of_way = dict(
            zip(episode["support_way"], classes[episode["support"]], strict=True)
        )
        ways = episode["query_way"][masks[1]]
        assert [class_of_way[way] for way in ways] == classes[query].tolist()
        assert set(ways) == set(range(len(class_of_way)))


def test_fixed_numbers_need_no_padding():
    sampler = EpisodeSampler(SIZES, ways=(3, 3), shots=(2, 2), queries=2, seed=7)
    assert not sampler.padded
    plain = EpisodeSampler(SIZES, ways=3, shots=2, queries=2, seed=7)
    ids = sampler.sample_chunk(0)
    assert ids["support_mask"].numpy().all()
    assert ids["query_mask"].numpy().all()
    np.testing.assert_array_equal(ids["support"], plain.sample_chunk(0)["support"])


def test_augmentation_seeds_differ_between_episodes():
    sampler = EpisodeSampler(SIZES, ways=3, shots=2, queries=2)
    seeds = {tuple(sampler.augmentation_seed(i).numpy().tolist()) for i in range(50)}
    assert len(seeds) == 50


def test_a_class_with_too_few_items_is_named():
    sizes, names = [5, 3, 9, 2], ["heron", "great egret", "ibis", "цапля"]
    with pytest.raises(
        ValueError,
        match=r"needs 4 items.*2 of 4 classes.*'great egret' \(3\), 'цапля' \(2\)",
    ):
        EpisodeSampler(sizes, ways=2, shots=(1, 3), queries=1, class_names=names)
    with pytest.raises(ValueError, match=r"'0' \(3\).*'4' \(3\) and 2 more"):
        EpisodeSampler([3] * 7, ways=2, shots=3, queries=1)
    with pytest.raises(ValueError, match=r"needs 3 items.*'цапля' \(2\)"):
        EpisodeSampler(sizes, 2, MetaDatasetShots(), queries=2, class_names=names)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"ways": 7}, "Episodes of 7 ways need as many classes. There are 6"),
        ({"ways": (2, 9)}, "Episodes of 9 ways"),
        ({"ways": 0}, "`ways` must be a positive integer or a pair"),
        ({"ways": -2}, "`ways` must be a positive integer or a pair"),
        ({"shots": -1}, "`shots` must be.*shots=-1"),
        ({"queries": -3}, "`queries` must be a positive integer"),
        ({"ways": (4, 2)}, r"Received: ways=\(4, 2\)"),
        ({"ways": (1, 2, 3)}, "`ways`"),
        ({"ways": True}, "`ways`"),
        ({"shots": 1.5}, "`shots` must be.*shots=1.5"),
        ({"shots": (0, 2)}, "`shots`"),
        ({"queries": 0}, "`queries` must be a positive integer"),
        ({"queries": (1, 2)}, r"`queries` must be.*queries=\(1, 2\)"),
        ({"seed": 0.5}, "`seed` must be an integer"),
        (
            {"ways": 3, "shots": MetaDatasetShots(max_support=2)},
            "max_support=2.*3 classes",
        ),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, message):
    valid = {"ways": 2, "shots": 1, "queries": 1}
    with pytest.raises(ValueError, match=message):
        EpisodeSampler(SIZES, **{**valid, **arguments})
