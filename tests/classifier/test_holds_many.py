"""Classifiers with small numbers, and with an index."""

import builtins

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.classifier import class_index, indexed_classes
from tests.shapes import NAMES, THREE, make_learner, names, pictures, prototypes

MODES = {"float16": 1e-3, "int8": 1e-2}
WAYS, DIMENSIONS = 400, 24


@pytest.fixture(params=list(MODES))
def mode(request):
    return request.param


class TestQuantized:
    def test_prototypes_have_fewer_digits(self, classifier, mode):
        before = prototypes(classifier)
        classifier.quantize_classes(mode)
        largest = np.abs(before).max()
        errors = np.abs(prototypes(classifier) - before)
        assert 0 < errors.max() < MODES[mode] * largest
        assert classifier.task.spec["state"]["prototypes"][1] == mode
        images, labels = pictures(THREE, seed=100)
        assert names(classifier, images) == labels

    def test_lengths_are_those_of_the_rounded_prototypes(self, learner, mode):
        images, labels = pictures(NAMES)
        features = learner.features(images[:, :16, :16, :1] / np.float32(255))
        # A large part that all have in common.
        classifier = learner.adapt_features(100 + features, labels)
        classifier.quantize_classes(mode)
        classifier.add_class("new", pictures(["bar"], seed=3)[0])
        state = classifier.task.state
        squares = np.sum(np.square(state["prototypes"]), axis=-1)
        np.testing.assert_allclose(state["squares"], squares, rtol=1e-5)

    def test_it_grows_and_is_saved(self, classifier, tmp_path, mode):
        classifier.quantize_classes(mode)
        before = prototypes(classifier)
        classifier.add_class("frame", pictures(["frame"])[0])
        np.testing.assert_array_equal(prototypes(classifier)[:3], before)
        classifier.update("beam", pictures(["beam"], seed=50)[0])
        after = prototypes(classifier)
        np.testing.assert_array_equal(after[[0, 2]], before[[0, 2]])
        assert (after[1] != before[1]).any()
        assert classifier.task.quantization == mode

        path = tmp_path / "shapes.keras"
        classifier.save(path)
        loaded = keras.saving.load_model(path)
        np.testing.assert_array_equal(prototypes(loaded), after)
        images, labels = pictures(NAMES, seed=100)
        assert names(loaded, images) == labels
        loaded.remove_class("bar")
        np.testing.assert_array_equal(prototypes(loaded), after[1:])
        loaded.add_class("bar", pictures(["bar"])[0])
        assert loaded.task.quantization == mode

    def test_removed_examples_leave_it_quantized(self, classifier, mode):
        classifier.quantize_classes(mode)
        classifier.remove_example(0)
        assert classifier.task.spec["state"]["prototypes"][1] == mode
        assert np.asarray(classifier.task.memory["counts"]).tolist() == [[3, 4, 4]]

    def test_weights_go_from_one_to_another(self, learner, classifier, mode):
        other = learner.adapt(*pictures(THREE, seed=7))
        for each in (classifier, other):
            each.quantize_classes(mode)
        other.set_weights(classifier.get_weights())
        np.testing.assert_array_equal(prototypes(other), prototypes(classifier))

    def test_two_classifiers_are_joined(self, learner, classifier, mode):
        other = learner.adapt(*pictures(["frame"]))
        classifier.quantize_classes(mode)
        classifier.add_classes_from(other)
        assert classifier.class_names == NAMES
        np.testing.assert_allclose(
            prototypes(classifier)[3], prototypes(other)[0], atol=0.05
        )

    def test_errors(self, classifier):
        with pytest.raises(ValueError, match=r"float16.*int8.*Received: mode='int4'"):
            classifier.quantize_classes("int4")
        classifier.quantize_classes("int8")
        with pytest.raises(ValueError, match="quantized to 'int8' already"):
            classifier.quantize_classes("float16")
        backbone = make_learner().backbone
        ridge = fsl.models.TransferLearner(backbone, "ridge").adapt(*pictures(THREE))
        with pytest.raises(ValueError, match=r"prototypes.*Received: RidgeHead"):
            ridge.quantize_classes()


@pytest.fixture(scope="module")
def vectors():
    """One prototype of each of many classes, and queries near some of them."""
    rng = np.random.default_rng(0)
    known = rng.normal(size=(WAYS, DIMENSIONS)).astype("float32")
    near = known[:50] + 0.2 * rng.normal(size=(50, DIMENSIONS))
    return known, near.astype("float32")


def identity(head):
    inputs = keras.Input((DIMENSIONS,))
    backbone = keras.Model(inputs, keras.layers.Identity()(inputs))
    return fsl.models.TransferLearner(backbone, head)


@pytest.fixture(params=["cosine", "prototypes", "simple_shot"])
def many(request, vectors):
    return identity(request.param).adapt_features(vectors[0], np.arange(WAYS))


