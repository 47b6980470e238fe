"""Bad inputs of every command: an error that names the fault, and a right status.

Each line of `CASES` is a command with one mistake, the exit status, and words of the
message. Status 2 is for usage: an option that does not exist or has a bad value.
"""

import os
import shutil
import socket
import stat

import keras
import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl

CALIBRATED = "adapt photos --learner learner.keras --false-reject-rate 0.1"

# The files are those that `world` makes.
CASES = [
    # No command, or a misspelled one.
    ("nonsense", 2, "No such command"),
    ("--nonsense", 2, "No such option"),
    ("predictt classifier.keras a.png", 2, "No such command"),
    # adapt: the examples
    ("adapt", 2, "Missing argument"),
    ("adapt nowhere --learner learner.keras", 1, "nowhere"),
    ("adapt empty --learner learner.keras", 1, "empty"),
    ("adapt flat --learner learner.keras", 1, "flat"),
    ("adapt split --learner learner.keras", 1, "split/train"),
    ("adapt wrapped --learner learner.keras", 1, "wrapped/photos"),
    ("adapt one_empty --learner learner.keras", 1, "egret"),
    ("adapt unreadable --learner learner.keras", 1, "annot read"),
    ("adapt photos/egret/0.png --learner learner.keras", 1, "labels"),
    ("adapt socket --learner learner.keras", 1, "socket"),
    ("adapt nowhere.csv --learner learner.keras", 1, "nowhere.csv"),
    ("adapt empty.csv --learner learner.keras", 1, "empty.csv"),
    ("adapt headless.csv --learner learner.keras", 1, "Name it one of"),
    ("adapt unlabeled.csv --learner learner.keras", 1, "label"),
    ("adapt blank.csv --learner learner.keras", 1, "row"),
    ("adapt missing.csv --learner learner.keras", 1, "annot read"),
    ("adapt binary.csv --learner learner.keras", 1, "binary.csv"),
    # adapt: the learner
    ("adapt photos", 1, "fsl-keras train"),
    ("adapt photos --learner nowhere.keras", 1, "nowhere.keras"),
    ("adapt photos --learner zero.keras", 1, "zero.keras"),
    ("adapt photos --learner text.keras", 1, "text.keras"),
    ("adapt photos --learner archive.keras", 1, "archive.keras"),
    ("adapt photos --learner cut.keras", 1, "cut.keras"),
    ("adapt photos --learner plain.keras", 1, "learner"),
    ("adapt photos --learner classifier.keras", 1, "not a learner"),
    ("adapt photos --learner folder.keras", 1, "folder.keras"),
    ("adapt photos --learner learner.keras --backbone mobilenet_v2", 1, "not both"),
    ("adapt photos --backbone mobilenet_v9", 1, "mobilenet_v9"),
    ("adapt photos --backbone mobilenet_v2 --weights nowhere.h5", 1, "nowhere.h5"),
    ("adapt photos --backbone mobilenet_v2 --weights text.h5", 1, "text.h5"),
    ("adapt photos --backbone mobilenet_v2 --head nonsense", 2, "nonsense"),
    ("adapt photos --backbone mobilenet_v2 --alpha wide", 2, "--alpha"),
    ("adapt photos --learner learner.keras --base photos", 1, "--base"),
    ("adapt photos --learner learner.keras --import nowhere.py", 1, "nowhere.py"),
    ("adapt photos --learner learner.keras --import broken.py", 1, "broken.py"),
    # adapt: options and output
    ("adapt photos --learner learner.keras --output birds", 1, ".keras"),
    ("adapt photos --learner learner.keras --output birds.h5", 1, ".keras"),
    ("adapt photos --learner learner.keras --output folder.keras", 1, "folder"),
    ("adapt photos --learner learner.keras --output text.h5/a.keras", 1, "text.h5"),
    ("adapt photos --learner learner.keras --output /proc/a.keras", 1, "/proc"),
    ("adapt photos --learner learner.keras --unknown-threshold 90", 2, "from 0 to 1"),
    ("adapt photos --learner learner.keras --unknown-threshold nan", 2, "from 0 to 1"),
    ("adapt photos --learner learner.keras --unknown-threshold x", 2, "threshold"),
    ("adapt photos --learner learner.keras --false-reject-rate -1", 2, "from 0 to 1"),
    ("adapt photos --learner learner.keras --negatives flat", 1, "false_reject_rate"),
    (f"{CALIBRATED} --negatives nowhere", 1, "nowhere"),
    (f"{CALIBRATED} --negatives empty", 1, "empty"),
    ("adapt photos --learner learner.keras --resize zoom", 2, "zoom"),
    ("adapt photos --learner learner.keras --nonsense", 2, "No such option"),
    ("adapt photos --learner learner.keras --json --csv", 2, "not both"),
    # add-class
    ("add-class classifier.keras", 2, "Missing argument"),
    ("add-class nowhere.keras photos/egret", 1, "nowhere.keras"),
    ("add-class learner.keras photos/egret", 1, "fsl-keras adapt"),
    ("add-class classifier.keras nowhere", 1, "nowhere"),
    ("add-class classifier.keras empty", 1, "empty"),
    ("add-class classifier.keras photos/egret", 1, "known already"),
    ("add-class classifier.keras unreadable/egret --name new", 1, "annot read"),
    ("add-class classifier.keras flat --output birds.h5", 1, ".keras"),
    ("add-class classifier.keras flat --output folder.keras", 1, "folder"),
    # predict
    ("predict classifier.keras", 2, "Missing argument"),
    ("predict nowhere.keras a.png", 1, "nowhere.keras"),
    ("predict learner.keras flat/0.png", 1, "fsl-keras adapt"),
    ("predict text.keras flat/0.png", 1, "text.keras"),
    ("predict code.keras flat/0.png", 1, "risk of arbitrary code execution"),
    ("predict classifier.keras nowhere.png", 1, "nowhere.png"),
    ("predict classifier.keras empty", 1, "empty"),
    ("predict classifier.keras zero.png", 1, "zero.png"),
    ("predict classifier.keras text.png", 1, "text.png"),
    ("predict classifier.keras cut.jpg", 1, "cut.jpg"),
    ("predict classifier.keras bomb.png", 1, "megapixels"),
    ("predict classifier.keras fifo.png", 1, "fifo.png"),
    ("predict classifier.keras socket", 1, "socket"),
    ("predict classifier.keras dangling.png", 1, "dangling.png"),
    ("predict classifier.keras /dev/zero", 1, "/dev/zero"),
    ("predict classifier.keras flat/0.png nowhere.png", 1, "nowhere.png"),
    ("predict classifier.keras flat/0.png --top none", 2, "--top"),
    ("predict classifier.keras flat/0.png --top 0", 2, "--top"),
    ("predict classifier.keras flat/0.png --json --csv", 2, "not both"),
    # evaluate a classifier
    ("evaluate", 2, "Missing argument"),
    ("evaluate classifier.keras", 1, "folder"),
    ("evaluate classifier.keras nowhere", 1, "nowhere"),
    ("evaluate classifier.keras empty", 1, "empty"),
    ("evaluate classifier.keras split", 1, "split/train"),
    ("evaluate classifier.keras unknown", 1, "crow"),
    ("evaluate classifier.keras photos --output folder", 1, "folder"),
    ("evaluate classifier.keras photos --output a.txt", 1, ".json"),
    ("evaluate classifier.keras photos --confusion folder", 1, "folder"),
    # evaluate a learner
    ("evaluate nowhere.keras", 1, "nowhere.keras"),
    ("evaluate no_such_preset", 1, "no_such_preset"),
    ("evaluate learner.keras photos", 1, "learner"),
    ("evaluate learner.keras --dataset nonsense", 1, "nonsense"),
    ("evaluate learner.keras --split nonsense", 1, "nonsense"),
    ("evaluate learner.keras --ways 0", 2, "--ways"),
    ("evaluate learner.keras --ways 1000000", 1, "ways"),
    ("evaluate learner.keras --ways some", 2, "--ways"),
    ("evaluate learner.keras --shots 0", 2, "--shots"),
    ("evaluate learner.keras --shots 1000", 1, "shots"),
    ("evaluate learner.keras --queries 0", 2, "--queries"),
    ("evaluate learner.keras --episodes 0", 2, "--episodes"),
    ("evaluate learner.keras --episodes -5", 2, "--episodes"),
    ("evaluate learner.keras --seed x", 2, "--seed"),
    ("evaluate learner.keras --one-shot-runs nowhere", 1, "nowhere"),
    # export
    ("export classifier.keras", 2, "Missing argument"),
    ("export nowhere.keras out", 1, "nowhere.keras"),
    ("export learner.keras out", 1, "fsl-keras adapt"),
    ("export classifier.keras photos", 1, "photos"),
    ("export classifier.keras text.h5", 1, "text.h5"),
    ("export classifier.keras out --format nonsense", 1, "nonsense"),
    ("export classifier.keras out.onnx --format litert", 1, ".tflite"),
    ("export classifier.keras out --format onnx", 1, ".onnx"),
    ("export classifier.keras a.tflite --format litert --image-size 0 9", 1, "size"),
    ("export classifier.keras out --image-size 9", 2, "image-size"),
    # compare and embed
    ("compare nowhere --backbone mobilenet_v2 --weights text.h5", 1, "text.h5"),
    ("compare photos --backbone nonsense", 1, "nonsense"),
    ("compare photos --weights a --weights b", 1, "weights"),
    ("compare photos --head nonsense", 2, "nonsense"),
    ("compare photos --output birds.h5", 1, ".keras"),
    ("embed photos --backbone nonsense", 1, "nonsense"),
    ("embed photos --output features.txt", 1, ".npz"),
    ("embed photos --weights nowhere.h5", 1, "nowhere.h5"),
    # train and reproduce
    ("train --dataset nonsense", 1, "nonsense"),
    ("train --method nonsense", 1, "nonsense"),
    ("train --set method.nonsense=1", 1, "nonsense"),
    ("train --set inner_steps", 1, "NAME=VALUE"),
    ("train --ways 0", 1, "ways"),
    ("train --steps 0", 1, "steps"),
    ("train --steps 150", 1, "steps_per_epoch"),
    ("train --set train.learning_rate=0", 1, "learning_rate"),
    ("train --set backbone.filters=0", 1, "filters"),
    ("train --seed x", 2, "--seed"),
    ("train --output photos", 1, "photos"),
    ("train --output text.h5", 1, "text.h5"),
    ("train --resume --output nowhere", 1, "nowhere"),
    ("train --resume --output broken_run", 1, "options.json"),
    ("train --dataset mini_imagenet --data-dir empty --output new", 1, "empty"),
    ("reproduce", 2, "Missing argument"),
    ("reproduce nonsense", 1, "nonsense"),
    ("reproduce siamese_conv4_omniglot --change nonsense=1", 1, "nonsense"),
    ("reproduce siamese_conv4_omniglot --change steps", 1, "NAME=VALUE"),
    ("reproduce siamese_conv4_omniglot --resume --output nowhere", 1, "nowhere"),
    # lists and tables
    ("presets --json --csv", 2, "not both"),
    ("methods --nonsense", 2, "No such option"),
    ("datasets surplus", 2, "unexpected extra argument"),
    ("benchmark --root empty", 1, "papers.toml"),
]


