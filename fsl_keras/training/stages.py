"""Training of any method by plain `fit`, stage by stage, with checkpoints."""

import time

import keras
import numpy as np
import tensorflow as tf

from fsl_keras.backbones import MultiView
from fsl_keras.datasets import class_groups
from fsl_keras.files import read_json, replacing, write_json
from fsl_keras.files.outputs import KERAS
from fsl_keras.layers.augmentation import (
    ColorJitter,
    RandomAffine,
    RandomFlip,
    RandomResizedCrop,
    SequentialAugmentation,
)
from fsl_keras.optimizers import ConvMuon
from fsl_keras.pretraining import SupervisedPretraining

HISTORY = "history.json"
# Items or pairs in a batch where a stage does not train on episodes.
BATCH = 256
# The share of a photograph that is shown where training pictures are smaller.
SMALL_PARTS = (0.35, 1.0)


class Stage:
    """One `fit` of a method, of a model that shares its weights with the learner.

    Args:
        stream: `"episodes"`, `"batches"` or `"pairs"`.
        learner: the learner that is being made.
        data: `ClassDataset` to train on.
        options: `runs.Options`.
    """

    def __init__(self, stream, learner, data, options):
        self.stream = stream
        self.learner = learner
        self.data = data
        self.options = options

    def compiled(self, rate):
        """Returns the model to train, compiled with a learning rate."""
        if self.stream == "episodes":
            optimizer = self.learner.default_optimizer()
            if self.options.optimizer == "muon":
                optimizer = self._optimizer(rate, self.learner)
            optimizer.learning_rate = rate
            self.learner.compile(optimizer=optimizer)
            return self.learner
        if self.stream == "batches":
            head = getattr(self.learner, "pretraining_head", "linear")
            backbone = self.learner.backbone
            model = SupervisedPretraining(backbone, len(self.data), head)
            model.compile(optimizer=self._optimizer(rate, model))
            return model
        model = self.learner.pair_model
        model.compile(
            optimizer=self._optimizer(rate, model),
            loss=self.learner.default_pair_loss(),
            metrics=self.learner.default_pair_metrics(),
            # Keras would take XLA on a CPU too, where it is slower.
            jit_compile=bool(tf.config.list_physical_devices("GPU")),
        )
        return model

    def _optimizer(self, rate, model):
        decay = self.options.weight_decay or None
        if self.options.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(
                rate, momentum=0.9, nesterov=True, weight_decay=decay
            )
        elif self.options.optimizer == "muon":
            optimizer = ConvMuon(rate, decay)
        else:
            optimizer = keras.optimizers.Adam(rate, weight_decay=decay)
        if decay:
            # Scales, offsets and temperatures have no reason to be small.
            others = [v for v in model.trainable_variables if v.name != "kernel"]
            optimizer.exclude_from_weight_decay(var_list=others)
        return optimizer

    def examples(self, start):
        """Returns the endless stream of the stage, from a step on."""
        options = self.options
        changes = None
        if options.augment:
            changes = augmentation(self.data.item_shape, options.train_size)
        if self.stream == "episodes":
            groups = None
            if options.trains_within:
                groups = class_groups(self.data.class_names)
            return self.data.episodes(
                options.ways,
                options.shots,
                options.queries,
                tasks=options.tasks,
                seed=options.seed,
                start=start * options.tasks,
                augmentation=changes,
                groups=groups,
            )
        draw = self.data.batches if self.stream == "batches" else self.data.pairs
        return draw(BATCH, seed=options.seed, start=start, augmentation=changes)


def are_photographs(item_shape):
    """Whether pictures are in colour, and not characters on paper."""
    return item_shape[-1] == 3


def augmentation(item_shape, size=None):
    """Returns how training pictures of a shape are changed at random.

    Args:
        item_shape: triple.
        size: optional integer, height and width of the parts of photographs.
    """
    if not are_photographs(item_shape):
        return RandomAffine()
    crop = RandomResizedCrop()
    if size is not None:
        crop = RandomResizedCrop(SMALL_PARTS, size=(size, size))
    return SequentialAugmentation(
        [crop, RandomFlip(), ColorJitter(0.4, 0.4, 0.4, 0.03)]
    )


