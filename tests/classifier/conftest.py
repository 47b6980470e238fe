import pytest

from tests.shapes import THREE, make_learner, pictures


@pytest.fixture(scope="session")
def learner():
    return make_learner()


@pytest.fixture
def classifier(learner):
    """Knows the first three shapes."""
    return learner.adapt(*pictures(THREE))
