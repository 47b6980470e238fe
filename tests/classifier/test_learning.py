import numpy as np

from fsl_keras.classifier.learning import learn, relearn
from fsl_keras.layers.augmentation import RandomAffine, SupportExpansion
from fsl_keras.model_selection import SupportSet


def batch(seeds, classes):
    items = [np.random.default_rng(s).random((16, 16, 1), "float32") for s in seeds]
    return np.stack(items), np.array(classes), np.array(seeds)


def test_the_same_item_counts_once_within_and_across_batches(learner):
    batches = [batch([1, 2, 1], [0, 1, 0]), batch([2, 3, 1], [1, 1, 1])]
    memory, examples = learn(learner, batches, ways=2)
    # Item 1 is of both classes; 1 and 2 come again.
    assert np.asarray(memory["counts"]).tolist() == [[1, 3]]
    assert examples.classes.tolist() == [0, 1, 1, 1]
    assert len(set(map(tuple, examples.pairs.tolist()))) == 4


def test_examples_are_added_to_those_in_memory(learner):
    memory, examples = learn(learner, [batch([1, 2], [0, 1])], ways=2)
    more = [batch([2, 3], [1, 0])]
    memory, examples = learn(learner, more, 2, memory, examples)
    at_once, all_ = learn(learner, [batch([1, 2, 3], [0, 1, 0])], ways=2)
    np.testing.assert_array_equal(examples.pairs, all_.pairs)
    assert examples.ids.tolist() == [0, 1, 2]
    np.testing.assert_allclose(examples.features, all_.features, atol=1e-5)
    np.testing.assert_allclose(memory["sums"], at_once["sums"], atol=1e-5)


def test_a_support_set_gets_new_examples_and_repeats(learner):
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
    expansion = SupportExpansion(RandomAffine(translation_factor=1 / 8), copies=3)
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
    memory, examples = learn(learner, [], ways=2)
    assert memory is None
    assert len(examples) == 0


def test_sources_are_those_of_the_rows_as_given(learner):
    batches = [batch([1, 2, 1], [0, 1, 0]), batch([2, 3], [1, 1])]
    _, examples = learn(learner, batches, ways=2, source=lambda row: f"{row}.png")
    assert examples.sources == ["1.png", "2.png", "3.png"]


def test_features_make_the_memory_again(learner):
    expansion = SupportExpansion(RandomAffine(translation_factor=1 / 8), copies=3)
    batches = [batch([1, 2], [0, 1]), batch([3], [1])]
    memory, examples = learn(learner, batches, ways=2, expansion=expansion)
    assert examples.owners.tolist() == [0, 1, 0, 1, 0, 1, 0, 1, 2, 2, 2, 2]
    again = relearn(learner, examples, ways=2)
    np.testing.assert_allclose(again["sums"], memory["sums"], rtol=1e-5)
    fewer = relearn(learner, examples.without(1), ways=2)
    assert np.asarray(fewer["counts"]).tolist() == [[4, 4]]


def test_the_features_of_very_many_examples_are_not_kept(learner):
    two = 20  # values of two examples, but not of three
    _, examples = learn(learner, [batch([1, 2], [0, 1])], ways=2, max_values=two)
    assert examples.features.shape == (2, 8)
    batches = [batch([1, 2], [0, 1]), batch([3], [1]), batch([4], [0])]
    _, examples = learn(learner, batches, ways=2, max_values=two)
    assert len(examples) == 4
    assert examples.features is None
    assert examples.owners is None
