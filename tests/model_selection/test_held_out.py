"""Predictions for examples that a learner was not given."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.model_selection.held_out import HeldOut, assign_folds, has_others
from tests.model_selection.supports import make_learner, support_of


def held_out_of(values, labels, **kwargs):
    """Of numbers, as vectors of length one."""
    support = support_of(np.asarray(values)[:, None], labels, **kwargs)
    return HeldOut(make_learner(1), support, ways=2)


@pytest.mark.parametrize("seed", range(5))
def test_folds_hold_groups_together_and_spread_classes(seed):
    rng = np.random.default_rng(seed)
    class_of_group = rng.integers(0, 4, 60)
    groups = rng.integers(0, 60, 150)
    labels = class_of_group[groups]
    for n_splits in (2, 5, 11):
        folds = assign_folds(labels, groups, n_splits)
        assert set(folds) == set(range(n_splits))
        of_group = set(zip(groups.tolist(), folds.tolist(), strict=True))
        assert len(of_group) == len(set(groups))
        sizes = np.zeros((4, n_splits), int)
        for group, fold in of_group:
            sizes[class_of_group[group], fold] += 1
        # Folds differ by one group at most, in each class and in all.
        assert np.ptp(sizes, axis=1).max() <= 1
        assert np.ptp(sizes.sum(axis=0)) <= 1


def test_few_groups_are_folds_of_their_own():
    folds = assign_folds(np.array([0, 1, 0, 1]), np.array([7, 2, 7, 5]), n_splits=3)
    assert folds.tolist() == [2, 0, 2, 1]


def test_each_task_learns_from_its_own_examples():
    held_out = held_out_of([0, 2, 10, 14], [0, 0, 1, 1])
    logits, other = held_out.predict(
        [
            (np.array([True, False, True, True]), np.array([1])),
            (np.array([True, True, False, True]), np.array([2, 0])),
        ]
    )
    # Prototypes 0 and 12, then 1 and 14: minus the squared distances.
    np.testing.assert_allclose(logits, [[-4, -100]])
    np.testing.assert_allclose(other, [[-81, -16], [-1, -196]])


def test_a_class_without_examples_is_never_predicted():
    held_out = held_out_of([0, 2, 10], [0, 0, 1])
    logits, tested = held_out.out_of_fold(np.array([0, 1, 2]))
    assert tested.tolist() == [True, True, False]
    np.testing.assert_allclose(logits[:2, 0], [-4, -4])
    (left,) = held_out.predict([(np.array([True, True, False]), np.array([2]))])
    assert left[0, 1] < -1e8


def test_examples_that_are_not_kept_have_no_effect():
    held_out = held_out_of([0, 2, 4, 10, 14], [0, 0, 0, 1, 1])
    kept = np.array([True, False, True, True, True])
    logits, tested = held_out.out_of_fold(np.arange(5), kept)
    np.testing.assert_array_equal(tested, kept)
    # Without 2, the prototype that 0 is compared with is 4.
    np.testing.assert_allclose(logits[0], [-16, -144])


def test_augmented_copies_are_left_out_with_their_example():
    copies = np.array([[100.0], [4], [12]], "float32")
    held_out = held_out_of([0, 2, 10], [0, 0, 1], copies=copies)
    (logits,) = held_out.predict([(np.array([False, True, True]), np.array([0]))])
    # The copy of 0, 100, is left out as well: prototypes are 3 and 11.
    np.testing.assert_allclose(logits, [[-9, -121]])


@pytest.mark.slow
def test_batch_statistics_do_not_depend_on_what_is_left_out():
    images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    labels = np.repeat([0, 1], 3)
    backbone = fsl.backbones.Conv4((28, 28, 1), filters=2)
    network = keras.Sequential([backbone, keras.layers.Dense(2)])
    model = fsl.models.MAML(network, inner_steps=1, batch_norm="support")
    one, two = np.arange(6) != 0, images.copy()
    two[0] = 1.0
    supports = [support_of(values, labels) for values in (images, two)]
    queries = (one, np.array([5]))
    found = [HeldOut(model, s, 2).predict([queries])[0] for s in supports]
    np.testing.assert_array_equal(*found)


def test_an_example_has_others_if_its_class_is_in_another_fold():
    labels, folds = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])
    assert has_others(labels, folds).tolist() == [True, True, True, False]


def test_descriptions_are_learned_unless_their_class_is_left_out():
    """Prototypes computed by hand: those of the descriptions have a weight of 3."""
    support = support_of([[1.0, 0.0], [0.0, 1.0]], [0, 1])
    described = np.array([[3.0, 0.0], [0.0, 5.0]])
    support.describe(described, 3 * np.eye(2, dtype="float32"))
    held_out = HeldOut(make_learner(2), support, ways=2)
    logits, tested = held_out.out_of_fold(np.array([0, 1]))
    assert tested.all()
    # The first fold learns the second example and both descriptions.
    prototypes = [described[0], (np.array([0.0, 1.0]) + 3 * described[1]) / 4]
    expected = [-np.sum((np.array([1.0, 0.0]) - p) ** 2) for p in prototypes]
    np.testing.assert_allclose(logits[0], expected, rtol=1e-5)
    # Without the description of its own class, an example alone cannot be tested.
    logits, tested = held_out.out_of_fold(np.array([0, 1]), left_out=[0])
    assert tested.tolist() == [False, True]
    (logits,) = held_out.predict([(np.array([False, True]), np.array([0]))], [0])
    assert logits[0, 0] < -1e8
    np.testing.assert_allclose(logits[0, 1], expected[1], rtol=1e-5)
