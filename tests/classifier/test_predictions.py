import numpy as np
import pytest

from fsl_keras.classifier.predictions import UNKNOWN, ClassPrediction
from tests.shapes import THREE, names, pictures

PREDICTION = ClassPrediction("unknown", 0.4, {"egret": 0.3, "heron": 0.4, "ibis": 0.3})


def test_the_most_probable_classes_come_first_and_ties_in_their_order():
    assert PREDICTION.top(1) == [("heron", 0.4)]
    assert PREDICTION.top(2) == [("heron", 0.4), ("egret", 0.3)]
    assert PREDICTION.top(9) == [("heron", 0.4), ("egret", 0.3), ("ibis", 0.3)]


@pytest.mark.parametrize("k", [0, -1, 1.5, None])
def test_other_numbers_are_refused(k):
    with pytest.raises(ValueError, match=r"integer of at least 1.*k="):
        PREDICTION.top(k)


class TestTop:
    def test_the_most_probable_classes_alone_the_most_probable_first(self, classifier):
        images, _ = pictures(THREE, seed=100)
        whole = classifier.predict_classes(images)
        found = classifier.predict_classes(images, top=2)
        for prediction, every in zip(found, whole, strict=True):
            assert list(prediction.probabilities) == [n for n, _ in every.top(2)]
            assert prediction.class_name == every.class_name
            np.testing.assert_allclose(
                list(prediction.probabilities.values()),
                [value for _, value in every.top(2)],
                rtol=1e-5,
            )
            assert prediction.probability == prediction.top(1)[0][1]

    def test_all_classes(self, classifier):
        (prediction,) = classifier.predict_classes(pictures(["bar"], 1)[0], top=3)
        assert sum(prediction.probabilities.values()) == pytest.approx(1)

    def test_unknown(self, classifier):
        classifier.unknown_threshold = 1.0
        image = np.full((20, 24, 3), 128, "uint8")
        (prediction,) = classifier.predict_classes(image, top=1)
        assert prediction.class_name == UNKNOWN
        assert names(classifier, image) == [UNKNOWN]
        assert list(prediction.probabilities) != [UNKNOWN]

    @pytest.mark.parametrize("top", [0, -1, 1.5, "2"])
    def test_other_numbers_are_refused(self, classifier, top):
        with pytest.raises(ValueError, match=r"`top` must be an integer of at least 1"):
            classifier.predict_classes(pictures(["bar"])[0], top=top)

    def test_more_than_the_classes(self, classifier):
        with pytest.raises(ValueError, match=r"number of classes, 3\. Received: top=4"):
            classifier.predict_classes(pictures(["bar"])[0], top=4)
