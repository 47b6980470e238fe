"""Sessions of the embedded learner."""

import pytest

from fsl_keras.app import Learners, Session
from fsl_keras.app.learners import TEXTS
from tests.app.pictures import teach_colors
from tests.app.texts import teach_questions


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


@pytest.fixture(scope="session")
def text_embedder(learners):
    return learners[TEXTS]


@pytest.fixture
def text_session(text_embedder):
    session = Session(text_embedder)
    yield session
    session.close()


@pytest.fixture
def answering(text_session):
    """A session of three classes of five questions each."""
    teach_questions(text_session)
    return text_session
