import numpy as np
import pytest
from PIL import Image


def picture(number, size=(12, 10), channels=3):
    """A picture of noise that only this number has."""
    generator = np.random.default_rng(number)
    return generator.integers(0, 256, (*size, channels), dtype="uint8").squeeze()


@pytest.fixture
def birds(tmp_path):
    """A folder of three classes of four pictures, with names as people have them."""
    folder = tmp_path / "birds"
    for label, name in enumerate(["grey heron", "Ägretta", "цапля 鷺"]):
        (folder / name).mkdir(parents=True)
        for index in range(4):
            image = Image.fromarray(picture(10 * label + index))
            image.save(folder / name / f"no {index}.{['png', 'jpg'][index % 2]}")
    return folder
