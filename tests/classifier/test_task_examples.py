import numpy as np

from fsl_keras.classifier.task_examples import LearnedExamples

PAIRS = [(11, 0), (12, 1), (13, 1), (14, 2)]


def examples():
    # The second example has an augmented copy.
    owners = np.array([0, 1, 2, 1, 3])
    features = np.arange(10.0).reshape(5, 2)
    return LearnedExamples(PAIRS, None, ["a", "b", 7, None], owners, features)


def assert_equal(some, others):
    np.testing.assert_array_equal(some.pairs, others.pairs)
    np.testing.assert_array_equal(some.ids, others.ids)
    assert some.sources == others.sources
    np.testing.assert_array_equal(some.owners, others.owners)
    np.testing.assert_array_equal(some.features, others.features)


def test_without_one_its_features_are_gone_and_ids_stay():
    left = examples().without(1)
    assert left.pairs.tolist() == [[11, 0], [13, 1], [14, 2]]
    assert left.ids.tolist() == [0, 2, 3]
    assert left.sources == ["a", 7, None]
    assert left.owners.tolist() == [0, 1, 2]
    assert left.features[:, 0].tolist() == [0, 4, 8]
    assert left.row_of(2) == 1


def test_some_classes_are_numbered_anew():
    left = examples().of_classes([1, 2])
    assert left.pairs.tolist() == [[12, 0], [13, 0], [14, 1]]
    assert left.owners.tolist() == [0, 1, 0, 2]


def test_ids_go_on_after_those_there_are():
    both = examples().without(0) + examples().shifted(3)
    assert both.ids.tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert both.classes.tolist() == [1, 1, 2, 3, 4, 4, 5]
    assert both.owners.tolist() == [0, 1, 0, 2, 3, 4, 5, 4, 6]


def test_arrays_hold_everything_and_any_file_name():
    given = examples()
    given.sources[0] = "caf\u00e9 \udcff.jpg"  # as Python reads invalid UTF-8
    arrays = given.to_arrays()
    assert {array.dtype.kind for array in arrays.values()} <= set("iuf")
    assert_equal(LearnedExamples.from_arrays(arrays), given)


def test_features_of_very_many_are_dropped():
    both = examples().joined(examples(), max_values=15)
    assert both.features is None
    assert both.owners is None
    assert len(both.sources) == 8


def test_features_that_one_part_lacks_are_not_known():
    both = LearnedExamples(PAIRS) + examples()
    assert both.features is None
    assert both.owners is None
    assert both.sources == [None] * 4 + ["a", "b", 7, None]
