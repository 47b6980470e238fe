"""LiteRT and ONNX files in their own runtimes, without Keras."""

import functools
import os
import re
import sys
import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.classifier.exporting import endpoints
from fsl_keras.layers import ImagePreprocessing
from fsl_keras.model_selection.calibration import Calibration
from tests.checks import rows
from tests.shapes import NAMES, THREE, picture, pictures


class LiteRT:
    """A `.tflite` file, one item at a time."""

    suffix = ".tflite"

    def __init__(self, path):
        interpreter = pytest.importorskip(
            "ai_edge_litert.interpreter", reason="needs ai-edge-litert"
        )
        self.runner = interpreter.Interpreter(str(path)).get_signature_runner()
        (self.input,) = self.runner.get_input_details()
        with zipfile.ZipFile(path) as archived:
            self.labels = archived.read("labels.txt").decode().splitlines()

    def run(self, items):
        each = [self.runner(**{self.input: item[None]}) for item in items]
        return {name: np.concatenate([a[name] for a in each]) for name in each[0]}


class ONNX:
    """An `.onnx` file, a batch of any number of items."""

    suffix = ".onnx"

    def __init__(self, path):
        onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime")
        self.session = onnxruntime.InferenceSession(path)
        (given,) = self.session.get_inputs()
        self.input = given.name
        assert given.shape[0] == "batch"
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.labels = metadata["labels"].splitlines()

    def run(self, items):
        names = [output.name for output in self.session.get_outputs()]
        answers = self.session.run(None, {self.input: items})
        return dict(zip(names, answers, strict=True))


RUNTIMES = {"litert": LiteRT, "onnx": ONNX}
SIZE, OTHER_SIZE = (16, 16), (25, 14)


def learner(channels):
    keras.utils.set_random_seed(0)
    backbone = fsl.backbones.Conv4((*SIZE, channels), filters=8)
    return fsl.models.PrototypicalNetwork(backbone)


def grey():
    return learner(1).adapt(*pictures(NAMES), unknown_threshold=0.6)


def inverted_and_resized():
    return learner(3).adapt(*pictures(THREE), invert=True)


def resized_by(resize):
    classifier = learner(3).adapt(*pictures(THREE))
    classifier.preprocessing = ImagePreprocessing(SIZE, 3, True, resize=resize)
    return classifier


def cropped():
    return resized_by("crop")


def padded():
    return resized_by("pad")


def one_class():
    classifier = learner(1).adapt(*pictures(NAMES[:1]))
    # Half of the images are farther from it than this.
    logits = classifier.logits(classifier.preprocessing(items_of("one_class")))
    classifier.calibration = Calibration(2.0, float(np.median(logits)), 0.1, "here")
    return classifier


def a_hundred_classes_of_vectors():
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((6,)), keras.layers.Dense(5)])
    vectors = np.random.default_rng(0).normal(size=(100, 6))
    names = [f"птица {number}\nand more" for number in range(100)]
    model = fsl.models.TransferLearner(backbone)
    return model.adapt(vectors, range(100), class_names=names)


def reconstructed_both_ways():
    keras.utils.set_random_seed(0)
    backbone = fsl.backbones.Conv4((*SIZE, 1), 8, pooling=None, pooled_blocks=2)
    backbone = fsl.backbones.MultiOrientation(backbone)
    model = fsl.models.ReconstructionNetwork(backbone, bidirectional=True)
    return model.adapt(*pictures(NAMES))


CASES = {
    make.__name__: functools.cache(make)
    for make in (
        grey,
        inverted_and_resized,
        cropped,
        padded,
        one_class,
        a_hundred_classes_of_vectors,
        reconstructed_both_ways,
    )
}

RESIZED = ("inverted_and_resized", "cropped", "padded")


@pytest.fixture(scope="module", params=RUNTIMES)
def format(request):
    if request.param == "onnx":
        pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    return request.param


@pytest.fixture(scope="module")
def exported(format, tmp_path_factory):
    """Gives the classifier of a case and its file, opened by the runtime."""
    folder = tmp_path_factory.mktemp(format)

    @functools.cache
    def open_case(case):
        classifier = CASES[case]()
        path = folder / f"{case}{RUNTIMES[format].suffix}"
        size = OTHER_SIZE if case in RESIZED else None
        classifier.export(path, format, size)
        return classifier, RUNTIMES[format](path)

    return open_case


