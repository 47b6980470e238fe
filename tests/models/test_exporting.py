"""Learners in files that learn a task and answer its queries without this package."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from tests.checks import run_python

SIZE, WAYS = (16, 16, 1), 3


def episode(ways=WAYS, shots=2, queries=4, tasks=1, seed=0):
    """A task of classes that differ in brightness, and noise."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(ways), shots)
    asked = rng.integers(0, ways, (tasks, queries))

    def items(classes):
        noise = rng.random((tasks, classes.shape[-1], *SIZE))
        return (0.5 * noise + classes[..., None, None, None] / 8).astype("float32")

    return {
        "support": items(np.tile(numbers, (tasks, 1))),
        "support_labels": np.tile(
            np.eye(ways, dtype="float32")[numbers], (tasks, 1, 1)
        ),
        "query": items(asked),
    }


def conv4():
    keras.utils.set_random_seed(0)
    return fsl.backbones.Conv4(SIZE, filters=4)


def network():
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(SIZE),
            layers.Conv2D(4, 3, activation="tanh"),
            layers.Flatten(),
            layers.Dense(WAYS),
        ]
    )


def maml(**options):
    return fsl.models.MAML(network(), 2, 0.1, **options)


LEARNERS = {
    "prototypes": lambda: fsl.models.PrototypicalNetwork(conv4()),
    "cosine": lambda: fsl.models.TransferLearner(conv4(), "cosine"),
    "ridge": lambda: fsl.models.RidgeRegressionNetwork(conv4()),
    "MAML": lambda: maml(second_order=True),
    "MAML, first order": lambda: maml(second_order=False),
    "MAML, any ways": lambda: fsl.models.MAML(
        conv4(), 2, 0.1, shared_head=True, batch_norm="support"
    ),
    "transductive": lambda: fsl.models.MetricModel(conv4(), fsl.heads.SoftKMeansHead()),
}
IN_LITERT = ["prototypes", "cosine", "ridge"]
FIXED = ("MAML", "MAML, first order")


@pytest.fixture(scope="module", params=list(LEARNERS))
def saved(request, tmp_path_factory):
    """A learner, its name, and the folder that it is exported to."""
    learner = LEARNERS[request.param]()
    folder = tmp_path_factory.mktemp("exported") / "learner"
    learner.export(folder)
    return learner, request.param, folder


class TestSavedModel:
    def test_the_logits_are_those_of_the_learner(self, saved):
        learner, _, folder = saved
        x = episode()
        exported = tf.saved_model.load(folder)
        found = exported.serve(x)
        assert set(found) == {"logits"}
        np.testing.assert_allclose(found["logits"], learner(x), atol=1e-5)

    def test_other_numbers_of_classes_examples_queries_and_tasks(self, saved):
        learner, name, folder = saved
        exported = tf.saved_model.load(folder)
        ways = WAYS if name in FIXED else 5
        for shots, queries, tasks in ((1, 1, 1), (4, 7, 2)):
            x = episode(ways, shots, queries, tasks)
            found = exported.serve(x)["logits"]
            assert found.shape == (tasks, queries, ways)
            np.testing.assert_allclose(found, learner(x), atol=1e-5)

    def test_the_signature_has_names(self, saved):
        learner, _, folder = saved
        run = tf.saved_model.load(folder).signatures["serving_default"]
        x = episode()
        found = run(**{name: tf.constant(value) for name, value in x.items()})
        np.testing.assert_allclose(found["logits"], learner(x), atol=1e-5)


IN_A_NEW_PROCESS = """
import sys
import numpy as np, tensorflow as tf
for folder in sys.argv[1:]:
    x = dict(np.load(f"{folder}/x.npz"))
    expected = x.pop("expected")
    exported = tf.saved_model.load(f"{folder}/learner")
    found = exported.serve(x)["logits"]
    np.testing.assert_allclose(found, expected, atol=1e-5)
print("fsl_keras" in sys.modules)
"""


@pytest.mark.slow
def test_in_a_process_without_this_package(tmp_path):
    folders = []
    for name in ("ridge", "MAML"):
        folder = tmp_path / name
        learner, x = LEARNERS[name](), episode()
        learner.export(folder / "learner")
        np.savez(folder / "x.npz", **x, expected=learner(x))
        folders.append(folder)
    assert run_python(IN_A_NEW_PROCESS, *folders).split() == ["False"]


