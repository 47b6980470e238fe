"""Leaving out parts of a support set."""

import keras
import numpy as np

import fsl_keras as fsl
from fsl_keras.model_selection.cross_validation import HeldOut, divide, has_others
from fsl_keras.model_selection.support_set import SupportSet


def learner(head="prototypes"):
    nothing = keras.Sequential([keras.Input((1,)), keras.layers.Identity()])
    return fsl.models.TransferLearner(nothing, head)


def support_of(values, labels, **kwargs):
    support = SupportSet()
    support.add(np.asarray(values, "float32")[:, None], labels, **kwargs)
    return support


def test_parts_hold_copies_together_and_spread_classes():
    labels = np.repeat(np.arange(3), 20)
    groups = np.arange(60)
    groups[[3, 4, 5]] = 3
    parts = divide(labels, groups, most=5)
    assert len(set(parts[[3, 4, 5]])) == 1
    counts = np.array([np.bincount(parts[labels == c], minlength=5) for c in range(3)])
    assert counts[1:].min() >= 3
    assert counts.sum(axis=0).min() >= 10


def test_a_question_is_answered_from_its_own_examples():
    held_out = HeldOut(learner(), support_of([0, 2, 10, 14], [0, 0, 1, 1]), ways=2)
    logits, other = held_out.logits(
        [
            (np.array([True, False, True, True]), np.array([1])),
            (np.array([True, True, False, True]), np.array([2, 0])),
        ]
    )
    # Prototypes 0 and 12, then 1 and 14: minus the squared distances.
    np.testing.assert_allclose(logits, [[-4, -100]])
    np.testing.assert_allclose(other, [[-81, -16], [-1, -196]])


def test_a_class_that_is_left_out_whole_takes_no_part():
    held_out = HeldOut(learner(), support_of([0, 2, 10], [0, 0, 1]), ways=2)
    logits, tested = held_out.without(np.array([0, 1, 2]))
    assert tested.tolist() == [True, True, False]
    np.testing.assert_allclose(logits[:2, 0], [-4, -4])
    (left,) = held_out.logits([(np.array([True, True, False]), np.array([2]))])
    assert left[0, 1] < -1e8


def test_only_what_is_there_counts():
    support = support_of([0, 2, 4, 10, 14], [0, 0, 0, 1, 1])
    held_out = HeldOut(learner(), support, ways=2)
    kept = np.array([True, False, True, True, True])
    logits, tested = held_out.without(np.arange(5), kept)
    np.testing.assert_array_equal(tested, kept)
    # Without 2, the prototype that 0 is compared with is 4.
    np.testing.assert_allclose(logits[0], [-16, -144])


def test_augmented_copies_go_with_what_they_are_of():
    support = support_of(
        [0, 2, 10], [0, 0, 1], copies=np.array([[100.0], [4], [12]], "float32")
    )
    held_out = HeldOut(learner(), support, ways=2)
    (logits,) = held_out.logits([(np.array([False, True, True]), np.array([0]))])
    # The copy of 0, 100, is left out as well: prototypes are 3 and 11.
    np.testing.assert_allclose(logits, [[-9, -121]])


def test_what_is_left_out_is_not_seen_by_statistics():
    images = np.random.default_rng(0).random((6, 28, 28, 1), "float32")
    labels = np.repeat([0, 1], 3)
    backbone = fsl.backbones.Conv4((28, 28, 1), filters=2)
    network = keras.Sequential([backbone, keras.layers.Dense(2)])
    model = fsl.models.MAML(network, inner_steps=1, batch_norm="support")
    support = SupportSet()
    support.add(images, labels)
    one, two = np.arange(6) != 0, images.copy()
    two[0] = 1.0
    other = SupportSet()
    other.add(two, labels)
    asked = (one, np.array([5]))
    answers = [HeldOut(model, s, 2).logits([asked])[0] for s in (support, other)]
    np.testing.assert_array_equal(*answers)


def test_an_example_has_others_where_its_class_is_in_another_part():
    labels, parts = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])
    assert has_others(labels, parts).tolist() == [True, True, True, False]
