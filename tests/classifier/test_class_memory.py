import numpy as np

from fsl_keras.classifier.class_memory import TOGETHER, ClassMemory, weighted_labels

FEATURES = np.random.default_rng(0).random((5, 64), "float32")


def sums(features):
    return features.sum(axis=0)


def test_examples_are_added_to_their_classes(learner):
    memory = ClassMemory(learner, ways=9)
    memory.add(FEATURES[:3], [7, 2, 7])
    memory.add(FEATURES[3:], [2, 2], np.array([[1.0], [0.5]]))
    assert memory.numbers.tolist() == [2, 7]
    found = memory.of_numbers
    assert found["counts"].tolist() == [[2.5, 2]]
    expected = FEATURES[1] + FEATURES[3] + FEATURES[4] / 2
    np.testing.assert_allclose(found["sums"][0, 0], expected, rtol=1e-6)
    np.testing.assert_allclose(found["sums"][0, 1], FEATURES[[0, 2]].sum(0), rtol=1e-6)
    whole = memory.of_all
    assert whole["sums"].shape == (1, 9, 64)
    assert whole["counts"].tolist() == [[0, 0, 2.5, 0, 0, 0, 0, 2, 0]]


def test_the_memory_before_is_asked_once_and_for_the_classes_alone(learner):
    asked = []

    def known(classes):
        asked.append(classes.tolist())
        return {
            "sums": np.full((1, len(classes), 64), 10, "float32"),
            "counts": np.full((1, len(classes)), 3, "float32"),
        }

    memory = ClassMemory(learner, 9, known)
    memory.add(FEATURES[:2], [4, 1])
    memory.add(FEATURES[2:3], [4])
    assert asked == [[1, 4]]
    assert memory.of_numbers["counts"].tolist() == [[4, 5]]
    expected = 10 + FEATURES[[0, 2]].sum(0)
    np.testing.assert_allclose(memory.of_numbers["sums"][0, 1], expected, rtol=1e-6)
    assert memory.of_all["counts"].tolist() == [[3, 4, 3, 3, 5, 3, 3, 3, 3]]


def test_more_examples_than_have_labels_at_a_time(learner):
    count = TOGETHER + 3
    features = np.ones((count, 64), "float32")
    memory = ClassMemory(learner, ways=3)
    memory.add(features, np.arange(count) % 2)
    assert memory.of_all["counts"].tolist() == [[(count + 1) // 2, count // 2, 0]]


def test_without_examples_there_is_no_memory(learner):
    assert ClassMemory(learner, ways=3).of_all is None


def test_labels_are_one_hot_times_weights():
    labels = weighted_labels([2, 0], 3, np.array([[1.0], [0.5]]))
    assert labels.tolist() == [[0, 0, 1], [0.5, 0, 0]]
