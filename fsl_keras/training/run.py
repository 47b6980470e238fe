"""Training of a run: stage by stage, from its last checkpoint on."""

import contextlib
import functools
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from fsl_keras import presets
from fsl_keras.files.temporary import TemporaryFolder
from fsl_keras.model_selection import calibrate_on_base_classes
from fsl_keras.pretraining.callbacks import EpochSeeds
from fsl_keras.training.augmentation import are_photographs
from fsl_keras.training.callbacks import (
    Checkpoint,
    FewShotValidation,
    restore,
)
from fsl_keras.training.distribution import check_same_data, writes_files
from fsl_keras.training.episodes import QUERIES, check_tests, ways_of
from fsl_keras.training.learners import make_learner, start_with_head
from fsl_keras.training.run_folder import Run
from fsl_keras.training.stages import EPISODES, Stage
from fsl_keras.training.transforms import FINISHES, load_data, transformed
from fsl_keras.typing import Model


def train(
    run: Run,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    strategy: tf.distribute.Strategy | None = None,
) -> Model:
    """Trains a run, from its last checkpoint, if there is one, to its last step.

    Training episodes are numbered through the run, so a run that is killed and resumed
    sees the episodes of an uninterrupted one.

    Args:
        run: `Run`.
        callbacks: list of Keras callbacks.
        strategy: optional strategy of `tf.distribute`, see `distribution.strategy_of`.
            Of several workers the chief alone writes into the folder.

    Returns:
        The trained learner, which knows its `training_classes`, and of which all
        weights are on one device.

    Raises:
        ValueError: if the data cannot give the episodes of the run, the options do not
            fit the data, a batch cannot be divided among the devices, or workers have
            other data. Nothing is written then.
    """
    options = run.options
    strategy = strategy or tf.distribute.get_strategy()
    _check_divisible(options, strategy.num_replicas_in_sync)
    check_tests(options)
    data = load_data(options.data, options.data.train_split)
    class_names = data.class_names
    data = transformed(data, options.data)
    make = functools.partial(
        make_learner,
        method=options.method,
        backbone=options.backbone,
        ways=options.train.ways,
    )
    shape = _trained_shape(options, data.item_shape, make)
    keras.utils.set_random_seed(options.train.seed)
    start = options.backbone.start_from
    if start is not None:
        make = functools.partial(make, weights=presets.backbone(start).get_weights())
    with strategy.scope():
        if options.train.mixed_precision:
            learner = make(shape, dtype="mixed_bfloat16")
        else:
            learner = make(shape)
        if start is not None:
            start_with_head(learner, start)
        _train_stages(run, learner, data, callbacks)
    is_shared = learner.distribute_strategy.num_replicas_in_sync > 1
    if options.train.mixed_precision or shape != data.item_shape or is_shared:
        trained, learner = learner, make(data.item_shape)
        learner.set_weights(trained.get_weights())
    if learner.has_base_statistics:
        learner.fit_base(data, cache=False)
    if options.backbone.finish is not None:
        finish = FINISHES[options.backbone.finish]
        learner = learner.with_backbone(finish(learner.backbone))
    learner.training_classes = tuple(class_names)
    if writes_files(strategy):
        run.write_options()  # also where nothing was trained
    return learner