def seen_often(backbone):
    """Returns a backbone that embeds a picture by several views of it."""
    return MultiView(backbone, flip=are_photographs(backbone.input_shape))


def resume(model, checkpoint):
    """Gives a compiled model the weights and the optimizer's state of a file."""
    stored = keras.saving.load_model(checkpoint)
    model.set_weights(stored.get_weights())
    model.optimizer.build(model.trainable_variables)
    pairs = zip(model.optimizer.variables, stored.optimizer.variables, strict=True)
    for variable, value in pairs:
        variable.assign(value)


class EpochSeeds(keras.callbacks.Callback):
    """Seeds the random layers of a model, such as dropout, in each epoch.

    Keras does not save the states of their generators. So that a resumed run draws what
    one that was not interrupted does, they follow from the number of the epoch.

    Args:
        seed: integer.
    """

    def __init__(self, seed):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch, logs=None):
        generator = np.random.default_rng((self.seed, epoch))
        for variable in self.model.variables:
            if variable.name == "seed_generator_state":
                variable.assign([generator.integers(2**31), 0])


class FewShotValidation(keras.callbacks.Callback):
    """Measures the learner on episodes after each epoch of a stage without them.

    Args:
        learner: the learner, which shares its weights with the trained model.
        episodes: finite stream of episodes.
    """

    def __init__(self, learner, episodes):
        super().__init__()
        self.learner = learner
        self.episodes = episodes
        self.learner.compile(optimizer=None)

    def on_epoch_end(self, epoch, logs=None):
        measured = self.learner.evaluate(self.episodes, return_dict=True, verbose=0)
        logs.update({f"val_{name}": value for name, value in measured.items()})


class Checkpoint(keras.callbacks.Callback):
    """Keeps the model with its optimizer, and the history, after each epoch.

    The history tells the CPU time of each epoch too, of all cores together.

    Args:
        folder: path of the run.
        name: string, the file of the model.
        done: integer, the epochs of the run that are done.
    """

    def __init__(self, folder, name, done):
        super().__init__()
        self.folder = folder
        self.name = name
        # What came after the last checkpoint is trained again.
        self.history = read_history(folder, done)
        self._done = done
        self._since = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        now = time.process_time()
        logs = {**(logs or {}), "cpu_seconds": now - self._since}
        self._since = now
        for name in self.history.keys() | logs.keys():
            # Another stage may measure something else.
            values = self.history.setdefault(name, [None] * self._done)
            values.append(float(logs[name]) if name in logs else None)
        self._done += 1
        write_json(self.folder / HISTORY, self.history)
        # Not `model.save`: that of our models writes beside by itself, that of a
        # model of pairs does not.
        with replacing(self.folder / self.name, KERAS) as beside:
            keras.saving.save_model(self.model, beside)


def read_history(folder, epochs=None):
    """Returns what was measured in each epoch of a run, a dictionary of lists.

    Args:
        folder: path of the run.
        epochs: optional integer, the number of first epochs to return; all by default.

    Returns:
        A dictionary from the name of a measure to a value for each epoch, None where
        the stage of an epoch does not measure it.
    """
    path = folder / HISTORY
    history = read_json(path) if path.exists() else {}
    # Earlier versions left out the epochs of a stage without the measure.
    most = max(map(len, history.values()), default=0)
    return {
        name: ([None] * (most - len(values)) + values)[:epochs]
        for name, values in history.items()
    }


class OutOfTime(RuntimeError):
    """Training stopped at a checkpoint, as the time it was given had run out."""


class TimeBudget(keras.callbacks.Callback):
    """Stops training by `OutOfTime` at the first epoch's end after some minutes.

    Args:
        minutes: float, from when the callback is made.
    """

    def __init__(self, minutes):
        super().__init__()
        self.minutes = minutes
        self._end = time.monotonic() + 60 * minutes

    def on_epoch_end(self, epoch, logs=None):
        if time.monotonic() > self._end:
            raise OutOfTime(
                f"The {self.minutes:g} minutes are over; epoch {epoch + 1} is done."
            )
