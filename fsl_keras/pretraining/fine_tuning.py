"""Contrastive training of a backbone on the few examples that a learner adapts to."""

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from fsl_keras import inputs
from fsl_keras.backbones.check import check_gives_vectors
from fsl_keras.digests import item_digest, weights_digest
from fsl_keras.episodes.tuner import untuned
from fsl_keras.layers import CosineDense
from fsl_keras.layers.augmentation import WordDropout
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.losses import SupervisedContrastiveLoss
from fsl_keras.pretraining.callbacks import Backup, EpochSeeds
from fsl_keras.pretraining.examples import read, split
from fsl_keras.typing import Model, Path

LOSSES = ("joint", "supervised_contrastive", "cosine")

# The items of one class that follow each other in a batch.
PER_CLASS = 5
# The temperature of both parts of the loss "joint".
TEMPERATURE = 0.05
# The fraction of the steps in which the learning rate rises.
WARM_UP = 0.1
# The epochs without a better validation loss after which training stops.
PATIENCE = 3


def fine_tune(
    learner: Model,
    items: Any,
    labels: Any = None,
    class_names: Sequence[str] | None = None,
    epochs: int = 12,
    batch_size: int = 128,
    learning_rate: float = 3e-4,
    loss: str | keras.losses.Loss = "joint",
    interpolation: float = 0.5,
    augmentation: Any = "auto",
    validation_split: float = 0.0,
    backup_dir: Path | None = None,
    callbacks: Sequence[keras.callbacks.Callback] = (),
    verbose: int | str = 1,
    seed: int = 0,
) -> keras.callbacks.History:
    """Trains the backbone of a learner on a few examples of each class.

    The embeddings of items of one class become similar, those of two classes different.
    Do it before `adapt`, with the same examples. The backbone of the learner is trained
    itself; with `TransferLearner` this is a copy of the one it was made with. Whether
    it helps tells `model_selection.cross_validate_fine_tuning`.

    The learning rate of Adam rises for a tenth of the steps and falls to zero as a
    cosine. At the end the weights are interpolated between those before and after
    training, which are often more accurate on new items than either.

    Reference:

    - `"joint"`: [Zhang et al., 2021](https://arxiv.org/abs/2109.06349) (CPFT)
    - `"supervised_contrastive"`: [Khosla et al., 2020](https://arxiv.org/abs/2004.11362)
    - `"cosine"`: [Tunstall et al., 2022](https://arxiv.org/abs/2209.11055) (SetFit)
    - WiSE-FT, the interpolation: [Wortsman et al., 2022](
      https://arxiv.org/abs/2109.01903)

    Args:
        learner: a learner with a backbone that can be trained, such as
            `TransferLearner(encoder, "logistic", unfreeze="transformer_layer_3")`.
        items: texts, images or other items in any form, as in `EpisodicModel.adapt`, or
            a `ClassDataset`.
        labels: as in `adapt`; None for a `ClassDataset`.
        class_names: optional, as in `adapt`.
        epochs: integer, how often each example is used. Defaults to `12`.
        batch_size: integer, the items of a batch, or the pairs with `"cosine"`.
            Defaults to `128`.
        learning_rate: float, the highest. Defaults to `3e-4`, which suits a language
            model of 384 dimensions; try `3e-5` for one of 768, and `1e-3` for the last
            block of a network of photographs.
        loss: one of:

            - `"joint"`, the default: the sum of the next one and of the cross-entropy
              of the cosine similarities to a vector of each class, at first the mean of
              its embeddings;
            - `"supervised_contrastive"`: `losses.SupervisedContrastiveLoss` of batches
              with five items of each of their classes;
            - `"cosine"`: the squared error of the cosine similarities of random pairs,
              which should be 1 within a class and 0 between classes;
            - a loss of embeddings and integer labels for the same batches, such as
              `losses.SupervisedContrastiveLoss(temperature=0.05)` or
              `losses.TripletLoss()`.
        interpolation: float in (0, 1], the fraction of the trained weights in the final
            ones; the rest is of the initial ones. Defaults to `0.5`. With `1.0` the
            final weights are those of training, which suits a backbone that was not
            pretrained.
        augmentation: layer of `layers.augmentation` that changes the examples at each
            use, a function from items and a seed to items, or None. Defaults to
            `"auto"`: `WordDropout()` for texts, and None for other items.
        validation_split: float in [0, 1), the fraction of the examples of each class
            that is left out. The loss on them is measured after each epoch; training
            stops after three epochs without an improvement, and the best weights are
            restored. A class keeps all examples if fewer than two would be left out, or
            fewer than two left. Defaults to `0.0`: no validation.
        backup_dir: optional path of a folder, in which the state of training is kept
            after each epoch. The same call after an interruption continues from there;
            at the end the file is removed.
        callbacks: optional list of further Keras callbacks.
        verbose: as in `keras.Model.fit`.
        seed: integer, which batches, left-out examples and dropout depend on.

    Returns:
        The `keras.callbacks.History` of `fit`.

    Raises:
        ValueError: If the backbone is frozen or does not give vectors, an argument is
            invalid, or there are too few examples.

    Example:

    >>> import fsl_keras as fsl
    >>> rng = np.random.default_rng(0)
    >>> items, labels = rng.normal(size=(40, 4)), np.arange(40) % 5
    >>> backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    >>> learner = fsl.models.TransferLearner(backbone, "ridge", unfreeze="all")
    >>> history = fine_tune(learner, items, labels, epochs=2, verbose=0)
    >>> sorted(history.history)
    ['classes_loss', 'embedding_loss', 'loss']
    >>> classifier = learner.adapt(items, labels)
    """
    _check(learner, loss, epochs, batch_size, interpolation, validation_split)
    data, left_out = split(
        read(learner, items, labels, class_names), validation_split, seed
    )
    model, names = _model(learner, data, loss), data.class_names
    steps = math.ceil(data.class_sizes.sum() / batch_size)
    model.compile(
        optimizer=_optimizer(learning_rate, steps * epochs),
        loss=_loss(loss),
        # On a CPU the plain graph is faster. XLA has no strings.
        jit_compile="auto" if tf.config.list_physical_devices("GPU") else False,
    )
    # A step that makes variables is traced twice.
    model.optimizer.build(model.trainable_variables)
    if augmentation == "auto":
        augmentation = WordDropout() if learner.item_kind == "text" else None
    stopping = backup = validation = None
    if left_out is not None:
        validation = _stream(left_out, names, loss, batch_size, seed + 1)
        count = math.ceil(left_out.class_sizes.sum() / batch_size)
        validation = validation.take(count)
        stopping = keras.callbacks.EarlyStopping(
            patience=PATIENCE, restore_best_weights=True
        )
    weights = learner.backbone.trainable_weights
    initial = [ops.convert_to_numpy(weight).copy() for weight in weights]
    done = 0
    if backup_dir is not None:
        arguments: tuple = (epochs, batch_size, learning_rate, validation_split, seed)
        if isinstance(augmentation, keras.layers.Layer):
            # But for the name, which counts the layers of the process.
            arguments += ({**augmentation.get_config(), "name": None},)
        backup = Backup(backup_dir, _key(model, data, loss, arguments), stopping)
        done = backup.restore(model)
    own = [EpochSeeds(seed), stopping, backup]
    history = model.fit(
        _stream(data, names, loss, batch_size, seed, done * steps, augmentation),
        steps_per_epoch=steps,
        initial_epoch=done,
        epochs=epochs,
        validation_data=validation,
        shuffle=False,
        verbose=verbose,
        callbacks=[*filter(None, own), *callbacks],
    )
    for weight, before in zip(weights, initial, strict=True):
        weight.assign(interpolation * weight + (1 - interpolation) * before)
    return history