@pytest.fixture(scope="module", params=IN_LITERT)
def pair(request, tmp_path_factory):
    interpreter = pytest.importorskip(
        "ai_edge_litert.interpreter", reason="needs ai-edge-litert"
    )
    learner = LEARNERS[request.param]()
    path = tmp_path_factory.mktemp("exported") / "learner.tflite"
    learner.export(path, "litert", ways=WAYS, shots=2, queries=4)
    return learner, interpreter.Interpreter(str(path)).get_signature_runner()


class TestLiteRT:
    def test_the_logits_are_those_of_the_learner(self, pair):
        learner, run = pair
        for seed in (0, 1):
            x = episode(seed=seed)
            found = run(**x)
            assert set(found) == {"logits"}
            np.testing.assert_allclose(found["logits"], learner(x), atol=1e-4)

    def test_a_smaller_task_is_padded(self, pair):
        learner, run = pair
        small = episode(ways=2, shots=1, queries=1)
        padded = {
            "support": np.resize(small["support"], (1, 6, *SIZE)),
            "support_labels": np.pad(small["support_labels"], [(0, 0), (0, 4), (0, 1)]),
            "query": np.resize(small["query"], (1, 4, *SIZE)),
        }
        found = run(**padded)["logits"]
        np.testing.assert_allclose(found[:, :1, :2], learner(small), atol=1e-4)
        assert found[0, 0, 2] < -1e8

    def test_more_classes_than_exported(self, pair):
        with pytest.raises((RuntimeError, ValueError), match=r"(?i)reshape|dimension"):
            pair[1](**episode(ways=4))


class TestBadInput:
    def test_more_classes_than_exported(self, tmp_path):
        LEARNERS["prototypes"]().export(tmp_path / "learner", ways=WAYS, shots=2)
        exported = tf.saved_model.load(tmp_path / "learner")
        assert exported.serve(episode(queries=9))["logits"].shape == (1, 9, WAYS)
        with pytest.raises((TypeError, ValueError), match=r"(?s)\(None, 6, 3\)|, 6, 3"):
            exported.serve(episode(ways=4))

    def test_more_classes_than_the_network_has_outputs(self, tmp_path):
        learner = maml()
        learner.export(tmp_path / "learner")
        exported = tf.saved_model.load(tmp_path / "learner")
        with pytest.raises(tf.errors.InvalidArgumentError, match="3 outputs"):
            exported.serve(episode(ways=4))
        with pytest.raises(ValueError, match=r"3 outputs.*4"):
            learner.export(tmp_path / "other", ways=4)

    def test_litert_needs_sizes(self, tmp_path):
        learner = LEARNERS["prototypes"]()
        with pytest.raises(ValueError, match=r"`ways` and `shots`.*shots=None"):
            learner.export(tmp_path / "learner.tflite", "litert", ways=3)
        with pytest.raises(ValueError, match=r"`queries` must be.*queries=0"):
            learner.export(tmp_path / "learner", queries=0)
        with pytest.raises(ValueError, match=r'ends in "\.tflite"'):
            learner.export(tmp_path / "learner", "litert", ways=3, shots=1)
        assert not list(tmp_path.iterdir())

    def test_texts_are_no_input_of_litert(self, tmp_path):
        learner = fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder())
        with pytest.raises(ValueError, match=r'takes strings.*"tf_saved_model"'):
            learner.export(tmp_path / "learner.tflite", "litert", ways=2, shots=1)

    def test_an_operation_that_litert_lacks_is_named(self, tmp_path):
        with pytest.raises(ValueError, match=r"lacks one of its operations.*'tf\."):
            maml().export(tmp_path / "learner.tflite", "litert", ways=WAYS, shots=1)


def test_texts_in_a_saved_model(tmp_path):
    learner = fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder())
    x = {
        "support": tf.constant([["where is my card", "send money"]]),
        "support_labels": tf.eye(2)[None],
        "query": tf.constant([["i lost my card"]]),
    }
    learner.export(tmp_path / "learner")
    exported = tf.saved_model.load(tmp_path / "learner")
    found = exported.serve(x)["logits"]
    np.testing.assert_allclose(found, learner(x), atol=1e-5)
    assert np.argmax(found) == 0
