"""Classifiers of sentences through the command."""

import csv
import io
import json

import keras
import numpy as np
import pytest

import fsl_keras as fsl

INTENTS = {
    "balance": [
        "what is my balance",
        "show me the balance of my account",
        "my balance please",
        "tell me the account balance",
    ],
    "card": [
        "my card is lost",
        "where is my new card",
        "the card was stolen",
        "i need another card",
    ],
    "transfer": [
        "send money to Bob",
        "transfer money to my sister",
        "send 50 euros to Zoë",
        "transfer 20 dollars",
    ],
}
# One copy, one conflict, and one row without a label.
ROWS = [
    *((text, name) for name, texts in INTENTS.items() for text in texts),
    ("My  balance please", "balance"),
    ("send money to bob", "card"),
    ("what now", ""),
]


def write_table(path, rows, header=("text", "intent")):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    return write_table(tmp_path_factory.mktemp("table") / "intents.csv", ROWS)


@pytest.fixture(scope="module")
def adapted(run_cli, table, tmp_path_factory):
    """The classifier that `adapt` makes of the table by default, and its JSON."""
    path = tmp_path_factory.mktemp("classifier") / "intents.keras"
    status, out, err = run_cli("adapt", table, "--output", path, "--json")
    assert status == 0, err
    return path, json.loads(out), err


@pytest.fixture(scope="module")
def classifier(adapted):
    return adapted[0]


@pytest.fixture(scope="module")
def language_model(tmp_path_factory):
    """The folder of a tiny language model of keras-hub, with random weights."""
    keras_hub = pytest.importorskip("keras_hub", reason="needs the extra text")
    words = {w for texts in INTENTS.values() for t in texts for w in t.lower().split()}
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = keras_hub.models.BertTokenizer(
        vocabulary=[*special, *sorted(words)], lowercase=True
    )
    keras.utils.set_random_seed(0)
    bert = keras_hub.models.BertBackbone(
        vocabulary_size=tokenizer.vocabulary_size(),
        num_layers=1,
        num_heads=2,
        hidden_dim=32,
        intermediate_dim=32,
        max_sequence_length=256,
    )
    folder = tmp_path_factory.mktemp("model")
    bert.save_to_preset(folder)
    tokenizer.save_to_preset(folder)
    return folder


def test_a_table_of_sentences_needs_no_option(adapted):
    path, document, err = adapted
    loaded = keras.saving.load_model(path)
    assert loaded.class_names == ["balance", "card", "transfer"]
    assert isinstance(loaded.learner.backbone, fsl.backbones.HashedTextEncoder)
    assert document["examples"] == len(loaded.examples()) == 14
    assert document["estimate"]["tested"] == 14
    assert "Skipped 1 of 15 rows: intents.csv, line 16: 'intent' is blank." in err
    assert "sentences: 14 of 14" in err


def test_suspects_copies_and_conflicts_are_named_by_their_text(
    run_cli, adapted, table, tmp_path
):
    _, document, _ = adapted
    assert document["conflicts"] == [["send money to Bob", "send money to bob"]]
    assert ["my balance please", "My  balance please"] in document["duplicates"]
    assert "send money to bob" in [row["text"] for row in document["suspects"]]
    status, out, _ = run_cli("adapt", table, "--output", tmp_path / "a.keras")
    assert status == 0
    assert (
        "Nearly the same sentence in two classes, one of which is probably wrong: "
        "'send money to Bob' and 'send money to bob'"
    ) in out
    assert "'My balance please'" in out
    assert "Learned 3 classes from 14 different sentences" in out
    assert "image" not in out


def test_columns_of_other_names(run_cli, tmp_path):
    rows = [(name, text) for text, name in ROWS[:12]]
    table = write_table(tmp_path / "said.tsv", rows, ("Wants", "Said"))
    columns = ("--text-column", "Said", "--label-column", "Wants")
    path = tmp_path / "a.keras"
    status, _, err = run_cli("adapt", table, *columns, "--output", path)
    assert status == 0, err
    assert keras.saving.load_model(path).class_names == list(INTENTS)
    status, out, _ = run_cli("evaluate", path, table, *columns)
    assert status == 0
    assert "accuracy 100.0 %" in out
    status, out, _ = run_cli("predict", path, table, "--text-column", "Said", "--csv")
    assert status == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["text"] for row in rows] == [text for text, _ in ROWS[:12]]


