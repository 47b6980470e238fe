import numpy as np
import pytest

from fsl_keras.heads.inverse import inverse, inverses_by_products


@pytest.mark.parametrize("condition", [1.0, 30.0, 1e3, 1e5])
@pytest.mark.parametrize("size", [1, 7, 64])
def test_products_alone_give_the_same_inverse(size, condition):
    rng = np.random.default_rng(0)
    axes, _ = np.linalg.qr(rng.normal(size=(3, size, size)))
    values = 5.0 * np.geomspace(1 / condition, 1, size)
    matrices = ((axes * values) @ np.swapaxes(axes, 1, 2)).astype("float32")
    expected = np.linalg.inv(matrices.astype("float64"))
    with inverses_by_products():
        found = inverse(matrices)
    # What float32 leaves of it grows with the condition, whatever the way.
    tolerance = 3e-7 * condition * np.abs(expected).max()
    np.testing.assert_allclose(found, expected, atol=tolerance)
    np.testing.assert_allclose(inverse(matrices), expected, atol=tolerance)
