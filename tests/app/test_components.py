"""The components of the page, without a browser."""

import pytest

pytest.importorskip("gradio")

from fsl_keras.app import components
from tests.app.server import wait_for


def test_files_of_an_ended_session_can_still_be_shown(session):
    components.close_later(session)
    assert session.folder.is_dir()


def test_files_of_an_ended_session_are_removed(session, monkeypatch):
    monkeypatch.setattr(components, "FILES_LIFE", 0)
    components.close_later(session)
    wait_for(lambda: not session.folder.exists(), "the end of the files")


def test_a_page_without_a_session_is_closed():
    components.close_later(None)
