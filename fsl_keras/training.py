"""Training of any method by plain `fit`, stage by stage, with checkpoints."""

import json
import time

import keras
import tensorflow as tf

from fsl_keras.backbones import MultiView
from fsl_keras.datasets import class_groups
from fsl_keras.files import replacing
from fsl_keras.layers.augmentation import (
    ColorJitter,
    RandomAffine,
    RandomFlip,
    RandomResizedCrop,
    SequentialAugmentation,
)
from fsl_keras.optimizers import ConvMuon
from fsl_keras.pretraining import SupervisedPretraining

# Items or pairs in a batch where a stage does not train on episodes.
BATCH = 256
# The height of characters for which shifts in pixels are meant.
CHARACTER = 28
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
            optimizer = ConvMuon(rate, decay, decay)
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
        return RandomAffine(shift=2.0 * item_shape[0] / CHARACTER)
    crop = RandomResizedCrop()
    if size is not None:
        crop = RandomResizedCrop(SMALL_PARTS, size=(size, size))
    return SequentialAugmentation(
        [crop, RandomFlip(), ColorJitter(0.4, 0.4, 0.4, 0.03)]
    )


def seen_often(backbone):
    """Returns a backbone that embeds a picture by several views of it."""
    height, _, _ = shape = backbone.input_shape[1:]
    shift = 1.2 * height / CHARACTER
    return MultiView(backbone, shift=shift, flip=are_photographs(shape))


def resume(model, checkpoint):
    """Gives a compiled model the weights and the optimizer's state of a file."""
    stored = keras.saving.load_model(checkpoint)
    model.set_weights(stored.get_weights())
    model.optimizer.build(model.trainable_variables)
    pairs = zip(model.optimizer.variables, stored.optimizer.variables, strict=True)
    for variable, value in pairs:
        variable.assign(value)


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
        path = folder / "history.json"
        history = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        # What came after the last checkpoint is trained again.
        self.history = {name: values[:done] for name, values in history.items()}
        self._since = time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        now = time.process_time()
        logs = {**(logs or {}), "cpu_seconds": now - self._since}
        self._since = now
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        write_json(self.folder / "history.json", self.history)
        # A model of pairs is Keras's own and does not save beside by itself.
        with replacing(self.folder / self.name) as beside:
            self.model.save(beside)


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


def write_json(path, content):
    """Writes JSON for people to read, whole or not at all."""
    with replacing(path) as beside:
        beside.write_text(
            json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8"
        )
