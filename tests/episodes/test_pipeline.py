import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.episodes import EpisodeSampler, MetaDatasetShots, episode_dataset
from tests.checks import assert_same_batches

SIZES = [5, 9, 4, 7, 4, 6]


def fetch(ids):
    """Items that tell their own id: vectors `[id, -id]`."""
    ids = tf.cast(ids, "float32")
    return tf.stack([ids, -ids], axis=-1)


def noise(items, seed):
    return items + tf.random.stateless_uniform(tf.shape(items), seed)


def episodes(ways=3, shots=2, queries=1, seed=7, **arguments):
    sampler = EpisodeSampler(SIZES, ways, shots, queries, seed)
    return episode_dataset(fetch, sampler, **arguments)


def test_a_batch_holds_the_items_the_sampler_drew():
    x, y = next(iter(episodes(tasks=4)))
    ids = EpisodeSampler(SIZES, 3, 2, 1, seed=7).sample_chunk(0)
    np.testing.assert_array_equal(x["support"][..., 0], ids["support"][:4])
    np.testing.assert_array_equal(x["support"][..., 1], -ids["support"].numpy()[:4])
    np.testing.assert_array_equal(x["query"][..., 0], ids["query"][:4])
    np.testing.assert_array_equal(y, ids["query_way"][:4])
    one_hot = np.repeat(np.eye(3), 2, axis=0)
    np.testing.assert_array_equal(x["support_labels"], [one_hot] * 4)


@pytest.mark.parametrize("augmentation", [None, noise])
def test_shapes_are_static(augmentation):
    x, y = episodes(tasks=4, augmentation=augmentation).element_spec
    assert x == {
        "support": tf.TensorSpec([4, 6, 2], "float32"),
        "support_labels": tf.TensorSpec([4, 6, 3], "float32"),
        "query": tf.TensorSpec([4, 3, 2], "float32"),
    }
    assert y == tf.TensorSpec([4, 3], "int32")


@pytest.mark.parametrize("augmentation", [None, noise])
def test_shapes_of_varying_episodes_are_static(augmentation):
    stream = episodes((2, 4), (1, 3), tasks=5, augmentation=augmentation)
    assert stream.element_spec == (
        {
            "support": tf.TensorSpec([5, 12, 2], "float32"),
            "support_labels": tf.TensorSpec([5, 12, 4], "float32"),
            "query": tf.TensorSpec([5, 4, 2], "float32"),
            "query_mask": tf.TensorSpec([5, 4], "bool"),
        },
        tf.TensorSpec([5, 4], "int32"),
        tf.TensorSpec([5, 4], "float32"),
    )


@pytest.mark.parametrize("shots", [(1, 3), MetaDatasetShots(max_support=9)])
def test_padding_bears_no_label_and_no_weight(shots):
    ids = EpisodeSampler(SIZES, (2, 4), shots, queries=1, seed=7).sample_chunk(0)
    stream = episodes((2, 4), shots, tasks=32)
    x, y, weight = next(stream.as_numpy_iterator())
    np.testing.assert_array_equal(
        x["support_labels"].sum(-1), ids["support_mask"].numpy().astype("float32")
    )
    np.testing.assert_array_equal(x["query_mask"], ids["query_mask"])
    np.testing.assert_array_equal(weight, x["query_mask"].astype("float32"))
    assert (y[~x["query_mask"]] == 0).all()
    examples, ways = x["support_labels"].sum(1), x["query_mask"].sum(-1)
    assert set(ways) == {2, 3, 4}
    # The first ways have examples, the others take no part.
    np.testing.assert_array_equal(examples > 0, np.arange(4) < ways[:, None])


def test_a_stream_resumes_at_any_index():
    whole = episodes(augmentation=noise, count=45)
    assert_same_batches(episodes(augmentation=noise, start=37, count=8), whole.skip(37))


@pytest.mark.parametrize("k", range(2))
def test_a_shard_is_every_nth_episode(k):
    whole = episodes(augmentation=noise, start=30, count=8)
    shard = episodes(augmentation=noise, start=30, count=4, shard=(k, 2))
    assert_same_batches(shard, whole.shard(2, k))


@pytest.mark.parametrize("augmentation", [None, noise])
def test_a_batch_is_so_many_episodes(augmentation):
    arguments = {"ways": (2, 4), "shots": (1, 3), "augmentation": augmentation}
    single = episodes(count=8, **arguments)
    batched = episodes(count=8, tasks=4, **arguments)
    assert_same_batches(batched, single.unbatch().batch(4))


def slow_fetch(ids):
    """Items that take much longer to read for some episodes than for others."""
    square = tf.eye(64) + tf.cast(ids[0], "float32")
    for _ in tf.range(50 * (ids[0] % 7)):
        square = tf.nn.softmax(square @ square)
    return fetch(ids) + square[0, :2]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("threads", "augmentation"), [(1, None), (5, None), (5, noise)]
)
def test_parallelism_changes_nothing(threads, augmentation):
    sampler = EpisodeSampler(SIZES, ways=3, shots=2, queries=1, seed=7)
    stream = episode_dataset(slow_fetch, sampler, count=40, augmentation=augmentation)
    options = tf.data.Options()
    options.deterministic = False  # the stream insists on its order
    options.threading.private_threadpool_size = threads
    options.autotune.enabled = False
    assert_same_batches(stream.with_options(options), stream)


def test_augmentation_is_drawn_anew_for_each_set_and_episode():
    def added(x, name):
        return (x[name][0, :3, 1] + np.round(x[name][0, :3, 0])).tolist()

    def halves(items, seed):
        return items + tf.stack(
            [tf.zeros(len(items)), tf.random.stateless_uniform([len(items)], seed)], -1
        )

    stream = episodes(augmentation=halves, count=4).as_numpy_iterator()
    noises = [added(x, name) for x, _ in stream for name in ("support", "query")]
    assert len({tuple(noise) for noise in noises}) == 8


def test_an_augmentation_may_be_an_object():
    class Noise:
        transform = staticmethod(noise)

    assert_same_batches(
        episodes(augmentation=Noise(), count=2), episodes(augmentation=noise, count=2)
    )


@pytest.mark.parametrize("augmentation", [None, noise])
def test_cardinality_is_the_number_of_batches(augmentation):
    stream = episodes(tasks=4, count=12, augmentation=augmentation)
    assert len(stream) == 3
    assert len(list(stream)) == 3


def test_count_is_that_of_the_shard():
    assert len(episodes(tasks=4, count=12, shard=(1, 3))) == 3


@pytest.mark.parametrize("arguments", [{}, {"start": 37}, {"shard": (1, 3)}])
def test_a_stream_without_count_has_no_end(arguments):
    cardinality = episodes(tasks=4, **arguments).cardinality()
    assert cardinality == tf.data.INFINITE_CARDINALITY


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tasks": 0}, "tasks=0"),
        ({"start": -1}, "start=-1"),
        ({"count": 0}, "count=0"),
        ({"count": 10, "tasks": 4}, "multiple of `tasks`.*count=10, tasks=4"),
        ({"shard": (3, 3)}, r"0 <= k < n.*shard=\(3, 3\)"),
        ({"shard": (-1, 3)}, r"shard=\(-1, 3\)"),
    ],
)
def test_numbers_out_of_range_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        episodes(**arguments)
