import os
import pickle
import struct
import zipfile

import numpy as np
import pytest

from fsl_keras.datasets import load, mini_imagenet

CLASS_ROWS = {"n02": [0, 3], "n01": [1, 2, 4]}
IMAGES = np.random.default_rng(0).integers(0, 256, (5, 84, 84, 3), dtype="uint8")
CONTENT = {"image_data": IMAGES, "class_dict": CLASS_ROWS}


class Python2Pickler(pickle._Pickler):
    """Writes text and bytes alike as Python 2 wrote its strings."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_string(self, value):
        value = value.encode() if isinstance(value, str) else value
        self.write(b"T" + struct.pack("<i", len(value)) + value)

    dispatch[str] = dispatch[bytes] = save_string


def write_pickle(folder, content, protocol=2, pickler=pickle.Pickler):
    path = folder / "mini-imagenet-cache-val.pkl"
    with path.open("wb") as file:
        pickler(file, protocol).dump(content)
    return path


@pytest.fixture(scope="module")
def real(data_dir, tmp_path_factory):
    """A folder with a few of the real pictures of three validation classes."""
    folder = tmp_path_factory.mktemp("data") / "mini_imagenet"
    with zipfile.ZipFile(data_dir / "mini_imagenet" / "val.zip") as archive:
        by_class = {}
        for name in archive.namelist():
            if name.endswith(".jpg"):
                by_class.setdefault(name.split("/")[1], []).append(name)
        for wnid in sorted(by_class)[:3]:
            archive.extractall(folder, by_class[wnid][:6])
    return folder


def test_real_images_are_read_from_class_folders(real):
    data = load("mini_imagenet", "validation", real)
    assert data.summary() == (
        "mini_imagenet validation: 3 classes of 6 items, 18 in all, shape (84, 84, 3)"
    )
    assert data.class_names[0] == "n01855672"
    x, _ = next(data.episodes(3, 1, 5, seed=0).as_numpy_iterator())
    assert x["query"].shape == (1, 15, 84, 84, 3)
    assert 0.1 < x["query"].mean() < 0.9
    assert x["query"].std() > 0.1


def test_choices_are_made_on_held_out_training_classes(tmp_path):
    names = [f"n{number:02d}" for number in range(64)]
    pictures = np.zeros((64, 84, 84, 3), "uint8")
    rows = {name: [row] for row, name in enumerate(names)}
    content = {"image_data": pictures, "class_dict": rows}
    path = write_pickle(tmp_path, content)
    path.rename(tmp_path / "mini-imagenet-cache-train.pkl")
    write_pickle(tmp_path, CONTENT)

    def classes(split):
        return load("mini_imagenet/development", split, tmp_path).class_names

    assert len(classes("train")) == 52
    assert classes("validation") == names[4::5]
    assert len(classes("validation")) == 12
    assert not set(classes("train")) & set(classes("validation"))
    assert classes("trainval") == names
    # The 20 test classes are not there, and not asked for.
    assert classes("test") == ["n01", "n02"]


def test_the_size_may_be_another(real):
    data = load("mini_imagenet", "validation", real, image_size=(32, 32), channels=1)
    assert data.item_shape == (32, 32, 1)


def test_the_environment_says_where_it_lies(real, monkeypatch):
    monkeypatch.setenv("FSL_KERAS_DATA", str(real.parent))
    assert len(load("mini_imagenet", "validation")) == 3


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_of_all_protocols_are_read(tmp_path, protocol):
    write_pickle(tmp_path, CONTENT, protocol)
    data = load("mini_imagenet", "validation", tmp_path)
    assert data.class_names == ["n01", "n02"]
    np.testing.assert_array_equal(data.class_items("n01"), IMAGES[[1, 2, 4]])
    np.testing.assert_array_equal(data.class_items("n02"), IMAGES[[0, 3]])


def test_pickles_of_python_2_are_read(tmp_path):
    path = write_pickle(tmp_path, CONTENT, pickler=Python2Pickler)
    images, labels, class_names = mini_imagenet.read_pickle(path)
    assert class_names == ["n01", "n02"]
    assert labels.tolist() == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(images, IMAGES[[1, 2, 4, 0, 3]])


class Hostile:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize(
    ("call", "named"),
    [
        ((os.mkdir, "{}/was_here"), "mkdir"),
        ((eval, "__import__('os').mkdir('{}/was_here')"), "eval"),
        ((np.load, "{}/was_here.npy"), "load"),
        ((getattr, IMAGES, "tofile"), "getattr"),
    ],
)
def test_a_hostile_pickle_is_refused_before_it_acts(tmp_path, call, named):
    function, *arguments = call
    arguments = [a.format(tmp_path) if isinstance(a, str) else a for a in arguments]
    path = write_pickle(tmp_path, {**CONTENT, "x": Hostile(function, *arguments)})
    with pytest.raises(pickle.UnpicklingError, match=f"{named} is not allowed"):
        mini_imagenet.read_pickle(path)
    assert not (tmp_path / "was_here").exists()


def test_a_pickle_of_something_else_is_refused(tmp_path):
    path = write_pickle(tmp_path, {"image_data": IMAGES, "labels": [0]})
    with pytest.raises(ValueError, match=r"has no \['class_dict'\].*'labels'"):
        mini_imagenet.read_pickle(path)


def test_missing_data_is_reported_with_where_to_put_it(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=rf"test classes are not in {tmp_path}.*`mini-imagenet-cache-test\.pkl`"
        ".*`data_dir`.*FSL_KERAS_DATA",
    ):
        load("mini_imagenet", "test", tmp_path)
