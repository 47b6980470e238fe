import numpy as np
import pytest

from fsl_keras.estimates.support_set import SupportSet
from fsl_keras.layers.augmentation import RandomAffine, SupportExpansion
from fsl_keras.task_weights import TaskWeights, learn
from tests.shapes import make_learner


def ones(*shape):
    return np.ones((1, *shape), "float32")


def test_what_is_put_in_comes_out():
    task = TaskWeights()
    rng = np.random.default_rng(0)
    memory = {"sums": rng.random((1, 2, 3), "float32"), "counts": ones(2)}
    state = {"means": rng.random((1, 2, 3), "float32")}
    # Digests take all 64 bits.
    examples = [(2**63 - 1, 0), (-(2**63), 1)]
    task.replace(memory, state, examples)
    for name, value in memory.items():
        np.testing.assert_array_equal(task.memory[name], value)
    np.testing.assert_array_equal(task.state["means"], state["means"])
    assert task.examples == examples


def test_weights_of_another_shape_take_the_place_of_the_old_ones():
    task = TaskWeights()
    task.replace({"sums": ones(2, 3)}, {"means": ones(2, 3)}, [(1, 0), (2, 1)])
    task.replace({"sums": 2 * ones(3, 3)}, {"means": ones(3, 3)}, [(1, 0)])
    assert [tuple(w.shape) for w in task.weights] == [(3, 3), (3, 3), (1, 2)]
    np.testing.assert_array_equal(task.memory["sums"], 2 * ones(3, 3))
    assert task.trainable_weights == []


def test_the_spec_makes_the_weights_again():
    task = TaskWeights()
    task.replace({"sums": ones(2, 3)}, {"means": ones(2, 3)}, [(1, 0), (2, 1)])
    again = TaskWeights(task.spec)
    assert again.spec == task.spec
    again.set_weights(task.get_weights())
    assert again.examples == task.examples
    np.testing.assert_array_equal(again.memory["sums"], task.memory["sums"])


@pytest.fixture(scope="module")
def learner():
    return make_learner()


def batch(seeds, classes):
    items = [np.random.default_rng(s).random((16, 16, 1), "float32") for s in seeds]
    return np.stack(items), np.array(classes), np.array(seeds)


def test_the_same_item_counts_once_within_and_across_batches(learner):
    batches = [batch([1, 2, 1], [0, 1, 0]), batch([2, 3, 1], [1, 1, 1])]
    memory, examples = learn(learner, batches, ways=2)
    # Item 1 is of both classes; 1 and 2 come again.
    assert np.asarray(memory["counts"]).tolist() == [[1, 3]]
    assert [number for _, number in examples] == [0, 1, 1, 1]
    assert len(set(examples)) == 4


def test_examples_are_added_to_those_in_memory(learner):
    memory, examples = learn(learner, [batch([1, 2], [0, 1])], ways=2)
    more = [batch([2, 3], [1, 0])]
    memory, examples = learn(learner, more, 2, memory, examples)
    at_once, all_ = learn(learner, [batch([1, 2, 3], [0, 1, 0])], ways=2)
    assert examples == all_
    np.testing.assert_allclose(memory["sums"], at_once["sums"], atol=1e-5)


def test_a_support_set_is_told_what_is_new_and_what_comes_again(learner):
    support = SupportSet()
    batches = [batch([1, 2, 1], [0, 1, 0]), batch([2, 3], [1, 1])]
    learn(learner, batches, ways=2, support=support)
    assert support.rows.tolist() == [1, 2, 3]
    assert support.labels.tolist() == [0, 1, 1]
    assert support.duplicates == [(1, 1), (2, 2)]
    items = np.concatenate([batches[0][0][:2], batches[1][0][1:]])
    np.testing.assert_allclose(
        support.features, learner.backbone(items, training=False), atol=1e-5
    )


def test_augmented_copies_are_learned_as_well(learner):
    support = SupportSet()
    expansion = SupportExpansion(RandomAffine(shift=2), copies=3)
    images = batch([1, 2], [0, 1])
    memory, examples = learn(
        learner, [images], ways=2, support=support, expansion=expansion
    )
    assert np.asarray(memory["counts"]).tolist() == [[4, 4]]
    assert len(examples) == len(support) == 2
    assert support.copied.tolist() == [0, 1, 0, 1, 0, 1]
    whole = support.features[0] + support.copies[::2].sum(axis=0)
    np.testing.assert_allclose(memory["sums"][0, 0], whole, rtol=1e-4)


def test_without_examples_there_is_no_memory(learner):
    assert learn(learner, [], ways=2) == (None, [])
