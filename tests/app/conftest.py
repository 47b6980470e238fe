"""Sessions of the embedded learner."""

import pytest

from fsl_keras.app import Learners, Session
from tests.app.pictures import teach_colors


@pytest.fixture(scope="session")
def learners():
    return Learners()


@pytest.fixture(scope="session")
def embedder(learners):
    return learners[learners.names[0]]


@pytest.fixture
def session(embedder):
    session = Session(embedder)
    yield session
    session.close()


@pytest.fixture
def taught(session):
    """A session of three classes of five pictures each."""
    teach_colors(session)
    return session