def _check(learner, loss, epochs, batch_size, interpolation, validation_split):
    backbone = getattr(learner, "backbone", None)
    if backbone is None:
        raise ValueError(
            f"`learner` must have a backbone, such as `fsl_keras.models."
            f"TransferLearner`. Received: learner={learner!r}"
        )
    trained = {id(weight) for weight in learner.trainable_weights}
    if not any(id(weight) in trained for weight in backbone.trainable_weights):
        raise ValueError(
            f"The backbone of {learner.name!r} is frozen, and there is nothing to "
            f"train. Make the learner with `unfreeze`, the name of the first layer to "
            f'train, or with `unfreeze="all"`: `TransferLearner(backbone, head, '
            f'unfreeze="all")`.'
        )
    check_gives_vectors(backbone)
    if loss not in LOSSES and not isinstance(loss, keras.losses.Loss):
        raise ValueError(
            f"`loss` must be one of {LOSSES} or a `keras.losses.Loss`. Received: "
            f"loss={loss!r}"
        )
    if not 0 < interpolation <= 1:
        raise ValueError(
            f"`interpolation` must be above 0 and at most 1. Received: "
            f"interpolation={interpolation}"
        )
    if epochs < 1 or batch_size < 2 or not 0 <= validation_split < 1:
        raise ValueError(
            f"`epochs` must be at least 1, `batch_size` at least 2, and "
            f"`validation_split` from 0 to 1. Received: epochs={epochs}, "
            f"batch_size={batch_size}, validation_split={validation_split}"
        )


