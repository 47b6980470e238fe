import json

import numpy as np
import pytest

from fsl_keras import datasets
from fsl_keras.datasets import banking77, clinc150

SETS = {"clinc150": (150, (50, 50, 50)), "banking77": (77, (25, 25, 27))}
SPLITS = ("train", "validation", "test")


def sentences(intents, part):
    """Two sentences of each intent, and the first one once more."""
    intents = range(intents)
    pairs = [(f"{part} {k} of {i}", f"intent {i}") for i in intents for k in "ab"]
    return [*pairs, pairs[0]]


def csv_of(pairs):
    return "".join(["text,category\n", *(f"{text},{name}\n" for text, name in pairs)])


@pytest.fixture
def folder(tmp_path):
    """Both data sets as they are published, with few sentences."""
    parts = {part: sentences(150, part) for part in ("train", "val", "test")}
    parts["oos_train"] = [("none of them", "oos")]
    # A sentence of two intents.
    parts["val"].append(("train a of 0", "intent 1"))
    (tmp_path / "data_full.json").write_text(json.dumps(parts), "utf-8")
    for part in ("train", "test"):
        (tmp_path / f"{part}.csv").write_text(csv_of(sentences(77, part)), "utf-8")
    return tmp_path


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("fold", range(5))
def test_no_intent_is_in_two_splits(folder, name, fold):
    count, sizes = SETS[name]
    parts = [datasets.load(name, split, folder, fold=fold) for split in SPLITS]
    assert tuple(map(len, parts)) == sizes
    intents = [intent for part in parts for intent in part.class_names]
    assert sorted(intents) == sorted(f"intent {i}" for i in range(count))
    assert [part.name for part in parts] == [
        f"{name} {split}, fold {fold}" for split in SPLITS
    ]
    for part in parts:
        assert part.class_names == sorted(part.class_names)
        for intent in part.class_names:
            assert "of " + intent.split()[1] in part.class_items(intent)[0]


@pytest.mark.parametrize("name", SETS)
def test_folds_differ_and_stay(folder, name):
    def tested(**fold):
        return datasets.load(name, "test", folder, **fold).class_names

    assert tested() == tested(fold=0) != tested(fold=1)
    assert datasets.load(name, "test", folder).name == f"{name} test"
    for fold in (-1, 5, 0.5):
        with pytest.raises(ValueError, match=f"from 0 to 4. Received: fold={fold}"):
            tested(fold=fold)


def test_a_sentence_is_once_in_its_intent_and_may_be_in_two(folder):
    whole = {
        name: part.class_items(name).tolist()
        for part in (datasets.load("clinc150", split, folder) for split in SPLITS)
        for name in part.class_names
    }
    of_0 = [f"{part} {k} of 0" for part in ("train", "val", "test") for k in "ab"]
    assert whole["intent 0"] == of_0
    assert whole["intent 1"].count("train a of 0") == 1
    assert len(whole["intent 1"]) == 7
    assert set(map(len, whole.values())) == {6, 7}


def test_the_own_splits_are_read_as_they_are(folder):
    parts = clinc150.read(folder)
    assert list(parts) == ["train", "val", "test", "oos_train"]
    assert parts["train"] == sentences(150, "train")
    assert parts["oos_train"] == [("none of them", "oos")]
    assert banking77.read(folder) == {
        part: sentences(77, part) for part in ("train", "test")
    }


def test_the_training_file_of_banking77_is_enough(folder):
    (folder / "test.csv").unlink()
    (folder / "train.csv").rename(folder / "banking77_train.csv")
    assert list(banking77.read(folder)) == ["train"]
    assert len(datasets.load("banking77", "train", folder)) == 25


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("clinc150", "CLINC150.*data_full.json.*github.com/clinc/oos-eval"),
        ("banking77", "BANKING77.*train.csv.*PolyAI-LDN/task-specific-datasets"),
    ],
)
def test_files_that_are_not_there(tmp_path, monkeypatch, name, message):
    monkeypatch.setenv("FSL_KERAS_DATA", str(tmp_path))
    for data_dir in (None, tmp_path / "nothing"):
        with pytest.raises(FileNotFoundError, match=message) as raised:
            datasets.load(name, "test", data_dir)
        assert str(data_dir or tmp_path / "text") in str(raised.value)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "data_full.json"
    for content in ("[]", "{", '{"train": [["a"]]}'):
        path.write_text(content, "utf-8")
        with pytest.raises(ValueError, match=r"full\.json is not the file of CLINC"):
            datasets.load("clinc150", "test", tmp_path)
    path.write_text(json.dumps({"train": sentences(77, "train")}), "utf-8")
    with pytest.raises(ValueError, match="77 intents instead of 150"):
        datasets.load("clinc150", "test", tmp_path)
    (tmp_path / "train.csv").write_text("text,category\na,b\n,c\n", "utf-8")
    with (
        pytest.warns(UserWarning, match="Skipped 1 of 2 rows: train.csv, line 3"),
        pytest.raises(ValueError, match="1 intents instead of 77"),
    ):
        datasets.load("banking77", "test", tmp_path)


@pytest.mark.parametrize(("name", "least"), [("clinc150", 119), ("banking77", 35)])
def test_the_published_sentences(name, least):
    try:
        parts = [datasets.load(name, split) for split in SPLITS]
    except FileNotFoundError as error:
        pytest.skip(str(error))
    assert tuple(map(len, parts)) == SETS[name][1]
    assert min(part.class_sizes.min() for part in parts) >= least
    x, _ = next(parts[2].episodes(5, 1, 5).as_numpy_iterator())
    assert x["query"].shape == (1, 25)
    assert len(np.unique(x["query"])) == 25
