"""The folder of a web page; tests/browser/web_page/ opens it."""

import json
import re

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.classifier.exporting import web
from tests.shapes import THREE, make_learner, pictures

PAGE = [
    "classifier.js",
    "classifier.onnx",
    "index.html",
    "labels.json",
    "model.js",
    "page.js",
    "pixels.js",
    "style.css",
]
FILES = (web.SCRIPT, *web.PARTS.values())


@pytest.fixture(scope="module")
def classifier():
    pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    return make_learner().adapt(*pictures(THREE))


@pytest.fixture
def runtime(tmp_path):
    """A folder with files of the names of onnxruntime-web."""
    folder = tmp_path / "package" / "dist"
    folder.mkdir(parents=True)
    for name in FILES:
        (folder / name).write_text(f"// {name}")
    return folder


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_page_of_a_public_server(classifier, tmp_path):
    classifier.export(tmp_path / "page", "web")
    assert names_in(tmp_path / "page") == PAGE
    html = (tmp_path / "page" / "index.html").read_text()
    assert f'src="{web.CDN}{web.SCRIPT}" integrity="{web.INTEGRITY}"' in html
    labels = json.loads((tmp_path / "page" / "labels.json").read_text())
    assert labels == THREE


def test_a_page_with_its_own_runtime_names_no_server(classifier, tmp_path, runtime):
    # The folder of the files, of the package, and where the archive was unpacked.
    for given in (runtime, runtime.parent, runtime.parents[1]):
        classifier.export(tmp_path / "page", "web", runtime=given)
        assert names_in(tmp_path / "page") == sorted([*PAGE, web.SCRIPT, "runtime.js"])
        assert "https:" not in (tmp_path / "page" / "index.html").read_text()


def test_the_scripts_of_the_page_exist(classifier, tmp_path, runtime):
    classifier.export(tmp_path / "page", "web", runtime=runtime)
    html = (tmp_path / "page" / "index.html").read_text()
    sources = re.findall(r'(?:src|href)="([\w.]+)"', html)
    assert set(sources) | {"index.html", "classifier.onnx", "labels.json"} == set(
        names_in(tmp_path / "page")
    )


def test_it_is_an_onnx_file_as_any_other(classifier, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
    classifier.export(tmp_path / "page", "web")
    session = onnxruntime.InferenceSession(tmp_path / "page" / "classifier.onnx")
    images = pictures(THREE, size=(16, 16))[0][..., :1]
    (found,) = session.run(["probabilities"], {"images": images})
    np.testing.assert_allclose(found, classifier.predict(images, verbose=0), atol=1e-5)


def test_an_earlier_page_is_replaced_and_another_one_is_not(classifier, tmp_path):
    classifier.export(tmp_path / "page", "web")
    classifier.export(tmp_path / "page", "web")
    (tmp_path / "page" / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match=r"notes\.txt"):
        classifier.export(tmp_path / "page", "web")
    (tmp_path / "home").mkdir()
    for name in ("index.html", "style.css"):
        (tmp_path / "home" / name).write_text("mine")
    with pytest.raises(FileExistsError, match=r"index\.html"):
        classifier.export(tmp_path / "home", "web")
    assert names_in(tmp_path / "home") == ["index.html", "style.css"]


def test_a_folder_without_the_runtime(classifier, tmp_path, runtime):
    (runtime / web.SCRIPT).unlink()
    said = rf"ort\.webgpu\.min\.js.*`npm pack onnxruntime-web@{web.VERSION}`"
    with pytest.raises(FileNotFoundError, match=said):
        classifier.export(tmp_path / "page", "web", runtime=runtime)
    assert not (tmp_path / "page").exists()


def test_arguments_of_other_formats(classifier, tmp_path, runtime):
    with pytest.raises(ValueError, match="a web page take images of any size"):
        classifier.export(tmp_path / "page", "web", image_size=(9, 9))
    with pytest.raises(ValueError, match=r'`runtime` is for format="web": leave it'):
        classifier.export(tmp_path / "a.onnx", "onnx", runtime=runtime)


def test_items_that_are_not_images(tmp_path):
    vectors = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5)])
    words = keras.layers.TextVectorization(
        vocabulary=["heron", "egret"], output_mode="multi_hot"
    )
    texts = keras.Sequential([keras.Input((), dtype="string"), words])
    for backbone, items in [
        (vectors, np.eye(2, 4)),
        (texts, np.array(["a heron", "an egret"], object)),
    ]:
        classifier = fsl.models.PrototypicalNetwork(backbone).adapt(items, [0, 1])
        said = r'a page for images.*dtype (float32|string).*format="tf_saved_model"'
        with pytest.raises(ValueError, match=said):
            classifier.export(tmp_path / "page", "web")
    assert list(tmp_path.iterdir()) == []


def test_the_command(run_cli, classifier, tmp_path, runtime):
    classifier.save(tmp_path / "shapes.keras")
    arguments = [tmp_path / "shapes.keras", tmp_path / "page", "--format=web"]
    status, out, _ = run_cli("export", *arguments, "--runtime", runtime)
    assert status == 0
    assert f"Written: {tmp_path / 'page'}" in out
    assert "runtime.js" in names_in(tmp_path / "page")