def images(folder, count=3, shade=0):
    folder.mkdir(parents=True)
    generator = np.random.default_rng(shade)
    for index in range(count):
        pixels = generator.integers(shade, shade + 100, (16, 16), dtype="uint8")
        Image.fromarray(pixels).save(folder / f"{index}.png")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A folder that holds one of everything that the cases name."""
    root = tmp_path_factory.mktemp("world")
    for name, shade in (("egret", 0), ("heron", 150)):
        images(root / "photos" / name, shade=shade)
        images(root / "split" / "train" / name, 2, shade)
        images(root / "split" / "val" / name, 2, shade)
        images(root / "wrapped" / "photos" / name, 2, shade)
    images(root / "flat")
    images(root / "unknown" / "crow")
    images(root / "one_empty" / "heron")
    (root / "one_empty" / "egret").mkdir()
    (root / "empty").mkdir()
    (root / "folder").mkdir()
    (root / "folder" / "notes.txt").write_text("mine", encoding="utf-8")
    (root / "folder.keras").mkdir()
    (root / "folder.keras" / "notes.txt").write_text("mine", encoding="utf-8")
    for name in ("egret", "heron"):
        (root / "unreadable" / name).mkdir(parents=True)
        (root / "unreadable" / name / "a.png").write_text("text", encoding="utf-8")
    learner = fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1), 2))
    learner.save(root / "learner.keras")
    learner.adapt(root / "photos").save(root / "classifier.keras")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(
        root / "plain.keras"
    )
    keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)]).save(
        root / "code.keras"
    )
    whole = (root / "classifier.keras").read_bytes()
    (root / "cut.keras").write_bytes(whole[: len(whole) // 2])
    (root / "zero.keras").write_bytes(b"")
    for name in ("text.keras", "text.h5", "text.png"):
        (root / name).write_text("not what it says", encoding="utf-8")
    shutil.make_archive(root / "archive", "zip", root / "photos")
    (root / "archive.zip").rename(root / "archive.keras")
    (root / "zero.png").write_bytes(b"")
    Image.new("RGB", (64, 64), "red").save(root / "cut.jpg")
    jpeg = (root / "cut.jpg").read_bytes()
    (root / "cut.jpg").write_bytes(jpeg[: len(jpeg) // 2])
    header = bytearray((root / "flat" / "0.png").read_bytes())
    header[16:24] = (60_000).to_bytes(4) * 2
    (root / "bomb.png").write_bytes(header)
    os.mkfifo(root / "fifo.png")
    (root / "dangling.png").symlink_to(root / "gone.png")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(root)  # the path of a socket must be short
        server.bind("socket")
        os.chdir(here)
    tables = {
        "empty.csv": "",
        "headless.csv": "photos/egret/0.png,egret\n",
        "unlabeled.csv": "file\nphotos/egret/0.png\n",
        "blank.csv": "file,label\nphotos/egret/0.png,egret\nphotos/heron/0.png,\n",
        "missing.csv": "file,label\nno/0.png,egret\nno/1.png,heron\n",
    }
    for name, text in tables.items():
        (root / name).write_text(text, encoding="utf-8")
    (root / "binary.csv").write_bytes(bytes(range(256)))
    (root / "broken.py").write_text("1 / 0\n", encoding="utf-8")
    (root / "broken_run").mkdir()
    (root / "broken_run" / "options.json").write_text("{", encoding="utf-8")
    return root


def contents(root):
    """Everything under a folder, with the bytes of regular files."""
    return {
        path: path.read_bytes() if stat.S_ISREG(path.lstat().st_mode) else None
        for path in sorted(root.rglob("*"))
    }


def test_there_are_at_least_100_cases():
    assert len({command for command, *_ in CASES}) == len(CASES) >= 100


@pytest.mark.parametrize(("command", "status", "words"), CASES)
def test_bad_input(run_cli, world, monkeypatch, command, status, words):
    monkeypatch.chdir(world)
    before = contents(world)
    found, out, err = run_cli(*command.split())
    assert "Traceback" not in out + err
    assert words in " ".join(err.split())
    assert found == status
    if status == 1:
        assert [line[:6] for line in err.splitlines()][-1] == "Error:" or out
    assert contents(world) == before
