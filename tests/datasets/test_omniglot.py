import numpy as np
import pytest
from PIL import Image

from fsl_keras.datasets import load, omniglot
from fsl_keras.datasets.tfds import open_tfds


@pytest.mark.parametrize(
    ("alphabet", "character", "part"),
    [
        ("Greek", 1, "train"),
        ("Hebrew", 1, "validation"),
        ("Tibetan", 1, "test"),
        ("Gurmukhi", 41, "train"),
        ("Gurmukhi", 42, "test"),
    ],
)
def test_the_vinyals_split_goes_by_alphabet_but_for_one(alphabet, character, part):
    assert omniglot.vinyals_part(alphabet, character) == part


@pytest.fixture(scope="module")
def vinyals(omniglot_dir):
    """The Vinyals split by its parts."""
    return {
        split: load("omniglot", split, omniglot_dir)
        for split in ("train", "validation", "trainval", "test")
    }


def test_the_vinyals_split_is_the_published_one(vinyals, data_dir):
    files = {"train": "train", "validation": "val", "trainval": "trainval"}
    for split, data in vinyals.items():
        path = data_dir / "omniglot_splits" / f"{files.get(split, split)}.txt"
        assert set(data.class_names) == set(path.read_text().split())
        assert data.name == f"omniglot {split}"
        assert data.item_shape == (28, 28, 1)
        assert (data.class_sizes == 20).all()
    sizes = [len(data) for data in vinyals.values()]
    assert sizes == [4112, 688, 4800, 1692]


def test_rotations_turn_the_same_drawings_counter_clockwise(vinyals):
    for name in ("Greek/character01", "Gurmukhi/character07"):
        upright, *turned = (
            vinyals["train"].class_items(f"{name}/rot{degrees:03d}")[..., 0]
            for degrees in (0, 90, 180, 270)
        )
        for quarters, drawings in enumerate(turned, start=1):
            expected = [Image.fromarray(d).rotate(90 * quarters) for d in upright]
            np.testing.assert_array_equal(drawings, np.stack(expected))
        assert (turned[0] != upright).any()


def test_ink_is_high_on_zero(vinyals):
    drawings = np.concatenate(
        [
            vinyals["test"].class_items(name)
            for name in vinyals["test"].class_names[::40]
        ]
    )
    assert drawings.dtype == "uint8"
    assert np.median(drawings) == 0
    assert drawings.max() == 255
    ink = (drawings > 127).mean(axis=(1, 2, 3))
    assert 0.01 < ink.min() < ink.mean() < 0.15


def test_a_class_holds_the_drawings_of_its_character(omniglot_dir):
    lake = load("omniglot/lake", "trainval", omniglot_dir)
    examples, info = open_tfds("omniglot", "small1", omniglot_dir)
    for example in examples.shuffle(3000, seed=0).take(12).as_numpy_iterator():
        alphabet = info.features["alphabet"].int2str(example["alphabet"])
        name = f"{alphabet}/character{example['alphabet_char_id'] + 1:02d}"
        paper = Image.fromarray(example["image"]).convert("L")
        ink = 255 - np.asarray(paper.resize((28, 28), Image.Resampling.BILINEAR))
        apart = np.abs(lake.class_items(name)[..., 0] - ink.astype(int))
        assert sorted(apart.max(axis=(1, 2)) <= 1) == [False] * 19 + [True]


def test_lakes_split_holds_out_whole_alphabets(omniglot_dir):
    names = {
        split: load("omniglot/lake", split, omniglot_dir).class_names
        for split in ("train", "validation", "trainval", "test")
    }
    alphabets = {
        split: {name.split("/")[0] for name in names[split]} for split in names
    }
    assert len(names["trainval"]) == 964
    assert len(names["test"]) == 659
    assert {split: len(a) for split, a in alphabets.items()} == {
        "train": 25,
        "validation": 5,
        "trainval": 30,
        "test": 20,
    }
    assert not alphabets["trainval"] & alphabets["test"]
    assert not alphabets["train"] & alphabets["validation"]
    assert set(names["train"]) | set(names["validation"]) == set(names["trainval"])


def test_the_drawings_are_read_once(omniglot_dir, tmp_path, monkeypatch):
    load("omniglot/lake", "test", omniglot_dir)
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert len(load("omniglot/lake", "test")) == 659


@pytest.mark.slow
# In this file, as reading all drawings takes a while: once is enough.
@pytest.mark.usefixtures("omniglot_dir")
def test_the_command_measures_a_preset_within_alphabets(run_cli):
    command = ["evaluate", "prototypical_conv4_glyphs", "--within", "--ways", 20]
    command += ["--dataset", "omniglot/lake", "--episodes", 23, "--queries", 1]
    status, out, err = run_cli(*command)
    assert status == 0, err
    assert "omniglot/lake test, within each of 20 groups" in out
    assert "episodes 23," in out  # in all, and not of each alphabet


@pytest.mark.slow
def test_drawings_of_another_size_after_a_damaged_cache(
    omniglot_dir, tmp_path, monkeypatch
):
    monkeypatch.setenv("FSL_KERAS_HOME", str(tmp_path))
    kept = tmp_path / "omniglot-56x56-v1.npz"
    kept.write_bytes(b"half a file")
    with pytest.warns(UserWarning, match="cannot be read .* made again"):
        large = load("omniglot/lake", "test", omniglot_dir, image_size=(56, 56))
    assert kept.stat().st_size > 1e8
    monkeypatch.undo()
    small = load("omniglot/lake", "test", omniglot_dir)
    assert large.item_shape == (56, 56, 1)
    assert large.class_names == small.class_names
    name = small.class_names[5]
    quarters = large.class_items(name).reshape(20, 28, 2, 28, 2).mean(axis=(2, 4))
    apart = np.abs(quarters - small.class_items(name)[..., 0])
    # The same drawings: the smaller ones are blurred a little more.
    assert apart.mean() < 8
