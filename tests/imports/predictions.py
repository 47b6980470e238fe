"""What heads, classifiers and learners predict, on any backend of Keras.

    KERAS_BACKEND=jax python -m tests.imports.predictions FOLDER

Loads what `make` wrote into the folder, and writes the predictions to an .npz file.
"""

import pathlib
import sys

import keras
import numpy as np

import fsl_keras as fsl
from fsl_keras import heads

WAYS, SHOTS, QUERIES, SIDE = 3, 4, 5, 32
# Few steps, where the defaults take long or an argument is required.
FEW = {"steps": 3}
ARGUMENTS = {
    "FEATHead": {"key_dim": 4},
    "LaplacianShotHead": FEW,
    "LinearHead": FEW,
    "LogisticHead": FEW,
    "PTMAPHead": FEW,
    "RelationHead": {"filters": 4},
    "TIMHead": FEW,
    "TransductiveFinetuningHead": FEW,
}
# A dense head begins with random weights, which the backends draw each in its own way.
OTHERS = {"DenseHead", "ExampleHead", "Head", "TransductiveHead"}
NAMES = sorted(set(heads.__all__) - OTHERS)
OF_MAPS = ("ReconstructionHead", "RelationHead")
CLASSIFIERS = ("lda", "logistic", "dense")


def make(folder):
    """Writes heads, classifiers, a learner and inputs to a folder."""
    random = np.random.default_rng(0)
    keras.utils.set_random_seed(0)
    np.savez(
        folder / "inputs.npz",
        images=random.integers(0, 256, (12, SIDE, SIDE, 3), "uint8"),
        support=random.normal(size=(2, WAYS * SHOTS, 8)),
        query=random.normal(size=(2, QUERIES, 8)),
    )
    network = fsl.backbones.pretrained(
        "mobilenet_v2", None, (SIDE, SIDE, 3), alpha=0.35
    )
    with np.load(folder / "inputs.npz") as inputs:
        images = inputs["images"]
    for name in NAMES:
        weights = enumerate(head_of(name).get_weights())
        np.savez(folder / f"{name}.npz", **{f"{i:03}": value for i, value in weights})
    labels = [f"class {i % WAYS}" for i in range(len(images))]
    for name in CLASSIFIERS:
        learner = fsl.models.TransferLearner(network, name)
        learner.adapt(images, labels).save(folder / f"{name}.keras")
    drawings = fsl.from_preset("prototypical_conv4_glyphs")
    drawings.adapt(images, labels).save(folder / "preset.keras")


def head_of(name):
    head = getattr(heads, name)(**ARGUMENTS.get(name, {}))
    support = (2, WAYS * SHOTS, *((2, 2, 2) if name in OF_MAPS else (8,)))
    if not head.built:
        head.build(support)
    return head


def predictions(folder):
    """Returns a dictionary from a name to an array."""
    with np.load(folder / "inputs.npz") as stored:
        inputs = dict(stored)
    labels = np.eye(WAYS, dtype="float32")[np.arange(WAYS * SHOTS) % WAYS]
    labels = np.stack([labels] * 2)
    found = {}
    for name in NAMES:
        head = head_of(name)
        with np.load(folder / f"{name}.npz") as weights:
            head.set_weights([weights[number] for number in sorted(weights)])
        given = [inputs["support"], labels, inputs["query"]]
        if name in OF_MAPS:
            given = [x.reshape(2, -1, 2, 2, 2) if x is not labels else x for x in given]
        given = [keras.ops.convert_to_tensor(x.astype("float32")) for x in given]
        found[name] = keras.ops.convert_to_numpy(head(*given))
    for name in (*CLASSIFIERS, "preset"):
        classifier = keras.saving.load_model(folder / f"{name}.keras")
        images = inputs["images"]
        found[name] = classifier.predict(images, verbose=0)
        found[f"{name}, names"] = np.asarray(
            [p.class_name for p in classifier.predict_classes(images)]
        )
        if name != "dense":
            classifier.add_class("another", 255 - images[:3])
            found[f"{name}, added"] = classifier.predict(images, verbose=0)
    learner = fsl.from_preset("prototypical_conv4_glyphs")
    episodes = fsl.datasets.load("glyphs", "test").episodes(5, 1, 5, seed=0, count=5)
    report = fsl.evaluation.evaluate(learner, episodes)
    found["accuracies"] = np.asarray(report.accuracies)
    adapted = learner.adapt(inputs["images"], np.arange(12) % WAYS, leave_one_out=True)
    found["leave one out"] = np.asarray(adapted.leave_one_out.logits)
    return found


if __name__ == "__main__":
    place = pathlib.Path(sys.argv[1])
    np.savez(place / f"{keras.config.backend()}.npz", **predictions(place))
