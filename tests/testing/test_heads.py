"""A head that breaks a rule fails the check of it, and the error says which."""

import keras
import numpy as np
import pytest

from fsl_keras.heads import NearestNeighborHead, PrototypeHead
from fsl_keras.testing import check_head, head_checks


def only(name, head):
    (check,) = (check for check in head_checks() if check.__name__ == name)
    check(head)


class CountsPadding(PrototypeHead):
    def remember(self, support, support_labels):
        padding = 1.0 - keras.ops.max(support_labels, axis=-1, keepdims=True)
        return super().remember(support, support_labels + 0.1 * padding)


class MixesTasks(PrototypeHead):
    def score(self, state, query):
        logits = super().score(state, query)
        return logits + keras.ops.mean(logits, axis=0, keepdims=True)


class KnowsTheFirstClass(PrototypeHead):
    def score(self, state, query):
        logits = super().score(state, query)
        return logits + keras.ops.one_hot(0, logits.shape[-1])


class HalfPrecision(PrototypeHead):
    def score(self, state, query):
        return keras.ops.cast(super().score(state, query), "float16")


@keras.saving.register_keras_serializable(package="tests")
class ForgetsAnArgument(NearestNeighborHead):
    def get_config(self):
        config = super().get_config()
        del config["neighbors"]
        return config


class WrongAxis(PrototypeHead):
    class_axes = {"sums": 0, "counts": 1}


class UnknownWord(PrototypeHead):
    incremental = "always"


BROKEN = {
    "check_padding": CountsPadding(),
    "check_tasks_apart": MixesTasks(),
    "check_order_of_classes": KnowsTheFirstClass(),
    "check_logits": HalfPrecision(),
    "check_saving": ForgetsAnArgument(neighbors=3),
    "check_memory": WrongAxis(),
    "check_attributes": UnknownWord(),
}


@pytest.mark.parametrize(("name", "head"), BROKEN.items(), ids=BROKEN)
def test_a_broken_head_fails_the_check_of_what_it_breaks(name, head):
    with pytest.raises(AssertionError) as error:
        only(name, head)
    (note,) = error.value.__notes__
    assert note.startswith(f"`{name}` failed: ")
    assert type(head).__name__ in note


def test_check_head_runs_all_checks_but_those_skipped():
    head = UnknownWord()
    with pytest.raises(AssertionError, match=r"`incremental` must be.*'always'"):
        check_head(head)
    with pytest.raises(ValueError, match=r"Received: \['check_speed'\].*check_call"):
        check_head(head, skip=["check_speed"])


def test_a_head_of_ones_own_passes():
    head = PrototypeHead("cosine")
    before = [np.asarray(weight) for weight in head.weights]
    check_head(head)
    for weight, same in zip(head.weights, before, strict=True):
        np.testing.assert_array_equal(weight, same)
