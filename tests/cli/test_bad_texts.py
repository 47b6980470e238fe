"""Bad tables, texts and encoders of every command: one line that names the fault.

Each line of `CASES` is a command with one mistake, the exit status, and words of the
message. Status 2 is for usage.
"""

import sys

import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl

CALIBRATED = "adapt intents.csv --false-reject-rate 0.1"

# The files are those that `world` makes.
CASES = [
    # adapt: the table
    ("adapt nowhere.csv", 1, "There is no file nowhere.csv"),
    ("adapt empty.csv", 1, "empty.csv: no column of sentences or images"),
    ("adapt headless.csv", 1, "Name it one of: text"),
    ("adapt unlabeled.csv", 1, "No label found under the names ['text']"),
    ("adapt doubled.csv", 1, "'text' of the text occurs 2 times"),
    ("adapt blank.csv", 1, "No row has a 'text' and a 'label'"),
    ("adapt binary.csv", 1, "binary.csv is not in UTF-8"),
    ("adapt latin1.csv", 1, "'text' is not in UTF-8"),
    ("adapt own_names.csv", 1, "--text-column"),
    ("adapt own_names.csv --text-column Said --label-column Wants", 1, "'Say'"),
    ("adapt own_names.csv --text-column Say --label-column Want", 1, "'Wants'"),
    ("adapt intents.csv --text-column label", 1, "both texts and labels"),
    ("adapt photos --encoder hashed", 1, "photos is no table of sentences"),
    ("adapt photos --label-column label", 1, "--label-column is for tables"),
    ("adapt lines.txt --encoder hashed", 1, "lines.txt is no table of sentences"),
    ("adapt photos.csv --encoder hashed", 1, "photos.csv is a table of images"),
    ("adapt intents.csv --learner learner.keras", 1, "a table of sentences"),
    ("adapt intents.csv --backbone mobilenet_v2", 1, "a table of sentences"),
    # adapt: options of the other kind
    ("adapt intents.csv --invert", 1, "--invert is for images"),
    ("adapt intents.csv --resize crop", 1, "--resize is for images"),
    ("adapt intents.csv --alpha 1 --weights a.h5", 1, "--weights and --alpha are for"),
    ("adapt photos.csv --prefix query:", 1, "--prefix is for sentences"),
    ("adapt photos --descriptions described.csv", 1, "--descriptions is for sentences"),
    ("adapt photos --backbone mobilenet_v2 --encoder hashed", 1, "not both"),
    # adapt: the encoder
    ("adapt intents.csv --encoder hashd", 1, "Did you mean 'hashed'?"),
    ("adapt intents.csv --encoder ./nowhere", 1, "There is no folder nowhere"),
    ("adapt intents.csv --encoder incomplete", 1, "it lacks model.safetensors"),
    ("adapt intents.csv --encoder nowhere.keras", 1, "There is no file nowhere.keras"),
    ("adapt intents.csv --encoder learner.keras", 1, "learner.keras embeds no"),
    ("adapt intents.csv --encoder hashed --pooling cls", 1, "--pooling"),
    ("adapt intents.csv --encoder hashed --pooling max", 2, "--pooling"),
    ("adapt intents.csv --fine-tune", 1, "give one with --encoder"),
    ("adapt intents.csv --epochs 3", 1, "--epochs is for --fine-tune"),
    ("adapt intents.csv --unfreeze all", 1, "--unfreeze is for --fine-tune"),
    ("adapt intents.csv --fine-tune --epochs 0", 2, "--epochs"),
    # adapt: the other files
    ("adapt intents.csv --base intents.csv", 1, "--head simple_shot"),
    ("adapt intents.csv --descriptions nowhere.csv", 1, "nowhere.csv"),
    ("adapt intents.csv --descriptions lines.txt", 1, "lines.txt is no table"),
    ("adapt intents.csv --descriptions intents.csv", 1, "more than once"),
    ("adapt intents.csv --negatives lines.txt", 1, "false_reject_rate"),
    (f"{CALIBRATED} --negatives nowhere.txt", 1, "There is no file nowhere.txt"),
    (f"{CALIBRATED} --negatives photos", 1, "photos is no file of sentences"),
    (f"{CALIBRATED} --negatives empty.txt", 1, "empty.txt holds no text"),
    ("adapt intents.csv --output intents", 1, ".keras"),
    # add-class
    ("add-class texts.keras", 2, "Missing argument"),
    ("add-class texts.keras lines.txt", 1, "--name"),
    ("add-class texts.keras --text hello", 1, "--name"),
    ("add-class texts.keras lines.txt --name card", 1, "known already"),
    ("add-class texts.keras intents.csv --name new", 1, "has labels"),
    ("add-class texts.keras photos/egret --name new", 1, "no file of sentences"),
    ("add-class images.keras lines.txt --name new", 1, "annot read"),
    ("add-class images.keras --text hello --name new", 1, "--text is for sentences"),
    # predict
    ("predict texts.keras", 2, "Missing argument"),
    ("predict texts.keras hello", 1, "A sentence itself is given with --text"),
    ("predict texts.keras photos/egret/0.png", 1, "0.png is no file of sentences"),
    ("predict texts.keras photos.csv", 1, "photos.csv is a table of images"),
    ("predict texts.keras nowhere.csv", 1, "There is no file nowhere.csv"),
    ("predict texts.keras empty.txt", 1, "empty.txt holds no text"),
    ("predict texts.keras binary.txt", 1, "lines are not in UTF-8"),
    ("predict texts.keras mixed.csv", 1, "mixed.csv, line 3: 'text' is blank"),
    ("predict texts.keras mixed.txt", 1, "mixed.txt, line 2: is not in UTF-8"),
    ("predict texts.keras intents.csv --text-column Say", 1, "no column 'Say'"),
    ("predict texts.keras --text hello --top 0", 2, "--top"),
    ("predict images.keras --text hello", 1, "--text is for sentences"),
    ("predict images.keras intents.csv", 1, "intents.csv is a table of sentences"),
    ("predict images.keras lines.txt", 1, "lines.txt"),
    # evaluate
    ("evaluate texts.keras", 1, "a table"),
    ("evaluate texts.keras photos", 1, "photos is no table of sentences"),
    ("evaluate texts.keras unlabeled.csv", 1, "No label found"),
    ("evaluate texts.keras others.csv", 1, "is a class of the classifier"),
    ("evaluate images.keras intents.csv", 1, "a table of sentences"),
    ("evaluate images.keras photos --text-column Say", 1, "--text-column is for"),
    # export
    ("export texts.keras a.tflite --format litert", 1, "takes strings"),
    ("export texts.keras a.onnx --format onnx", 1, "takes strings"),
    ("export texts.keras out --image-size 9 9", 1, "--image-size is for images"),
    # compare and embed
    ("compare intents.csv --encoder hashd", 1, "Did you mean 'hashed'?"),
    ("compare intents.csv --encoder hashed --backbone vgg16", 1, "not both"),
    ("compare intents.csv --alpha 0.35", 1, "--alpha is for images"),
    ("compare photos --encoder hashed", 1, "photos is no table of sentences"),
    ("compare single.csv", 1, "near duplicates"),
    ("embed intents.csv --weights a.h5", 1, "--weights is for images"),
    ("embed photos --pooling cls", 1, "--pooling is for sentences"),
]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder that holds one of everything that the cases name."""
    root = tmp_path_factory.mktemp("world")
    for number, name in enumerate(("egret", "heron")):
        (root / "photos" / name).mkdir(parents=True)
        for index in range(2):
            pixels = np.full((16, 16), 90 * number + 40 * index, "uint8")
            Image.fromarray(pixels).save(root / "photos" / name / f"{index}.png")
    tables = {
        "intents.csv": "text,label\nmy card,card\na card,card\npay Bob,pay\npay,pay\n",
        "others.csv": "text,label\nmy card,weather\n",
        "single.csv": "text,label\nmy card,card\npay Bob,pay\n",
        "empty.csv": "",
        "headless.csv": "my card is lost,card\n",
        "unlabeled.csv": "text\nmy card\n",
        "doubled.csv": "text,text,label\nmy card,a,card\n",
        "blank.csv": "text,label\n ,card\nmy card,\n",
        "mixed.csv": "text,label\nmy card,card\n,card\npay Bob,pay\n",
        "own_names.csv": "Say,Wants\nmy card,card\n",
        "photos.csv": "file,label\nphotos/egret/0.png,egret\n",
        "described.csv": "label,description\ncard,about cards\n",
        "lines.txt": "hello\nwhat is up\n",
        "empty.txt": "\n\n",
    }
    for name, text in tables.items():
        (root / name).write_text(text, encoding="utf-8")
    (root / "mixed.txt").write_bytes(b"my card\n\xff\xfe\npay Bob\n")
    (root / "latin1.csv").write_bytes(b"text,label\nd\xe9j\xe0 vu,card\n")
    (root / "binary.csv").write_bytes(bytes(range(256)))
    (root / "binary.txt").write_bytes(b"\xff\xfe\n\xe9\n")
    (root / "incomplete").mkdir()
    (root / "incomplete" / "config.json").write_text("{}", encoding="utf-8")
    learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((16, 16, 1), 2))
    learner.save(root / "learner.keras")
    learner.adapt(root / "photos").save(root / "images.keras")
    texts = fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder(), "ridge")
    texts.adapt(["my card", "pay Bob"], ["card", "pay"]).save(root / "texts.keras")
    return root


@pytest.mark.parametrize(("command", "status", "words"), CASES)
def test_bad_texts(run_cli, world, monkeypatch, command, status, words):
    monkeypatch.chdir(world)
    before = {path: path.is_file() and path.read_bytes() for path in world.rglob("*")}
    found, out, err = run_cli(*command.split())
    assert "Traceback" not in out + err
    assert words in " ".join(err.split())
    assert found == status
    if status == 1:
        assert [line[:6] for line in err.splitlines()][-1] == "Error:" or out
    after = {path: path.is_file() and path.read_bytes() for path in world.rglob("*")}
    assert after == before


def test_a_language_model_without_its_package(run_cli, world, monkeypatch):
    monkeypatch.chdir(world)
    monkeypatch.setitem(sys.modules, "keras_hub", None)
    monkeypatch.setitem(sys.modules, "tensorflow_text", None)
    status, _, err = run_cli(
        "adapt", "intents.csv", "--encoder", "bert_tiny_en_uncased"
    )
    assert status == 1
    assert err.count("\n") == 1
    assert 'pip install "fsl-keras[text]"' in err


def test_a_misspelled_language_model(run_cli, world, monkeypatch):
    pytest.importorskip("keras_hub", reason="needs the extra text")
    monkeypatch.chdir(world)
    status, _, err = run_cli("adapt", "intents.csv", "--encoder", "bert_tiny_en_uncase")
    assert status == 1
    assert err.count("\n") == 1
    assert "Did you mean 'bert_tiny_en_uncased'?" in err
