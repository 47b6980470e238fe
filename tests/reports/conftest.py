"""Folders of shapes, and a learner that tells them apart."""

import pytest

from tests.reports.drawn import drawn
from tests.shapes import NAMES, THREE, make_learner, write


@pytest.fixture(scope="session")
def learner():
    return make_learner(channels=3)


@pytest.fixture(scope="session")
def examples(tmp_path_factory):
    """A folder of four pictures of each of three shapes."""
    folder = tmp_path_factory.mktemp("examples")
    write(folder, *drawn(THREE))
    return folder


@pytest.fixture(scope="session")
def test_folder(tmp_path_factory):
    """A folder of other pictures of these shapes, and of a fourth shape."""
    folder = tmp_path_factory.mktemp("test")
    write(folder, *drawn(NAMES, count=3, seed=100))
    return folder