def _model(learner, data, loss):
    """Returns the model that is trained, which shares the layers of the backbone."""
    backbone = learner.backbone

    def embedded(name):
        shape, dtype = backbone.input_shape[1:], backbone.inputs[0].dtype
        item = keras.Input(shape, dtype=dtype, name=name)
        return item, ops.cast(backbone(item), "float32")

    if loss == "cosine":
        (a, of_a), (b, of_b) = embedded("a"), embedded("b")
        cosine = ops.sum(to_unit_length(of_a) * to_unit_length(of_b), axis=-1)
        return keras.Model((a, b), cosine)
    item, vectors = embedded("item")
    if loss != "joint":
        return keras.Model(item, vectors)
    # The name of its loss in the history.
    vectors = keras.layers.Identity(name="embedding")(vectors)
    similarities = CosineDense(len(data), 1 / TEMPERATURE, name="classes")
    model = keras.Model(item, [vectors, similarities(vectors)])
    similarities.kernel.assign(_class_means(learner, data).T)
    return model


def _class_means(learner, data):
    """Returns the mean embedding of each class, `[N, D]`, all of length one."""
    sizes = data.class_sizes
    count, step = int(sizes.sum()), inputs.batch_size(data.item_shape)
    vectors = np.concatenate(
        [
            learner.features(data.fetch(tf.range(start, min(start + step, count))))
            for start in range(0, count, step)
        ]
    )
    parts = np.split(np.asarray(to_unit_length(vectors)), np.cumsum(sizes)[:-1])
    return np.stack([part.mean(axis=0) for part in parts])


def _loss(loss):
    if isinstance(loss, keras.losses.Loss):
        return loss
    if loss == "cosine":
        return keras.losses.MeanSquaredError()
    if loss == "supervised_contrastive":
        return SupervisedContrastiveLoss()
    return [
        SupervisedContrastiveLoss(TEMPERATURE),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    ]


def _optimizer(learning_rate, steps):
    warm_up = round(WARM_UP * steps)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0 if warm_up else learning_rate,
        steps - warm_up,
        warmup_target=learning_rate if warm_up else None,
        warmup_steps=warm_up,
    )
    return keras.optimizers.Adam(rate, global_clipnorm=1.0)


def _stream(data, class_names, loss, size, seed, start=0, augmentation=None):
    if loss == "cosine":
        return data.pairs(size, seed, start, augmentation=augmentation)
    size = min(size, int(data.class_sizes.sum()))
    batches = data.batches(
        size, seed, start, augmentation=augmentation, per_class=PER_CLASS
    )
    if loss != "joint":
        return batches
    # Data that is left out may lack some of the classes.
    numbers = tf.constant([class_names.index(name) for name in data.class_names])

    def for_both(items, labels):
        labels = tf.gather(numbers, labels)
        return items, (labels, labels)

    return untuned(batches.map(for_both))


def _key(model, data, loss, arguments):
    """Returns a string that differs for another training."""
    items = data.items.take(np.concatenate(data.class_rows))
    digests = [item_digest(item) for item in items]
    if isinstance(loss, keras.losses.Loss):
        loss = keras.saving.serialize_keras_object(loss)
    parts = (loss, arguments, data.class_sizes.tolist(), digests, weights_digest(model))
    return hashlib.sha256(repr(parts).encode()).hexdigest()