class TestIndexed:
    @pytest.fixture(autouse=True)
    def _needs_usearch(self):
        pytest.importorskip("usearch", reason="needs usearch")

    def test_it_finds_the_most_probable_classes(self, many, vectors):
        exact = many.predict_classes(vectors[1], top=5)
        many.build_index(expansion_search=64)
        many.index.expansion_search = 200
        assert many.index.expansion_search == 200
        found = many.predict_classes(vectors[1], top=5)
        both = [
            set(a.probabilities) & set(b.probabilities)
            for a, b in zip(found, exact, strict=True)
        ]
        assert np.mean([len(each) / 5 for each in both]) > 0.95
        same = [a[0] == b[0] for a, b in zip(found, exact, strict=True)]
        assert np.mean(same) > 0.9
        # The sum over the classes that are not found is that of all the others here.
        for a, b in zip(found, exact, strict=True):
            if a[0] == b[0]:
                assert a.probability == pytest.approx(b.probability, rel=0.35)

    def test_probabilities_are_exact_where_all_classes_are_found(
        self, many, vectors, monkeypatch
    ):
        exact = many.predict_classes(vectors[1], top=3)
        monkeypatch.setattr(indexed_classes, "CANDIDATES", WAYS)
        many.build_index("float32", expansion_search=WAYS)
        found = many.predict_classes(vectors[1], top=3)
        same = [
            (a.probability, b.probability)
            for a, b in zip(found, exact, strict=True)
            if list(a.probabilities) == list(b.probabilities)
        ]
        assert len(same) > 40  # a graph of neighbors may miss some at all
        np.testing.assert_allclose(*zip(*same, strict=True), rtol=0.02)

    def test_classes_that_come_later_are_found(self, many, vectors):
        many.build_index()
        item = 3 * np.eye(DIMENSIONS, dtype="float32")[:1]
        many.add_class("new", item)
        (found,) = many.predict_classes(item, top=2)
        assert found.class_name == "new"
        assert many.index is not None

    def test_other_changes_remove_it(self, many, vectors):
        many.build_index()
        many.update("7", vectors[1][:1])
        assert many.index is None
        assert many.predict_classes(vectors[1][9:10], top=1)[0].class_name == "9"
        many.build_index()
        many.remove_class("7")
        assert many.index is None
        many.build_index()
        many.remove_index()
        assert many.index is None

    def test_it_is_saved(self, many, vectors, tmp_path):
        many.build_index()
        many.quantize_classes("int8")
        path = tmp_path / "many.keras"
        many.save(path)
        loaded = keras.saving.load_model(path)
        assert len(loaded.index) == WAYS
        for a, b in zip(
            loaded.predict_classes(vectors[1], top=2),
            many.predict_classes(vectors[1], top=2),
            strict=True,
        ):
            assert list(a.probabilities) == list(b.probabilities)

    def test_unknown(self, many, vectors):
        many.build_index()
        many.unknown_threshold = 1.0
        (found,) = many.predict_classes(vectors[1][:1], top=2)
        assert found.class_name == "unknown"
        assert next(iter(found.probabilities)) == "0"

    def test_errors(self, many, learner):
        with pytest.raises(ValueError, match=r"bfloat16.*Received: dtype='int4'"):
            many.build_index("int4")
        ridge = fsl.models.TransferLearner(learner.backbone, "ridge")
        with pytest.raises(ValueError, match=r"PrototypeHead`.*Received: RidgeHead"):
            ridge.adapt(*pictures(THREE)).build_index()


def test_int8_is_for_cosine_similarities(vectors):
    squared = identity("prototypes").adapt_features(vectors[0][:4], np.arange(4))
    with pytest.raises(ValueError, match=r"'int8' is for cosine similarities"):
        squared.build_index("int8")


def without_usearch(monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **kwargs):
        if name.startswith("usearch"):
            raise ImportError("No module named 'usearch'")
        return real(name, *arguments, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)


def test_without_the_package(classifier, monkeypatch):
    without_usearch(monkeypatch)
    with pytest.raises(ImportError, match=r'pip install "fsl-keras\[index\]"'):
        classifier.build_index()


def test_a_file_is_loaded_without_the_package(classifier, tmp_path, monkeypatch):
    pytest.importorskip("usearch", reason="needs usearch")
    classifier.build_index()
    classifier.save(tmp_path / "shapes.keras")
    without_usearch(monkeypatch)
    with pytest.warns(UserWarning, match=r"without its index.*fsl-keras\[index\]"):
        loaded = keras.saving.load_model(tmp_path / "shapes.keras")
    assert loaded.index is None
    images, labels = pictures(THREE, seed=100)
    assert [p.class_name for p in loaded.predict_classes(images, top=2)] == labels
    assert class_index.METRICS
