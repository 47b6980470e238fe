import numpy as np

from fsl_keras.episodes.random import fold_in
from fsl_keras.layers.augmentation import RandomFlip, SequentialAugmentation


def test_layers_act_in_turn_with_seeds_of_their_own():
    pictures = np.random.default_rng(0).random((400, 3, 3, 1), "float32")
    flip = RandomFlip()
    seed = np.array([1, 2])
    changed = SequentialAugmentation([flip, flip]).transform(pictures, seed)
    expected = flip.transform(pictures, fold_in(seed, 0))
    expected = flip.transform(expected, fold_in(seed, 1))
    np.testing.assert_array_equal(changed, expected)
    # From the same seed, the second would undo the first.
    same = (changed.numpy() == pictures).all(axis=(1, 2, 3)).mean()
    assert 0.4 < same < 0.6