def calibrate(run: Run, learner: Model) -> None:
    """Sets the `base_calibration` of a learner, from the validation classes.

    Does nothing if the learner was trained on them, or is transductive.

    Args:
        run: `Run`.
        learner: the trained learner.
    """
    options = run.options
    if options.data.train_split != "train" or learner.kind != "inductive":
        return
    data = load_data(options.data, "validation")
    # Half of the classes of an episode are unknown to the learner.
    ways = min(ways_of(learner, options), len(data) // 2)
    learner.base_calibration = calibrate_on_base_classes(
        learner, data, ways, count=options.test.calibration_episodes
    )


def _train_stages(run, learner, data, callbacks):
    """Trains the stages of the method that the starting weights leave to do."""
    options = run.options
    streams = options.method.entry.streams
    is_frozen = options.backbone.entry.is_frozen
    if is_frozen or (options.backbone.start_from is not None and len(streams) > 1):
        streams = [stream for stream in streams if stream != "batches"]
    if is_frozen and options.train.steps:
        _check_trainable(options, learner if streams else None)
    epochs = options.train.steps // options.train.steps_per_epoch
    ends = np.arange(1, len(streams) + 1) * epochs // max(1, len(streams))
    begin = 0
    for place, (stream, end) in enumerate(zip(streams, ends.tolist(), strict=True)):
        if begin == end:
            continue
        is_last = end == epochs
        name = "checkpoint.keras" if is_last else _checkpoint_of(streams, place)
        pretraining = options.method.entry.pretraining_name
        stage = Stage(stream, learner, data, options.train, pretraining)
        _fit(run, stage, name, range(begin, end), callbacks)
        begin = end


def _checkpoint_of(streams, place):
    """Returns the name of the file of a stage; streams may be repeated."""
    before = streams[:place].count(streams[place])
    number = f"_{before + 1}" if before else ""
    return f"checkpoint_{streams[place]}{number}.keras"


def _fit(run, stage, checkpoint, epochs, callbacks):
    """Trains one stage, from its checkpoint on if there is one.

    Args:
        run: `Run`.
        stage: `Stage`.
        checkpoint: string, the name of its file.
        epochs: range, its epochs among those of the run.
        callbacks: list of Keras callbacks.
    """
    options = run.options
    strategy = stage.learner.distribute_strategy
    check_same_data(stage.data, strategy)
    per_epoch = options.train.steps_per_epoch
    rate = keras.optimizers.schedules.CosineDecay(
        options.train.learning_rate, len(epochs) * per_epoch
    )
    model = stage.compiled(rate)
    if (run.folder / checkpoint).exists():
        restore(model, run.folder / checkpoint)
    steps = int(model.optimizer.iterations.numpy())
    done = epochs.start + steps // per_epoch
    stream = stage.examples(steps)
    validation = load_data(options.data, "validation", options.train.crop_size)
    validation = validation.episodes(
        ways_of(stage.learner, options),
        1,
        QUERIES,
        **_divided(options.train.validation_episodes, strategy.num_replicas_in_sync),
        seed=options.train.seed + 1,
    )
    if writes_files(strategy):
        # Only now, so that a mistake in the options leaves no folder behind.
        run.write_options()
    if done == epochs.stop:
        return
    measured = []
    if model is not stage.learner:
        measured = [FewShotValidation(stage.learner, validation)]
        validation = None
    with _written_folder(run, strategy) as folder:
        model.fit(
            stream,
            steps_per_epoch=per_epoch,
            initial_epoch=done,
            epochs=epochs.stop,
            shuffle=False,
            validation_data=validation,
            verbose=0,
            callbacks=[
                EpochSeeds(options.train.seed),
                *measured,
                Checkpoint(folder, checkpoint, done),
                *callbacks,
            ],
        )


@contextlib.contextmanager
def _written_folder(run, strategy):
    """Gives the folder of a run to its chief, and one that is removed to the others."""
    if writes_files(strategy):
        yield run.folder
        return
    # All workers take part in saving a model.
    with TemporaryFolder("worker") as folder:
        yield folder


def _divided(count, replicas):
    """Returns `tasks` and `count` of episodes that replicas share equally."""
    return {"tasks": replicas, "count": -(-count // replicas) * replicas}


def _check_divisible(options, replicas):
    """Refuses batches of episodes that replicas cannot share equally."""
    streams = set(options.method.entry.streams) & set(EPISODES)
    if streams and options.train.steps and options.train.tasks % replicas:
        raise ValueError(
            f"A batch of episodes is divided equally among {replicas} devices: set "
            f"`train.tasks` to a multiple of {replicas}. Received: "
            f"train.tasks={options.train.tasks}"
        )


def _trained_shape(options, item_shape, make):
    """Returns the shape of images as the network is trained on them."""
    size = options.train.crop_size
    if size is None:
        return item_shape
    if not are_photographs(item_shape):
        raise ValueError(
            f"`train.crop_size` is the size of crops of photographs, images in color: "
            f"leave it out. {options.data.name} has images of shape {item_shape}. "
            f"Received: train.crop_size={size}"
        )
    shape = (size, size, item_shape[-1])
    small, whole = ([w.shape for w in make(s).weights] for s in (shape, item_shape))
    if small != whole:
        raise ValueError(
            f"`train.crop_size` requires a learner whose weights are the same at every "
            f'size of images: set `backbone.pooling` to "avg". Received: '
            f"train.crop_size={size}"
        )
    return shape


def _check_trainable(options, learner):
    """Refuses to train a method without weights of its own on a frozen backbone."""
    if learner is None or not learner.trainable_weights:
        raise ValueError(
            f"{options.method.name} has no weights of its own to train on a frozen "
            f"{options.backbone.name}: set `train.steps` to 0, to test it as it is, or "
            f"choose a method with a head that learns, such as relation or feat. "
            f"Received: train.steps={options.train.steps}"
        )
