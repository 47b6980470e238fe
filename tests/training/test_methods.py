"""What holds for every method. A new one joins by its entry in `METHODS`."""

import functools
import inspect

import numpy as np
import pytest

from fsl_keras import FewShotClassifier
from fsl_keras.models import MetricModel, TransferLearner
from fsl_keras.testing.checks import dtype_policy
from fsl_keras.training import methods
from fsl_keras.training.learners import make_learner
from fsl_keras.training.methods import METHODS
from fsl_keras.training.sections import MethodOptions, TrainOptions
from fsl_keras.training.stages import Stage
from tests.checks import random_classes, rows, run_python, with_shared_streams
from tests.models.learners import ITEM, SMALL, WAYS, of_method

TRANSDUCTIVE = [name for name, method in METHODS.items() if method.head]

each_method = pytest.mark.parametrize("name", METHODS)
# One method of each stream and of each way to adapt.
USUAL = ["prototypical", "maml"]


@functools.cache
def untrained(name):
    """A learner that tests share: they must not train it."""
    return of_method(name)


@pytest.fixture(scope="module")
def data():
    return with_shared_streams(random_classes(6, 12, ITEM))


@pytest.fixture(scope="module")
def episode(data):
    return next(data.episodes(WAYS, 2, 3, tasks=2).as_numpy_iterator())


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory, episode):
    """What learners answer here, and in a fresh process."""
    folder = tmp_path_factory.mktemp("methods")
    np.savez(folder / "episode.npz", **episode[0])
    here = {}
    for name in METHODS:
        untrained(name).save(folder / f"{name}.keras")
        here[name] = np.asarray(untrained(name)(episode[0]))
    run_python(FRESH, folder, *METHODS)
    return here, np.load(folder / "answers.npz")


FRESH = """
import sys, fsl_keras, keras, numpy as np
folder, *names = sys.argv[1:]
episode = dict(np.load(folder + "/episode.npz"))
answers = {}
for name in names:
    learner = keras.saving.load_model(f"{folder}/{name}.keras")
    answers[name] = np.asarray(learner(episode))
np.savez(folder + "/answers.npz", **answers)
"""


@pytest.mark.slow
@each_method
def test_is_the_same_in_a_fresh_process(reloaded, name):
    here, there = reloaded
    np.testing.assert_allclose(there[name], here[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", rows(METHODS, USUAL))
def test_an_episode_of_one_class(name, data):
    x, _ = next(data.episodes(1, 2, 3).as_numpy_iterator())
    logits = np.asarray(of_method(name, ways=1)(x))
    assert logits.shape == (1, 3, 1)
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("name", rows(METHODS, USUAL))
def test_training_in_mixed_precision_lowers_the_loss_of_a_batch(name, data, episode):
    with dtype_policy("mixed_bfloat16"):
        learner = of_method(name)
        method = METHODS[name]
        options = TrainOptions(
            ways=WAYS,
            shots=(2,),
            queries=3,
            tasks=2,
            augment=method.needs_augmentation,
        )
        for stream in method.streams:
            stage = Stage(stream, learner, data, options, method.pretraining_name)
            model = stage.compiled(0.5 if name == "reptile" else 0.01)
            model.run_eagerly = True  # tracing would take longer than the steps
            x, y = next(iter(stage.examples(0)))
            losses = [float(model.train_on_batch(x, y)[0]) for _ in range(5)]
            assert min(losses[-2:]) < losses[0], stream
    network = getattr(learner, "backbone", None) or learner.network
    trained = [*learner.trainable_weights, *network.trainable_weights]
    assert {weight.dtype for weight in trained} == {"float32"}
    logits = learner.predict(episode[0], verbose=0)
    assert logits.dtype == np.float32
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("name", TRANSDUCTIVE)
def test_a_transductive_method_makes_no_classifier(name):
    learner = untrained(name)
    with pytest.raises(ValueError, match=r"transductive.*inductive head"):
        learner.adapt(np.zeros((3, *ITEM), "float32"), [0, 1, 2])
    with pytest.raises(ValueError, match=r"learner\.adapt"):
        FewShotClassifier.from_examples(learner, np.zeros((3, *ITEM)), [0, 1, 2])


# Their arguments are not those of a method.
BASES = (MetricModel, TransferLearner)


def defaults_of(method):
    """The arguments of a learner or a head that a run may set, by its signature."""
    for cls in (method.head or method.learner).__mro__:
        parameters = inspect.signature(cls.__init__).parameters.values()
        found = {p.name: p.default for p in parameters if p.default is not p.empty}
        if found.keys() - {"name"} or cls in BASES:
            break
    fixed = {"name", "regression", "inner_loss"}
    if not method.has_classifier:  # ProtoMAML's head is always shared
        fixed.add("shared_head")
    if cls in BASES:
        return {}
    return {name: value for name, value in found.items() if name not in fixed}


@each_method
def test_the_table_says_what_the_learner_says(name):
    method, learner = METHODS[name], untrained(name)
    assert method.options == defaults_of(method)
    assert method.options.keys() >= method.arguments.keys()
    assert (method.kind, method.incremental) == (learner.kind, learner.incremental)
    assert type(learner) is method.learner
    if method.head is not None:
        assert type(learner.head) is method.head


def test_options_are_those_of_the_learner():
    options = METHODS["proto_maml"].options
    assert options["inner_steps"] == 5
    assert METHODS["prototypical"].options["distance"] == "squared_euclidean"
    with pytest.raises(ValueError, match=r"no options \['speed'\].*inner_steps"):
        MethodOptions("maml", {"speed": 3})
    assert "shared_head" in METHODS["maml"].options
    assert "shared_head" not in options  # it is always


def test_maml_with_a_shared_head_learns_any_number_of_classes(episode):
    method = MethodOptions("maml", {"shared_head": True, "inner_steps": 1})
    learner = make_learner(ITEM, method, SMALL, ways=7)
    assert learner.incremental == "refit"
    assert learner(episode[0]).shape == (2, 9, WAYS)


@pytest.mark.parametrize(
    "name", rows(["maml", "reptile", "relation", "matching"], ["relation"])
)
def test_a_method_starts_from_a_trained_backbone(name, episode):
    backbone = of_method("prototypical").backbone
    method = MethodOptions(name)
    learner = make_learner(ITEM, method, SMALL, WAYS, backbone.get_weights())
    own = {weight.tobytes() for weight in learner.get_weights()}
    assert own >= {weight.tobytes() for weight in backbone.get_weights()}
    assert learner(episode[0]).shape == (2, 9, WAYS)


def test_an_unknown_method():
    with pytest.raises(ValueError, match=r"no method 'magic'.*prototypical"):
        methods.get("magic")
    with pytest.raises(ValueError, match=r"Did you mean 'prototypical'\? Methods"):
        methods.get("prototipical")
