"""Trains on one device, on two devices or as one of two workers; prints the losses.

python distributed.py devices episodes batches
TF_CONFIG=... python distributed.py worker episodes
"""

import contextlib
import json
import sys

import keras
import numpy as np
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.training.distribution import check_same_data

STEPS, RATE = 50, 0.01
SHAPE = (16, 16, 1)


def load(seed=0):
    """Returns six classes of pictures of squares, and six of vectors."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(6), 10)
    squares = rng.random((6, 4, 4, 1)).repeat(4, axis=1).repeat(4, axis=2)
    pictures = 0.8 * squares[labels] + 0.2 * rng.random((60, *SHAPE))
    items = {"pictures": pictures, "vectors": rng.normal(size=(60, 4))}
    return {
        name: fsl.ClassDataset.from_arrays(values.astype("float32"), labels)
        for name, values in items.items()
    }


def network(*layers, shape=(4,)):
    inputs = keras.Input(shape)
    outputs = inputs
    for layer in layers:
        outputs = layer(outputs)
    return keras.Model(inputs, outputs)


def episodes(data):
    backbone = fsl.backbones.Conv4(
        SHAPE, filters=8, pooling="avg", pooled_blocks=2, synchronized=True
    )
    model = fsl.models.PrototypicalNetwork(backbone)
    model.compile(keras.optimizers.SGD(RATE))
    return model, data["pictures"].episodes(3, 1, 2, tasks=4)


def inner_loop(data):
    model = fsl.models.MAML(network(keras.layers.Dense(3)), inner_steps=1)
    model.compile(keras.optimizers.SGD(RATE))
    return model, data["vectors"].episodes(3, 1, 2, tasks=4)


def batches(data):
    model = fsl.pretraining.SupervisedPretraining(network(keras.layers.Dense(3)), 6)
    model.compile(keras.optimizers.Adam(RATE))
    return model, data["vectors"].batches(8, seed=0, per_class=2)


def pairs(data):
    learner = fsl.models.SiameseNetwork(network(keras.layers.Dense(3)))
    model = learner.pair_model
    model.compile("adam", learner.default_pair_loss(), jit_compile=False)
    return model, data["vectors"].pairs(8, seed=0)


def views(data):
    flat = network(keras.layers.Flatten(), keras.layers.Dense(3), shape=SHAPE)
    model = fsl.pretraining.RotationPrediction(flat, None)
    model.compile(keras.optimizers.SGD(RATE))
    return model, data["pictures"].batches(8, seed=0)


STAGES = [episodes, batches, pairs, inner_loop, views]


def losses(data, stages, strategy=None):
    """Returns the loss of each step of each stage."""
    found = {}
    for stage in stages:
        with strategy.scope() if strategy else contextlib.nullcontext():
            keras.utils.set_random_seed(0)
            model, stream = stage(data)
            history = model.fit(
                stream, steps_per_epoch=1, epochs=STEPS, verbose=0, shuffle=False
            )
        found[stage.__name__] = history.history["loss"]
    return found


def evaluated(data, strategy):
    """Returns the metrics of a few episodes, by an untrained model."""
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model, _ = inner_loop(data)
        few = data["vectors"].episodes(3, 1, 2, tasks=4, count=12, seed=1)
        return model.evaluate(few, return_dict=True, verbose=0)


def refused(data, strategy):
    """Returns the error that workers of different data get."""
    try:
        check_same_data(data, strategy)
    except ValueError as error:
        return str(error)
    return None


def main(mode, *names):
    tf.config.experimental.enable_op_determinism()
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    if mode == "devices":
        cpu = tf.config.list_physical_devices("CPU")[0]
        devices = [tf.config.LogicalDeviceConfiguration()] * 2
        tf.config.set_logical_device_configuration(cpu, devices)
        strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    else:
        strategy = tf.distribute.MultiWorkerMirroredStrategy()
    assert strategy.num_replicas_in_sync == 2
    data = load()
    stages = [stage for stage in STAGES if stage.__name__ in names]
    results = {
        "two": losses(data, stages, strategy),
        "evaluated": evaluated(data, strategy),
    }
    if mode == "devices":
        alone = tf.distribute.get_strategy()
        results["one"] = losses(data, stages)
        results["evaluated alone"] = evaluated(data, alone)
    else:
        index = strategy.cluster_resolver.task_id
        results["other data"] = refused(load(seed=index)["vectors"], strategy)
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
