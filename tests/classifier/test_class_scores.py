import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.classifier import class_scores
from fsl_keras.classifier.class_scores import logits_in_blocks, logits_in_parts
from tests.shapes import NAMES, names, pictures

ROWS = {"means": tf.random.stateless_normal((7, 3), (0, 1))}


def score(rows):
    queries = tf.random.stateless_normal((2, 3), (0, 2))
    return tf.matmul(queries, rows["means"], transpose_b=True)


@pytest.mark.parametrize("parts", [1, 2, 3, 7, 20])
def test_parts_make_up_the_whole(parts):
    found = logits_in_parts(score, ROWS, parts)
    np.testing.assert_allclose(found, score(ROWS), rtol=1e-6)


@pytest.mark.parametrize(("size", "blocks"), [(1, 7), (3, 3), (4, 2), (7, 1)])
def test_blocks_of_one_size_make_up_the_whole(monkeypatch, size, blocks):
    monkeypatch.setattr(class_scores, "BLOCK", size)
    sizes = []

    def score_block(rows):
        sizes.append(len(rows["means"]))
        return score(rows)

    found = logits_in_blocks(score_block, ROWS, blocks)
    np.testing.assert_allclose(found, score(ROWS), rtol=1e-6)
    assert sizes == [size] * blocks


@pytest.mark.parametrize("mode", [None, "float16", "int8"])
def test_a_classifier_of_many_classes_predicts_as_one_of_few(
    learner, monkeypatch, mode
):
    images, labels = pictures(NAMES, seed=100)
    classifier = learner.adapt(*pictures(NAMES))
    expected = classifier.predict(images, verbose=0)
    monkeypatch.setattr(class_scores, "FEW", 2)
    monkeypatch.setattr(class_scores, "PARTS", 3)
    monkeypatch.setattr(class_scores, "QUANTIZED_PARTS", 2)
    monkeypatch.setattr(class_scores, "BLOCK", 3)
    many = learner.adapt(*pictures(NAMES))
    if mode is not None:
        many.quantize_classes(mode)
    atol = {None: 1e-5, "float16": 1e-2, "int8": 0.3}[mode]
    np.testing.assert_allclose(many.predict(images, verbose=0), expected, atol=atol)
    one_by_one = [list(p.probabilities.values()) for p in many.predict_classes(images)]
    np.testing.assert_allclose(many.predict(images, verbose=0), one_by_one, atol=1e-5)
    assert names(many, images) == labels
    # Another number of classes, by the same compiled function.
    many.remove_class("disk")
    assert many.predict(images, verbose=0).shape == (16, 3)
    assert len(many.predict_classes(images)[0].probabilities) == 3
