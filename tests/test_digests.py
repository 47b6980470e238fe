import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.digests import item_digest, weights_digest


@pytest.mark.parametrize(
    ("item", "digest"),
    [
        (b"heron", -8362831722823025661),
        (np.arange(12, dtype="uint8").reshape(2, 2, 3), -3472546066909635),
        (np.float32([0.5, -1.0]), 223595120839516941),
    ],
)
def test_digests_of_items_are_those_in_files(item, digest):
    assert item_digest(item) == digest


def test_an_item_has_one_digest_in_any_layout():
    image = np.arange(12, dtype="uint8").reshape(2, 2, 3)
    assert item_digest(np.asfortranarray(image)) == item_digest(image)
    assert item_digest(image[::-1]) != item_digest(image)
    assert item_digest(np.array("heron")) != item_digest(np.array("egret"))


def test_the_digest_of_weights_changes_with_each_of_them():
    backbone = fsl.backbones.Conv4((16, 16, 1), filters=2)
    seen = {weights_digest(backbone)}
    for weight in backbone.weights:
        weight.assign(weight + 1)
        seen.add(weights_digest(backbone))
    assert len(seen) == 1 + len(backbone.weights)
    names = weights_digest(backbone, lambda weight: weight.path)
    assert names not in seen
