"""The components of the page and what they call."""

import asyncio

import pytest

pytest.importorskip("gradio")

from gradio.utils import safe_deepcopy

from fsl_keras.app.handlers import Handlers
from fsl_keras.app.learners import Learners
from fsl_keras.app.page import build


class CountedLearners(Learners):
    """Learners that count how often they are copied."""

    copies = 0

    def __deepcopy__(self, memo):
        CountedLearners.copies += 1
        return self


def test_opening_the_page_copies_no_learner():
    handlers = Handlers(CountedLearners())

    async def opening():
        # As Gradio does for each person who opens the page.
        safe_deepcopy(build(handlers).config)

    # Gradio makes an event loop where none runs, and leaves it open.
    asyncio.run(opening())
    assert CountedLearners.copies == 0
