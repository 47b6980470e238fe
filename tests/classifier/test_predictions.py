import pytest

from fsl_keras.classifier.predictions import ClassPrediction

PREDICTION = ClassPrediction("unknown", 0.4, {"egret": 0.3, "heron": 0.4, "ibis": 0.3})


def test_the_most_probable_classes_come_first_and_ties_in_their_order():
    assert PREDICTION.top(1) == [("heron", 0.4)]
    assert PREDICTION.top(2) == [("heron", 0.4), ("egret", 0.3)]
    assert PREDICTION.top(9) == [("heron", 0.4), ("egret", 0.3), ("ibis", 0.3)]


@pytest.mark.parametrize("k", [0, -1, 1.5, None])
def test_other_numbers_are_refused(k):
    with pytest.raises(ValueError, match=r"integer of at least 1.*k="):
        PREDICTION.top(k)
