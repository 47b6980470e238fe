"""Labeled images of TFRecord files and of WebDataset archives."""

import io
import json
import tarfile

import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.datasets.records import find_records, holds_records, record_files

SIZE = (6, 5)


def image(number):
    return np.full((*SIZE, 3), 10 * number, "uint8")


def png(number):
    return tf.io.encode_png(image(number)).numpy()


def write_tar(path, files):
    with tarfile.open(path, "w") as archive:
        for name, content in files:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def samples(numbers, label=lambda number: "cat" if number % 2 else "dog"):
    for number in numbers:
        yield f"{number:03}.png", png(number)
        yield f"{number:03}.cls", label(number).encode()


def write_tfrecord(path, examples, **options):
    with tf.io.TFRecordWriter(str(path), **options) as writer:
        for features in examples:
            feature = {
                name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                if isinstance(value, bytes)
                else tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))
                for name, value in features.items()
            }
            message = tf.train.Example(features=tf.train.Features(feature=feature))
            writer.write(message.SerializeToString())
    return path


def first_pixels(data, name):
    return data.class_items(name)[:, 0, 0, 0].tolist()


def check_is_read(data):
    assert data.class_names == ["cat", "dog"]
    assert first_pixels(data, "cat") == [10, 30]
    assert first_pixels(data, "dog") == [0, 20]


IN_MEMORY_AND_NOT = pytest.mark.parametrize(
    "options",
    [{}, {"memory_limit": 0}, {"check_files": False}],
    ids=["in memory", "in files", "not checked"],
)


@IN_MEMORY_AND_NOT
def test_archives_in_the_order_of_their_names(tmp_path, options):
    write_tar(tmp_path / "b.tar", samples([2, 3]))
    write_tar(tmp_path / "a.tar", samples([0, 1]))
    data = ClassDataset.from_records(tmp_path, SIZE, **options)
    check_is_read(data)
    assert data.class_files("cat") == ["a.tar, 001", "b.tar, 003"]
    x, _ = next(iter(data.episodes(ways=2, shots=1, queries=1)))
    assert x["query"].shape == (1, 2, *SIZE, 3)
    assert set(np.unique(np.round(255 * x["query"]))) <= {0, 10, 20, 30}


@IN_MEMORY_AND_NOT
@pytest.mark.parametrize(
    "example",
    [
        lambda n: {"image": png(n), "label": b"cat" if n % 2 else b"dog"},
        lambda n: {
            "image/encoded": png(n),
            "image/class/text": b"cat" if n % 2 else b"dog",
            "image/class/label": 7,
        },
    ],
    ids=["tensorflow datasets", "slim"],
)
def test_tfrecord_files(tmp_path, example, options):
    write_tfrecord(tmp_path / "x.tfrecord-00000-of-00001", map(example, range(4)))
    check_is_read(ClassDataset.from_records(tmp_path, SIZE, **options))


def test_labels_that_are_numbers_are_names(tmp_path):
    path = write_tfrecord(
        tmp_path / "x.tfrecord", ({"image": png(n), "label": n % 2} for n in range(4))
    )
    assert ClassDataset.from_records(path, SIZE).class_names == ["0", "1"]


def test_labels_in_other_files_and_features(tmp_path):
    tar = write_tar(
        tmp_path / "a.tar",
        [
            ("x/0.seg.png", b"another image"),
            ("x/0.png", png(0)),
            ("x/0.json", json.dumps({"label": 3}).encode()),
            ("y/0.json", b'{"label": "cat"}'),
            ("y/0.png", png(1)),
        ],
    )
    records = find_records(tar)
    assert records.labels == ["3", "cat"]
    assert records.names == ["a.tar, x/0", "a.tar, y/0"]
    path = write_tfrecord(tmp_path / "b.tfrecord", [{"photo": png(2), "kind": b"cup"}])
    data = ClassDataset.from_records(path, SIZE, image_key="photo", label_key="kind")
    assert first_pixels(data, "cup") == [20]


def test_incomplete_samples_are_left_out_and_named(tmp_path):
    write_tar(
        tmp_path / "a.tar",
        [
            *samples([0, 1]),
            ("5.png", png(5)),
            ("6.cls", b"cat"),
            ("7.png", b"no image"),
            ("7.cls", b"cat"),
            ("8.png", png(8)),
            ("8.cls", b"\xff\xfe"),
        ],
    )
    with pytest.warns(UserWarning, match="4 of 6 records"):
        data = ClassDataset.from_records(tmp_path, SIZE)
    reasons = dict(data.skipped)
    assert reasons["a.tar, 5"] == reasons["a.tar, 8"] == "it has no label"
    assert reasons["a.tar, 6"] == "it has no image"
    assert "a.tar, 7" in reasons
    assert data.class_sizes.tolist() == [1, 1]


def test_an_image_that_is_damaged_later_is_named(tmp_path):
    path = write_tar(tmp_path / "a.tar", samples(range(4)))
    data = ClassDataset.from_records(path, SIZE, memory_limit=0)
    path.write_bytes(b"\0" * path.stat().st_size)
    with pytest.raises(ValueError, match=r"a\.tar, 001 cannot be read"):
        data.class_items("cat")


def test_files_of_another_kind_are_refused(tmp_path):
    tar = write_tar(tmp_path / "a.tar", samples(range(4)))
    content = tar.read_bytes()
    tar.write_bytes(content[:1800])
    with pytest.raises(ValueError, match=r"a\.tar (cannot be read|is cut off)"):
        find_records(tar)
    tar.write_bytes(b"hello" * 1000)
    with pytest.raises(ValueError, match=r"cannot be read as a \.tar file"):
        find_records(tar)
    record = tmp_path / "a.tfrecord"
    record.write_bytes(b"hello" * 100)
    with pytest.raises(ValueError, match="is no TFRecord file"):
        find_records(record)
    with tf.io.TFRecordWriter(str(record)) as writer:
        writer.write(b"hello")
    with pytest.raises(ValueError, match="something else than"):
        find_records(record)
    write_tfrecord(record, [{"image": png(0)}])
    with pytest.raises(ValueError, match=r"no image with a label.*`label_key`"):
        find_records(record)
    write_tfrecord(record, [{"image": png(0), "label": b"x"}], options="GZIP")
    with pytest.raises(ValueError, match="is compressed"):
        find_records(record)


def test_paths_that_hold_none_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"holds no \.tar or .tfrecord files"):
        record_files(tmp_path)
    with pytest.raises(FileNotFoundError, match="does not exist"):
        record_files(tmp_path / "a.tar")
    (tmp_path / "a.tar.gz").touch()
    with pytest.raises(ValueError, match="Decompress it first"):
        record_files(tmp_path / "a.tar.gz")


def test_a_folder_of_class_folders_holds_no_records(tmp_path):
    assert not holds_records(tmp_path)
    (tmp_path / "a.tar").touch()
    assert holds_records(tmp_path)
    (tmp_path / "class").mkdir()
    assert not holds_records(tmp_path)
