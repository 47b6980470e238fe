"""The stages of training: each is one `fit`, of a model with the learner's weights."""

from typing import Any

import keras
import tensorflow as tf

from fsl_keras import pretraining
from fsl_keras.datasets import ClassDataset, class_groups
from fsl_keras.optimizers import ConvMuon
from fsl_keras.training.augmentation import augmentation, views
from fsl_keras.training.sections import TrainOptions
from fsl_keras.typing import Dataset, Model

# Items or pairs in a batch where a stage does not train on episodes.
BATCH = 256
# The streams of episodes, which the learner itself trains on.
EPISODES = ("episodes", "instances", "pseudo_classes")


class Stage:
    """One `fit` of a method, of a model that shares its weights with the learner.

    Args:
        stream: string, as in `Method.streams`.
        learner: the learner that is trained.
        data: `ClassDataset` to train on.
        options: `TrainOptions`.
        pretraining_name: string, as in `Method`.
    """

    def __init__(
        self,
        stream: str,
        learner: Model,
        data: ClassDataset,
        options: TrainOptions,
        pretraining_name: str = "SupervisedPretraining",
    ):
        self.stream = stream
        self.learner = learner
        if stream == "pseudo_classes":
            # By the weights that the stage starts from, also where it is resumed.
            data = pretraining.pseudo_classes(
                data,
                learner.backbone,
                min_size=options.shots[-1] + options.queries,
                seed=options.seed,
            )
        self.data = data
        self.options = options
        self.pretraining_name = pretraining_name

    def compiled(self, learning_rate: Any) -> Model:
        """Returns the model to train, compiled with a learning rate or a schedule."""
        if self.stream in EPISODES:
            optimizer = self.learner.default_optimizer()
            if self.options.optimizer == "muon":
                optimizer = self._optimizer(learning_rate, self.learner)
            optimizer.learning_rate = learning_rate
            self.learner.compile(optimizer=optimizer)
            return self.learner
        if self.stream == "batches":
            head = getattr(self.learner, "pretraining_head", "linear")
            backbone = self.learner.backbone
            model = pretraining.SupervisedPretraining(backbone, len(self.data), head)
            model.compile(optimizer=self._optimizer(learning_rate, model))
            return model
        if self.stream == "views":
            method = getattr(pretraining, self.pretraining_name)
            layer = views(self.data.item_shape, self.options.crop_size)
            model = method(self.learner.backbone, layer)
            model.compile(optimizer=self._optimizer(learning_rate, model))
            return model
        model = self.learner.pair_model
        model.compile(
            optimizer=self._optimizer(learning_rate, model),
            loss=self.learner.default_pair_loss(),
            metrics=self.learner.default_pair_metrics(),
            # Keras would take XLA on a CPU too, where it is slower.
            jit_compile=bool(tf.config.list_physical_devices("GPU")),
        )
        return model

    def examples(self, start: int) -> Dataset:
        """Returns the endless stream of the stage, from a step on."""
        options = self.options
        if self.stream == "views":
            return self.data.batches(BATCH, seed=options.seed, start=start)
        if self.stream == "instances":
            return pretraining.instance_episodes(
                self.data,
                options.ways,
                options.shots[0],
                options.queries,
                views(self.data.item_shape, options.crop_size),
                tasks=options.tasks,
                seed=options.seed,
                start=start * options.tasks,
            )
        augmented = self._augmentation()
        if self.stream in ("batches", "pairs"):
            draw = self.data.batches if self.stream == "batches" else self.data.pairs
            return draw(BATCH, seed=options.seed, start=start, augmentation=augmented)
        groups = None
        if options.within_groups:
            groups = class_groups(self.data.class_names)
        return self.data.episodes(
            options.ways,
            options.shots if len(options.shots) == 2 else options.shots[0],
            options.queries,
            tasks=options.tasks,
            seed=options.seed,
            start=start * options.tasks,
            augmentation=augmented,
            groups=groups,
        )

    def _augmentation(self):
        if not self.options.augment:
            return None
        return augmentation(self.data.item_shape, self.options.crop_size)

    def _optimizer(self, learning_rate, model):
        decay = self.options.weight_decay or None
        if self.options.optimizer == "sgd":
            optimizer = keras.optimizers.SGD(
                learning_rate, momentum=0.9, nesterov=True, weight_decay=decay
            )
        elif self.options.optimizer == "muon":
            optimizer = ConvMuon(learning_rate, decay)
        else:
            optimizer = keras.optimizers.Adam(learning_rate, weight_decay=decay)
        if decay:
            # Scales, offsets and temperatures have no reason to be small.
            others = [v for v in model.trainable_variables if v.name != "kernel"]
            optimizer.exclude_from_weight_decay(var_list=others)
        return optimizer