MANY = "a_hundred_classes_of_vectors"


def items_of(case):
    """Eight items for the file of a case; images are noise and shapes."""
    generator = np.random.default_rng(1)
    if case == MANY:
        # An embedding of zeros has no direction: all classes are equally probable.
        return np.append(np.zeros((1, 6)), generator.normal(size=(7, 6)), 0).astype(
            "f4"
        )
    size, channels = (OTHER_SIZE, 3) if case in RESIZED else (SIZE, 1)
    noise = generator.integers(0, 256, (4, *size, channels), "uint8")
    shapes = [picture(name, size, seed=50)[..., :channels] for name in NAMES]
    return np.concatenate([noise, shapes])


@pytest.mark.slow
def test_an_existing_file_is_replaced(format, tmp_path):
    path = tmp_path / f"vectors{RUNTIMES[format].suffix}"
    path.write_text("from before")
    CASES[MANY]().export(path, format)
    assert list(tmp_path.iterdir()) == [path]
    assert len(RUNTIMES[format](path).labels) == 100


USUAL = ("inverted_and_resized", MANY)


@pytest.mark.parametrize("case", rows(CASES, USUAL))
def test_the_outputs_are_those_of_the_classifier(exported, case):
    classifier, file = exported(case)
    items = items_of(case)
    expected = np.asarray(classifier(items))
    answer = file.run(items)
    assert set(answer) == {"probabilities", "class_index", "known"}
    assert answer["probabilities"].shape == (8, len(classifier.class_names))
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-3)
    np.testing.assert_array_equal(answer["class_index"], expected.argmax(-1))
    names = [each.class_name for each in classifier.predict_classes(items)]
    assert answer["known"].tolist() == [name != "unknown" for name in names]


@pytest.mark.parametrize("resize", ["stretch", "crop", "pad"])
@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("size", [(9, 30), (31, 8)])
def test_the_matrices_resize_as_the_layer(resize, invert, size):
    layer = ImagePreprocessing(SIZE, 3, invert, resize=resize)
    images = np.random.default_rng(0).integers(0, 256, (2, *size, 3), "uint8")
    found = endpoints.preprocessing_of_one_size(layer, size)(images)
    # A value halfway between two integers may go to either.
    np.testing.assert_allclose(found, layer(images), rtol=0, atol=1 / 255 + 1e-6)
    assert np.mean(np.abs(found - layer(images)) > 1e-6) < 0.01


def test_some_of_the_images_are_unknown(exported):
    _, file = exported("one_class")
    assert file.run(items_of("one_class"))["known"].sum() == 4


def test_a_file_has_the_class_names(exported):
    _, file = exported("grey")
    assert file.labels == NAMES


def test_every_name_is_one_line(exported):
    _, file = exported(MANY)
    assert file.labels == [f"птица {number} and more" for number in range(100)]


@pytest.mark.parametrize(
    "wrong",
    [(1, *SIZE, 3), (1, *SIZE, 4), (1, 17, 16, 1), (1, 32, 32, 1), (1, 32, 8, 1)],
    ids=str,
)
def test_images_of_another_size_or_number_of_channels_are_refused(exported, wrong):
    _, file = exported("grey")
    with pytest.raises(Exception, match=r"failed to prepare|invalid dimensions"):
        file.run(np.zeros(wrong, "uint8"))


def test_floats_are_refused(exported):
    _, file = exported("grey")
    with pytest.raises(Exception, match=r"expected type UINT8|expected: .*uint8"):
        file.run(np.zeros((1, *SIZE, 1), "float32"))


def test_strings_are_refused(format, tmp_path):
    embed = keras.layers.TextVectorization(
        vocabulary=["heron", "egret"], output_mode="multi_hot"
    )
    backbone = keras.Sequential([keras.Input((), dtype="string"), embed])
    learner = fsl.models.PrototypicalNetwork(backbone)
    classifier = learner.adapt(np.array(["a heron", "an egret"], object), [0, 1])
    with pytest.raises(ValueError, match='takes strings: export it with format="tf_s'):
        classifier.export(tmp_path / f"texts{RUNTIMES[format].suffix}", format)


