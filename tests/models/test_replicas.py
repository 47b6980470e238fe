"""Every learner trains on two devices as on one: `fsl_keras.testing.check_replicas`."""

import json

import pytest

from tests.checks import run_python
from tests.models.learners import LEARNERS

# A process can make several devices of its processor only before TensorFlow begins.
PROGRAM = """
import json, sys
import fsl_keras as fsl
import keras, tensorflow as tf
from fsl_keras.testing import check_replicas
from fsl_keras.training.methods import METHODS
from tests.models.learners import ARGUMENTS, LEARNERS, WAYS

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def normalized():
    # A small network with batch normalization.
    keras.utils.set_random_seed(0)
    inputs = keras.Input((4,))
    x = keras.layers.Dense(3)(inputs)
    x = keras.layers.BatchNormalization()(x)
    return keras.Model(inputs, keras.layers.Dense(4)(x))


def learner(name):
    method = METHODS.get(name)
    if method is None or method.takes_feature_maps:
        return LEARNERS[name]()
    return method.make(normalized(), WAYS, **ARGUMENTS.get(name, {}))


def others():
    backbone = LEARNERS["frn"]().backbone
    yield "frn, all pairs", fsl.models.ReconstructionNetwork(backbone, all_pairs=True)
    inputs = keras.Input((4,))
    outputs = keras.layers.Dense(WAYS, kernel_regularizer="l2")(inputs)
    network = keras.Model(inputs, outputs)
    yield "maml, a loop", fsl.models.MAML(network, 1, one_task_at_a_time=True)


names = json.loads(sys.argv[1])
learners = [(name, learner(name)) for name in names]
if sys.argv[2] == "graph":
    learners += others()
errors = {}
for name, model in learners:
    try:
        check_replicas(model, strategy, WAYS, run_eagerly=sys.argv[2] == "eager")
        errors[name] = None
    except Exception as error:
        errors[name] = f"{type(error).__name__}: {error}"
print(json.dumps(errors))
"""

# These are compiled, as they trace functions within a step or have a loss of their own.
IN_GRAPHS = ["feat", "maml++"]
# The others run step by step, which takes less time. Each of these few has a training
# step or a loss of its own.
FEW = ["prototypical", "reptile", "siamese", "simclr"]
OTHERS = [name for name in LEARNERS if name not in (*IN_GRAPHS, *FEW)]


def errors_of(names, mode):
    """What goes wrong with each learner, all in one process."""
    return json.loads(run_python(PROGRAM, json.dumps(names), mode).splitlines()[-1])


@pytest.fixture(scope="module")
def in_graphs():
    return errors_of(IN_GRAPHS, "graph")


@pytest.fixture(scope="module")
def step_by_step():
    return errors_of(FEW, "eager")


@pytest.fixture(scope="module")
def others():
    return errors_of(OTHERS, "eager")


@pytest.mark.slow
@pytest.mark.parametrize("name", [*IN_GRAPHS, "frn, all pairs", "maml, a loop"])
def test_in_a_graph(in_graphs, name):
    assert in_graphs[name] is None


# By default "episodes" of tests/training/test_distribution.py is enough.
@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_step_by_step(step_by_step, name):
    assert step_by_step[name] is None


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_others_step_by_step(others, name):
    assert others[name] is None
