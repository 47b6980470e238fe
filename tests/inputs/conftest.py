import pytest

from fsl_keras.layers import ImagePreprocessing
from tests.shapes import NAMES, pictures, write


@pytest.fixture(scope="session")
def preprocessing():
    return ImagePreprocessing((16, 16), 1)


@pytest.fixture(scope="session")
def images():
    """Eight images, two of each shape, uint8 RGB."""
    return pictures(sorted(NAMES), count=2)[0]


@pytest.fixture(scope="session")
def labels():
    return pictures(sorted(NAMES), count=2)[1]


@pytest.fixture(scope="session")
def folder(tmp_path_factory, images, labels):
    """A folder with a folder of images for each shape; a table in its parent folder."""
    folder = tmp_path_factory.mktemp("inputs") / "shapes"
    paths = write(folder, images, labels)
    rows = [
        f"shapes/{path.relative_to(folder)},{label}"
        for path, label in zip(paths, labels, strict=True)
    ]
    table = folder.parent / "labels.csv"
    table.write_text("\n".join(["path,label", *rows]), "utf-8")
    return folder


@pytest.fixture
def paths(folder):
    return sorted(folder.rglob("*.png"))