def test_predict_sentences_and_files_of_them(run_cli, classifier, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("card\r\n\r\nsend, money\r\n", encoding="utf-8")
    table = write_table(tmp_path / "a.csv", [("my balance", "x")])
    texts = ["what is my balance", "my balance", "card", "send, money"]
    status, out, err = run_cli(
        *("predict", classifier, table, "--file", lines, "--text", texts[0]),
        *("--top", 2, "--json"),
    )
    assert status == 0, err
    document = json.loads(out)
    assert [row["text"] for row in document["predictions"]] == texts
    assert document["skipped"] == []
    expected = keras.saving.load_model(classifier).predict_classes(texts)
    for row, prediction in zip(document["predictions"], expected, strict=True):
        assert row["class_name"] == prediction.class_name
        assert row["probability"] == pytest.approx(prediction.probability, abs=1e-5)
        assert [t["class_name"] for t in row["top"]] == [
            name for name, _ in prediction.top(2)
        ]


def test_predicted_sentences_are_shortened_in_the_table_alone(run_cli, classifier):
    text = "my card, " * 40 + "\nthat is lost"
    _, out, _ = run_cli("predict", classifier, "--text", text)
    (line,) = [line for line in out.splitlines() if "my card" in line]
    assert line.split("│")[1:3] == [f" {('my card, ' * 40)[:59]}… ", " card  "]
    _, out, _ = run_cli("predict", classifier, "--text", text, "--csv")
    (row,) = csv.DictReader(io.StringIO(out, newline=""))
    assert row["text"] == text
    assert row["class_name"] == "card"


def test_rows_that_cannot_be_read_are_skipped_and_named(run_cli, classifier, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"text,id\nmy card,1\n,2\nd\xe9j\xe0,3\na,b,c\n")
    status, out, err = run_cli("predict", classifier, tmp_path / "a.csv", "--json")
    assert status == 1
    document = json.loads(out)
    assert [row["text"] for row in document["predictions"]] == ["my card"]
    assert [row["place"] for row in document["skipped"]] == [
        f"a.csv, line {line}" for line in (3, 4, 5)
    ]
    assert "Skipped 3 of 4 sentences: a.csv, line 3: 'text' is blank" in err


def test_evaluate_a_table(run_cli, classifier, tmp_path):
    rows = [("a lost card", "card"), ("my balance", "balance"), ("hi", "greeting")]
    table = write_table(tmp_path / "a.csv", rows)
    report, figure = tmp_path / "report.csv", tmp_path / "confusion.png"
    status, out, err = run_cli(
        *("evaluate", classifier, table, "--output", report, "--confusion", figure)
    )
    assert status == 0, err
    assert "accuracy 66.7 %, balanced accuracy 66.7 %, unknown 0.0 %" in out
    assert "sentences" in out
    header, *lines = report.read_text(encoding="utf-8").splitlines()
    assert header.startswith("class,sentences,recall,predicted balance")
    assert [line.split(",")[:3] for line in lines] == [
        ["balance", "1", "1.0"],
        ["card", "1", "1.0"],
        ["greeting", "1", "0.0"],
    ]
    assert figure.stat().st_size


def test_add_class_of_sentences(run_cli, classifier, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("refund me\ni want a refund\n", encoding="utf-8")
    table = write_table(tmp_path / "a.csv", [["refund this"]], ["text"])
    path = tmp_path / "more.keras"
    status, out, err = run_cli(
        *("add-class", classifier, lines, table, "--text", "my refund"),
        *("--name", "refund", "--output", path),
    )
    assert status == 0, err
    assert "It knows 4 classes" in out
    loaded = keras.saving.load_model(path)
    learned = [e.source for e in loaded.examples() if e.class_name == "refund"]
    texts = ["my refund", "refund me", "i want a refund", "refund this"]
    assert learned == texts
    expected = keras.saving.load_model(classifier)
    expected.add_class("refund", texts)
    queries = ["a refund please", "my card"]
    np.testing.assert_allclose(
        loaded.predict(queries, verbose=0), expected.predict(queries, verbose=0), 1e-5
    )


def test_descriptions_and_sentences_of_no_class(run_cli, table, tmp_path):
    described = write_table(
        tmp_path / "described.csv",
        [("weather", "rain, snow and sunshine"), ("card", "the plastic card")],
        ("label", "description"),
    )
    negatives = tmp_path / "other.txt"
    negatives.write_text("tell me a joke\nbook a flight\n", encoding="utf-8")
    path = tmp_path / "a.keras"
    status, out, err = run_cli(
        *("adapt", table, "--descriptions", described, "--output", path, "--json"),
        *("--false-reject-rate", "0.2", "--negatives", negatives),
    )
    assert status == 0, err
    loaded = keras.saving.load_model(path)
    assert loaded.class_names == [*INTENTS, "weather"]
    assert loaded.descriptions == {
        "weather": "rain, snow and sunshine",
        "card": "the plastic card",
    }
    assert "Learned 4 classes from 14 different sentences and 2 descriptions" in err
    assert json.loads(out)["calibration"]["false_accepts"][1] == 2
    status, out, _ = run_cli("predict", path, "--text", "snow and rain", "--json")
    (row,) = json.loads(out)["predictions"]
    assert row["class_name"] in ("weather", "unknown")
    assert max(row["probabilities"], key=row["probabilities"].get) == "weather"


def test_compare_encoders_and_heads(run_cli, table, language_model):
    arguments = ("--encoder", "hashed", "--encoder", language_model)
    heads = ("--head", "cosine", "--head", "ridge")
    status, out, err = run_cli("compare", table, *arguments, *heads, "--json")
    assert status == 0, err
    document = json.loads(out)
    pairs = {(row["encoder"], row["head"]) for row in document["candidates"]}
    names = ("hashed", str(language_model))
    assert pairs == {(name, head) for name in names for head in ("cosine", "ridge")}
    assert document["recommended"].keys() == {"encoder", "head"}
    assert document["sentences"] == 12  # copies count as one
    status, out, _ = run_cli("compare", table, "--head", "ridge")
    assert status == 0
    assert "Recommended: --encoder hashed --head ridge" in out


def test_embed_sentences(run_cli, table, tmp_path):
    path = tmp_path / "features.npz"
    status, _, err = run_cli("embed", table, "--output", path)
    assert status == 0, err
    found = np.load(path)
    texts = found["texts"].tolist()
    names = found["class_names"][found["labels"]].tolist()
    assert sorted(zip(texts, names, strict=True)) == sorted(ROWS[:14])
    expected = fsl.backbones.HashedTextEncoder()(texts)
    np.testing.assert_allclose(found["features"], expected, atol=1e-6)


def test_a_language_model_is_adapted_and_exported(
    run_cli, table, language_model, tmp_path
):
    path = tmp_path / "a.keras"
    options = ("--encoder", language_model, "--pooling", "cls", "--prefix", "my ")
    status, _, err = run_cli("adapt", table, *options, "--output", path)
    assert status == 0, err
    learner = keras.saving.load_model(path).learner
    assert learner.backbone.get_config()["pooling"] == "cls"
    assert learner.backbone.get_config()["prefix"] == "my "
    assert type(learner.head) is fsl.heads.LogisticHead
    status, out, err = run_cli("export", path, tmp_path / "exported")
    assert status == 0, err
    assert "must `import tensorflow_text` first" in out
    assert (tmp_path / "exported" / "saved_model.pb").exists()


@pytest.mark.slow
def test_a_language_model_is_fine_tuned(run_cli, table, language_model, tmp_path):
    path = tmp_path / "a.keras"
    status, out, err = run_cli(
        *("adapt", table, "--encoder", language_model, "--output", path),
        *("--fine-tune", "--epochs", 1, "--json"),
    )
    assert status == 0, err
    assert json.loads(out)["examples"] == 14
    assert " - loss: " in err
    assert "so this estimate is too high" in err
    trained = keras.saving.load_model(path).learner.backbone
    original = fsl.backbones.SentenceEncoder(language_model)
    assert not np.allclose(trained(["my card"]), original(["my card"]), atol=1e-5)


def test_a_saved_encoder_is_an_encoder(run_cli, table, tmp_path):
    fsl.backbones.HashedTextEncoder(features=64).save(tmp_path / "encoder.keras")
    status, _, err = run_cli(
        *("adapt", table, "--encoder", tmp_path / "encoder.keras"),
        *("--output", tmp_path / "a.keras"),
    )
    assert status == 0, err
    loaded = keras.saving.load_model(tmp_path / "a.keras")
    assert loaded.learner.backbone.output_shape == (None, 64)
    assert type(loaded.learner.head) is fsl.heads.LogisticHead


def test_a_table_of_images_with_a_column_of_texts_is_one_of_images(run_cli, tmp_path):
    table = write_table(
        tmp_path / "a.csv", [("a.png", "a bird", "x")], ("file", "text", "label")
    )
    status, _, err = run_cli("adapt", table, "--backbone", "nonsense")
    assert status == 1
    assert "nonsense" in err
    status, _, err = run_cli(
        "adapt", table, "--encoder", "hashed", "--output", tmp_path / "a.keras"
    )
    assert status == 0, err
