"""Files that can be downloaded, opened by what they are for."""

import json
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.app.downloads import FORMATS, download, folder_names
from fsl_keras.app.opening import open_classifier
from tests.app.pictures import COLORS, array, png, uploads

KERAS, SAVED_MODEL, LITERT, ONNX, WEB, PICTURES = FORMATS["image"]


def test_the_keras_file_predicts_the_same(taught):
    loaded = keras.saving.load_model(download(taught, KERAS))
    (prediction,) = loaded.predict_classes(array("blue", 99))
    assert prediction.class_name == taught.predict(array("blue", 99)).class_name


def test_the_saved_model_is_a_folder_in_an_archive(taught, tmp_path):
    with zipfile.ZipFile(download(taught, SAVED_MODEL)) as archive:
        archive.extractall(tmp_path)
    serve = tf.saved_model.load(str(tmp_path)).signatures["serve_bytes"]
    found = serve(tf.constant([png("green", 99)]))
    assert found["class_name"].numpy().tolist() == [b"green"]


def test_the_file_for_phones(taught):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    path = download(taught, LITERT)
    interpreter = litert.Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,) = interpreter.get_input_details()
    assert given["shape"].tolist() == [1, 84, 84, 3]
    assert zipfile.ZipFile(path).read("labels.txt").split() == [
        b"red",
        b"green",
        b"blue",
    ]


def test_the_file_for_other_runtimes(taught):
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    session = runtime.InferenceSession(str(download(taught, ONNX)))
    images = np.zeros((1, 84, 84, 3), "uint8")
    found = session.run(["probabilities"], {"images": images})[0]
    assert found.shape == (1, 3)


def test_the_web_page_is_a_folder_in_an_archive(taught):
    pytest.importorskip("tf2onnx")
    with zipfile.ZipFile(download(taught, WEB)) as archive:
        assert {"index.html", "classifier.onnx"} <= set(archive.namelist())
        assert json.loads(archive.read("labels.json")) == ["red", "green", "blue"]


def test_the_pictures_are_a_folder_of_each_class(taught, tmp_path):
    with zipfile.ZipFile(download(taught, PICTURES)) as archive:
        archive.extractall(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(COLORS)
    data = ClassDataset.from_directory(tmp_path, image_size=(64, 64))
    assert len(data) == 3
    first = sorted((tmp_path / "red").iterdir())[0]
    assert first.read_bytes() == png("red", 0)


def test_what_replaces_an_earlier_download(taught):
    before = download(taught, KERAS).read_bytes()
    taught.teach("white", uploads("red", [50]))
    assert download(taught, KERAS).read_bytes() != before
    assert download(taught, SAVED_MODEL) == download(taught, SAVED_MODEL)


def test_names_of_folders_are_valid_everywhere():
    names = ["a", "A", "../../etc", "<b>", "con.", " ", "a/b", "a_b"]
    folders = folder_names(names)
    assert len({folder.casefold() for folder in folders.values()}) == len(names)
    assert not any(set(folder) & set('<>:"/\\|?*') for folder in folders.values())
    assert not any(folder.startswith("..") for folder in folders.values())


def test_there_is_nothing_to_download_without_classes(session):
    with pytest.raises(ValueError, match="no classes yet"):
        download(session, KERAS)


def test_an_unknown_format(taught):
    with pytest.raises(ValueError, match="no format 'exe'"):
        download(taught, "exe")


def test_an_opened_classifier_has_no_pictures(taught, session):
    other = open_classifier(download(taught, KERAS))
    for name in list(session.class_names):
        session.remove_class(name)
    session.open(other, "saved")
    with pytest.raises(ValueError, match="There are no pictures"):
        download(session, PICTURES)


def test_files_of_another_kind_are_not_opened(tmp_path, learners):
    learner = learners[learners.names[0]].learner
    learner.save(tmp_path / "learner.keras")
    with pytest.raises(ValueError, match="is a PrototypicalNetwork and not a classif"):
        open_classifier(tmp_path / "learner.keras")
    (tmp_path / "damaged.keras").write_bytes(b"PK" + bytes(100))
    with pytest.raises(ValueError, match="it is damaged, or not a Keras file"):
        open_classifier(tmp_path / "damaged.keras")
    (tmp_path / "classifier.tflite").write_bytes(b"")
    with pytest.raises(ValueError, match=r"choose a \.keras file"):
        open_classifier(tmp_path / "classifier.tflite")


def test_code_in_a_file_is_not_run(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(lambda x: x)])
    model.save(tmp_path / "code.keras")
    with pytest.raises(ValueError, match=r"code\.keras cannot be opened"):
        open_classifier(tmp_path / "code.keras")
