"""Features that are computed in parts, and read from their files."""

import shutil

import keras
import numpy as np
import pytest
from filelock import FileLock

import fsl_keras as fsl
from fsl_keras.features import embed, embed_shard, read_shards
from tests.checks import random_classes

ITEM = (8, 8, 3)


def network(bias=0.0):
    model = keras.Sequential(
        [
            keras.Input(ITEM),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model.set_weights([np.eye(3, dtype="float32"), np.full(3, bias, "float32")])
    return model


@pytest.fixture
def data():
    return random_classes(3, 7, ITEM)


@pytest.fixture
def files(tmp_path):
    """A folder of three classes of four images."""
    random = np.random.default_rng(0)
    for name in "abc":
        for number in range(4):
            path = tmp_path / "photos" / name / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            keras.utils.save_img(path, random.integers(0, 256, ITEM), scale=False)
    return tmp_path / "photos"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_shards_hold_what_embed_returns(data, tmp_path, shards):
    for shard in reversed(range(shards)):
        embed_shard(data, network(), tmp_path, shard, shards, batch_size=2)
    found, expected = read_shards(tmp_path), embed(data, network(), cache=False)
    assert found.class_names == expected.class_names
    for name in expected.class_names:
        np.testing.assert_allclose(
            found.class_items(name), expected.class_items(name), rtol=1e-6
        )
    x, y = next(iter(found.episodes(ways=3, shots=2, queries=2)))
    assert x["support"].shape == (1, 6, 3)
    assert y.shape == (1, 6)
    assert len(names(tmp_path)) == 2 * shards  # no temporary file


def test_maps_of_a_backbone_that_is_not_pooled(data, tmp_path):
    model = keras.Sequential([keras.Input(ITEM), keras.layers.Conv2D(2, 3)])
    embed_shard(data, model, tmp_path)
    expected = embed(data, model, cache=False)
    name = data.class_names[1]
    np.testing.assert_allclose(
        read_shards(tmp_path).class_items(name), expected.class_items(name), rtol=1e-5
    )


def test_texts(tmp_path):
    texts = fsl.ClassDataset.from_arrays(["a b", "b c", "x y"], ["p", "p", "q"])
    encoder = fsl.backbones.HashedTextEncoder(dimensions=64)
    embed_shard(texts, encoder, tmp_path)
    expected = embed(texts, encoder, cache=False)
    np.testing.assert_array_equal(
        read_shards(tmp_path).class_items("p"), expected.class_items("p")
    )


def test_an_interrupted_shard_continues(data, tmp_path, monkeypatch):
    backbone = network()
    predict, seen = backbone.predict_on_batch, []

    def interrupted(batch):
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(len(batch))
        return predict(batch)

    with monkeypatch.context() as patch:
        patch.setattr(backbone, "predict_on_batch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            embed_shard(data, backbone, tmp_path, batch_size=4)
    with pytest.raises(FileNotFoundError, match="lacks the shards 0/1"):
        read_shards(tmp_path)
    # As of a process that was killed while it wrote a row.
    with open(tmp_path / "shard-0-of-1.partial", "ab") as file:
        file.write(b"12345")
    rest = []

    def counted(batch):
        rest.append(len(batch))
        return predict(batch)

    with monkeypatch.context() as patch:
        patch.setattr(backbone, "predict_on_batch", counted)
        embed_shard(data, backbone, tmp_path, batch_size=4)
        assert rest == [4, 4, 1]
        embed_shard(data, backbone, tmp_path, batch_size=4)
        assert rest == [4, 4, 1]
    whole = tmp_path / "whole"
    embed_shard(data, backbone, whole, batch_size=4)
    for name in names(whole):
        assert (whole / name).read_bytes() == (tmp_path / name).read_bytes()


def test_files_that_cannot_be_read_are_left_out_and_named(files, tmp_path):
    (files / "b" / "1.png").write_bytes(b"no image")
    for path in (files / "c").iterdir():
        path.write_bytes(b"")
    data = fsl.ClassDataset.from_directory(files, ITEM[:2], check_files=False)
    folder = tmp_path / "features"
    with pytest.warns(UserWarning, match="5 of 12 files"):
        embed_shard(data, network(), folder)
    with pytest.warns(UserWarning, match="1 of 3 classes.*c: no item"):
        found = read_shards(folder)
    assert dict(zip(found.class_names, found.class_sizes, strict=True)) == {
        "a": 4,
        "b": 3,
    }
    assert len(found.skipped) == 5
    assert found.skipped[0][0].endswith("b/1.png")
    assert found.class_files("b")[1].endswith("2.png")
    assert np.isfinite(found.class_items("b")).all()


def test_folders_of_other_features_are_refused(data, tmp_path):
    embed_shard(data, network(), tmp_path, 0, 2)
    with pytest.raises(ValueError, match="another backbone or of other data"):
        embed_shard(data, network(bias=1.0), tmp_path, 1, 2)
    with pytest.raises(ValueError, match="another backbone or of other data"):
        embed_shard(data.subset([0, 1]), network(), tmp_path, 1, 2)
    with pytest.raises(ValueError, match="holds shards of 2"):
        embed_shard(data, network(), tmp_path, 1, 3)
    with pytest.raises(FileNotFoundError, match="lacks the shards 1/2"):
        read_shards(tmp_path)


def test_shards_that_do_not_belong_together_are_refused(data, tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    embed_shard(data, network(), one, 0, 2)
    embed_shard(data, network(bias=1.0), other, 1, 2)
    for path in other.iterdir():
        shutil.copy(path, one)
    with pytest.raises(ValueError, match="of different data or backbones"):
        read_shards(one)
    embed_shard(data, network(), other / "3", 2, 3)
    for path in (other / "3").iterdir():
        shutil.copy(path, one)
    with pytest.raises(ValueError, match=r"of different numbers: \[2, 3\]"):
        read_shards(one)
    with pytest.raises(FileNotFoundError, match="holds no shards"):
        read_shards(tmp_path)


def test_a_number_out_of_range_is_refused(data, tmp_path):
    with pytest.raises(ValueError, match=r"from 0 to 3.*Received: 4"):
        embed_shard(data, network(), tmp_path, 4, 4)


def test_features_that_are_not_finite_are_refused(data, tmp_path):
    with pytest.raises(ValueError, match="not finite"):
        embed_shard(data, network(bias=np.nan), tmp_path)


def test_two_processes_do_not_compute_one_shard(data, tmp_path):
    with (
        FileLock(tmp_path / "shard-0-of-1.lock"),
        pytest.raises(OSError, match="Another process computes"),
    ):
        embed_shard(data, network(), tmp_path)


def test_a_full_disk_is_told_before_anything_is_computed(data, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)._replace(free=2**26)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(OSError, match=r"take 0.00 GB.*0.07 GB left"):
        embed_shard(data, network(), tmp_path)
