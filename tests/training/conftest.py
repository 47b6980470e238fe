import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="package")
def colors(tmp_path_factory):
    """A miniImageNet of classes of one color each."""
    folder = tmp_path_factory.mktemp("colors")
    generator = np.random.default_rng(0)
    for split, classes in (("train", 25), ("val", 5)):
        for number in range(classes):
            of_class = folder / split / f"class{number:02d}"
            of_class.mkdir(parents=True)
            color = generator.integers(0, 256, 3)
            for item in range(20):
                values = np.full((8, 8, 3), color, "uint8")
                Image.fromarray(values).save(of_class / f"{item:02d}.png")
    return folder