@pytest.mark.parametrize("precision", ["float16", "bfloat16"])
def test_a_learner_of_less_than_float32_is_refused(format, tmp_path, precision):
    dense = keras.layers.Dense(5, dtype=f"mixed_{precision}")
    backbone = keras.Sequential([keras.Input((4,)), dense])
    classifier = fsl.models.PrototypicalNetwork(backbone).adapt(np.eye(4), range(4))
    path = tmp_path / f"vectors{RUNTIMES[format].suffix}"
    with pytest.raises(ValueError, match=f"this learner in {precision}"):
        classifier.export(path, format)


@keras.saving.register_keras_serializable(package="test")
class IncompleteGamma(keras.layers.Layer):
    """An operation that neither of the two formats has."""

    def call(self, inputs):
        return tf.math.igamma(tf.ones_like(inputs), tf.nn.relu(inputs))


def test_an_unsupported_operation_is_one_sentence(format, tmp_path):
    backbone = keras.Sequential([keras.Input((4,)), IncompleteGamma()])
    classifier = fsl.models.PrototypicalNetwork(backbone).adapt(np.eye(4), range(4))
    path = tmp_path / f"vectors{RUNTIMES[format].suffix}"
    with pytest.raises(ValueError, match=rf'format="{format}", .*Igamma\b.*SavedModel'):
        classifier.export(path, format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "format", "said"),
    [
        (
            "birds",
            "tflite",
            "one of ['tf_saved_model', 'litert', 'onnx', 'web']. Received: ",
        ),
        ("birds.onnx", "litert", 'ends in ".tflite"'),
        ("birds", "onnx", 'ends in ".onnx"'),
        ("birds.tflite", "tf_saved_model", 'a file of format="litert"'),
    ],
)
def test_a_name_of_another_format_is_refused(tmp_path, name, format, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        CASES["one_class"]().export(tmp_path / name, format)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("case", "name", "format", "image_size", "said"),
    [
        ("grey", "birds", "tf_saved_model", (9, 9), "images of any size"),
        ("grey", "birds.tflite", "litert", (9, 0), "(height, width) in pixels"),
        ("grey", "birds.tflite", "litert", (9, 9, 1), "(height, width) in pixels"),
        (MANY, "birds.tflite", "litert", (9, 9), "not images"),
    ],
)
def test_an_invalid_size_is_refused(tmp_path, case, name, format, image_size, said):
    said = f"{re.escape(said)}.*{re.escape(f'image_size={image_size}')}"
    with pytest.raises(ValueError, match=said):
        CASES[case]().export(tmp_path / name, format, image_size)


def test_a_package_that_is_missing_is_named(run_cli, tmp_path, monkeypatch):
    CASES["one_class"]().save(tmp_path / "shapes.keras")
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    arguments = [tmp_path / "shapes.keras", tmp_path / "shapes.onnx"]
    status, _, err = run_cli("export", *arguments, "--format=onnx")
    assert status == 1
    assert 'pip install "fsl-keras[onnx]"' in err


@pytest.mark.slow
def test_the_command_writes_the_same_file(run_cli, tmp_path):
    CASES["one_class"]().save(tmp_path / "shapes.keras")
    path = tmp_path / "shapes.tflite"
    size = ["--image-size", 20, 24]
    status, out, _ = run_cli(
        "export", tmp_path / "shapes.keras", path, "--format=litert", *size
    )
    assert status == 0
    assert f"Written: {path}" in out
    answer = LiteRT(path).run(np.zeros((1, 20, 24, 1), "uint8"))
    assert answer["probabilities"].tolist() == [[1.0]]


@pytest.mark.slow
@pytest.mark.parametrize("format", [None, *RUNTIMES])
def test_a_name_that_is_not_utf_8(format, tmp_path):
    if format == "onnx":
        pytest.importorskip("tf2onnx", reason="needs tf2onnx")
    vectors = np.eye(2, dtype="float32")
    backbone = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3)])
    model = fsl.models.TransferLearner(backbone)
    classifier = model.adapt(vectors, [os.fsdecode(b"caf\xe9"), "чай"])
    if format is None:
        classifier.export(tmp_path / "exported")
        exported = tf.saved_model.load(tmp_path / "exported")
        answer = exported.serve(vectors)
        labels = [name.decode() for name in answer["class_name"].numpy()]
    else:
        path = tmp_path / f"exported{RUNTIMES[format].suffix}"
        classifier.export(path, format)
        labels = RUNTIMES[format](path).labels
    assert labels == [r"caf\udce9", "чай"]
