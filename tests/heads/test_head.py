import numpy as np

from fsl_keras.heads import Head
from fsl_keras.heads.head import is_absent

LOGITS = np.array([[[3.0, -4.0], [-70.0, 0.0]]], "float32")


def test_logits_of_absent_classes_are_masked():
    masked = Head.mask_absent(LOGITS, np.array([[0.0, 1.0]], "float32"))
    np.testing.assert_array_equal(masked, [[[-1e9, -4], [-1e9, 0]]])


def test_masked_logits_are_known_again_after_averaging_and_scaling():
    masked = np.asarray(Head.mask_absent(LOGITS, np.array([[0.0, 1.0]], "float32")))
    for logits in (masked, masked.mean(axis=1), masked / 5):
        np.testing.assert_array_equal(is_absent(logits)[..., 0], True)
        np.testing.assert_array_equal(is_absent(logits)[..., 1], False)
