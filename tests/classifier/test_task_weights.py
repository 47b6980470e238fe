import numpy as np
import pytest

from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.classifier.task_weights import TaskWeights

TWO = LearnedExamples([(1, 0), (2, 1)])


def ones(*shape):
    return np.ones((1, *shape), "float32")


def test_what_is_put_in_comes_out():
    task = TaskWeights()
    rng = np.random.default_rng(0)
    memory = {"sums": rng.random((1, 2, 3), "float32"), "counts": ones(2)}
    state = {"means": rng.random((1, 2, 3), "float32")}
    # Digests take all 64 bits.
    examples = [(2**63 - 1, 0), (-(2**63), 1)]
    task.replace(memory, state, LearnedExamples(examples, sources=["a.png", 7]))
    for name, value in memory.items():
        np.testing.assert_array_equal(task.memory[name], value)
    np.testing.assert_array_equal(task.state["means"], state["means"])
    assert task.examples() == examples
    assert task.learned.sources == ["a.png", 7]


def test_a_task_of_another_shape_takes_the_place_of_the_old_one():
    task = TaskWeights()
    task.replace(
        {"sums": ones(2, 3)}, {"means": ones(2, 3)}, LearnedExamples([(1, 0), (2, 1)])
    )
    task.replace(
        {"sums": 2 * ones(3, 3)}, {"means": ones(3, 3)}, LearnedExamples([(1, 0)])
    )
    shapes = [value.shape for value in task.get_weights()]
    assert shapes[:3] == [(3, 3), (3, 3), (1, 2)]
    assert len(shapes) == 5
    np.testing.assert_array_equal(task.memory["sums"], 2 * ones(3, 3))


def test_classes_are_appended_to_memory_and_state():
    task, more = TaskWeights(), LearnedExamples([(3, 2)])
    task.replace({"sums": ones(2, 3)}, {"means": 2 * ones(2, 3)}, TWO)
    before = task.rows_of_state["means"]
    task.append({"sums": 3 * ones(1, 3)}, {"means": 4 * ones(1, 3)}, TWO + more)
    assert np.asarray(task.memory["sums"])[0, :, 0].tolist() == [1, 1, 3]
    assert np.asarray(task.state["means"])[0, :, 0].tolist() == [2, 2, 4]
    assert task.examples() == [(1, 0), (2, 1), (3, 2)]
    assert len(before) == 2
    assert task.get_weights()[0].shape == (3, 3)


def test_the_spec_makes_the_weights_again():
    task = TaskWeights()
    task.replace(
        {"sums": ones(2, 3)}, {"means": ones(2, 3)}, LearnedExamples([(1, 0), (2, 1)])
    )
    again = TaskWeights(task.spec)
    assert again.spec == task.spec
    again.set_weights(task.get_weights())
    assert again.spec == task.spec
    assert again.examples() == task.examples()
    np.testing.assert_array_equal(again.memory["sums"], task.memory["sums"])


def test_the_state_that_is_replaced_stays_as_it_was():
    task = TaskWeights()
    task.replace({}, {"means": ones(2)}, LearnedExamples())
    old = task.rows_of_state["means"]
    task.replace({}, {"means": 2 * ones(3)}, LearnedExamples())
    np.testing.assert_array_equal(old.value, [1, 1])
    np.testing.assert_array_equal(task.rows_of_state["means"].value, [2, 2, 2])


def test_a_tensor_without_rows_is_kept():
    task = TaskWeights()
    task.replace({"total": np.array([7.0], "float32")}, {}, LearnedExamples())
    again = TaskWeights(task.spec)
    assert np.asarray(again.memory["total"]).tolist() == [0]
    again.set_weights(task.get_weights())
    assert np.asarray(again.memory["total"]).tolist() == [7]


def test_arrays_of_other_shapes_are_refused():
    task, other = TaskWeights(), TaskWeights()
    task.replace({"sums": ones(2, 3)}, {}, TWO)
    other.replace({"sums": ones(2, 4)}, {}, TWO)
    with pytest.raises(ValueError, match=r"\[2, 4\].*\[2, 3\].*load_model"):
        TaskWeights(task.spec).set_weights(other.get_weights())


def test_the_spec_of_earlier_versions_has_digests_alone():
    spec = {"memory": {}, "state": {}, "examples": {"digests": [[2, 2], "int64"]}}
    task = TaskWeights(spec)
    task.set_weights([np.array([[5, 0], [6, 1]])])
    assert task.examples() == [(5, 0), (6, 1)]
    assert task.learned.ids.tolist() == [0, 1]
    assert task.learned.sources == [None, None]
    assert task.learned.owners is None


def test_what_is_put_in_may_change_afterwards():
    task, sums, features = TaskWeights(), ones(2, 3), ones(2, 64)[0]
    examples = LearnedExamples([(1, 0), (2, 1)], owners=[0, 1], features=features)
    task.replace({"sums": sums}, {}, examples)
    sums[:], features[:] = 0, 0
    np.testing.assert_array_equal(task.memory["sums"], ones(2, 3))
    np.testing.assert_array_equal(task.learned.features, ones(2, 64)[0])


def test_a_spec_is_forgotten_once_classes_are_appended():
    made = TaskWeights()
    made.replace({"sums": ones(2, 3)}, {"means": ones(2, 3)}, TWO)
    task = TaskWeights(made.spec)
    task.append({"sums": ones(1, 3)}, {"means": ones(1, 3)}, LearnedExamples([(3, 0)]))
    assert task.spec["memory"]["sums"] == [[3, 3], "float32"]
    assert len(task.get_weights()) == len(made.get_weights())
