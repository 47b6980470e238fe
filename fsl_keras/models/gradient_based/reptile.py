"""Reptile: first-order meta-learning by moving towards what tasks lead to."""

import inspect

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.models.gradient_based.inner_loop import PRESENT, InnerLoop
from fsl_keras.models.gradient_based.maml import MAML, over_tasks
from fsl_keras.models.gradient_based.tasks import each_task

# Of Adam, as in Keras.
BETA, EPSILON = 0.999, 1e-7


@keras.saving.register_keras_serializable(package="fsl_keras")
class Reptile(MAML):
    """Moves the weights of a network towards those that tasks lead to.

    A task is learned by some steps of Adam (without a mean of gradients, as in the
    paper) on parts of its support set. Training
    takes the way back from where the steps lead, averaged over tasks, for a gradient;
    no second derivative is needed, and queries only measure. The moments of Adam
    go on from batch to batch, averaged over tasks, and are saved with the model.
    Train it on more shots than it is tested on.

    The optimizer to `compile` with is `SGD(rate)`, whose rate, from 1 falling to 0,
    is the share of the way that is gone; it is the default at a rate of 1.

    Reference:

    - [Nichol et al., 2018](https://arxiv.org/abs/1803.02999)

    Args:
        network: built Keras model from items to the logits of a fixed number of ways,
            or to regression targets.
        inner_steps: integer, steps of Adam in training.
        inner_rate: float, the learning rate of Adam.
        inner_batch: optional integer, examples in each step, evenly spread over the
            support set; all of it by default.
        batch_norm: `"transductive"`, `"support"` or `"running"`, see `MAML`.
        test_steps: optional integer, steps outside of training.
        regression: bool, whether labels are float targets.
        inner_loss: optional loss of the steps, see `MAML`.
        name: optional string.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model = Reptile(network, inner_steps=2)
    >>> items = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    >>> episode = fsl.episodes.make_episode(items, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        network,
        inner_steps=5,
        inner_rate=1e-3,
        inner_batch=None,
        batch_norm="transductive",
        test_steps=None,
        regression=False,
        inner_loss=None,
        name=None,
        **kwargs,
    ):
        if batch_norm.startswith("per_step"):
            raise ValueError(
                "Reptile has no weights for each step: `batch_norm` must be "
                '"transductive", "support" or "running".'
            )
        strange = sorted(kwargs.keys() & inspect.signature(MAML).parameters.keys())
        if strange:
            raise TypeError(f"Reptile has no arguments {strange}, which are MAML's.")
        super().__init__(
            network,
            inner_steps,
            inner_rate,
            second_order=False,
            batch_norm=batch_norm,
            test_steps=test_steps,
            regression=regression,
            inner_loss=inner_loss,
            name=name,
            **kwargs,
        )
        self.inner_batch = inner_batch
        self.moments = _AdamMoments(self._loop.network.weights, name="moments")
        self._loop = _AdamLoop(self._loop, self.moments, inner_rate, inner_batch)

    def default_optimizer(self):
        """Returns the optimizer that `compile(optimizer="auto")` takes."""
        return keras.optimizers.SGD(1.0)

    def gradients_of(self, x, y, sample_weight):
        """Returns outputs, loss and the mean way back from where tasks lead."""
        tasks = (x["support"], x["support_labels"], x["query"])
        outputs, moved, moments, way_back = each_task(self._way_back, tasks)
        self._move({name: over_tasks(value) for name, value in moved.items()})
        self.moments.take(tf.nest.map_structure(over_tasks, moments))
        loss = self.compute_loss(x, y, outputs, sample_weight, training=True)
        gradients = {
            id(self._loop.network.weights[name]): self.optimizer.scale_loss(
                ops.mean(way, axis=0)
            )
            for name, way in way_back.items()
        }
        return outputs, loss, [gradients[id(w)] for w in self.trainable_weights]

    def _way_back(self, task):
        support, labels, query = task
        start = self._first(support, labels, training=True)
        steps = self._loop.learn(start, support, labels, self.inner_steps, True)
        *_, (learned, moments, moved) = steps
        way_back = {n: start[n] - learned[n] for n in start if n != PRESENT}
        learned = self._loop.freeze_statistics(learned, support, self.inner_steps)
        answer, of_query = self._loop.call(learned, query, self.inner_steps, True)
        return answer, of_query or moved, moments, way_back

    def get_config(self):
        return {
            "network": self._loop.network.serialize(),
            "inner_steps": self.inner_steps,
            "inner_rate": self.inner_rate,
            "inner_batch": self.inner_batch,
            "batch_norm": self.batch_norm,
            "test_steps": self.test_steps,
            "regression": self.regression,
            "inner_loss": self.inner_loss and keras.losses.serialize(self.inner_loss),
            "name": self.name,
        }


class _AdamMoments(keras.layers.Layer):
    """The mean squares of gradients, and over how many steps they were taken."""

    def __init__(self, weights, **kwargs):
        super().__init__(**kwargs)
        zeros = {"initializer": "zeros", "trainable": False, "autocast": False}
        self.steps = self.add_weight(name="steps", shape=(), **zeros)
        self.squares = {
            name: self.add_weight(
                name=name.replace(".", "_"), shape=weight.shape, **zeros
            )
            for name, weight in weights.items()
        }
        self.built = True

    def values(self):
        return {
            "steps": self.steps.value,
            "squares": {name: square.value for name, square in self.squares.items()},
        }

    def take(self, values):
        self.steps.assign(values["steps"])
        for name, square in self.squares.items():
            square.assign(values["squares"][name])


class _AdamLoop(InnerLoop):
    """Steps of Adam in the place of plain gradient steps."""

    def __init__(self, plain, moments, rate, batch):
        super().__init__(
            plain.network, None, plain.loss, plain.batch_norm, None, second_order=False
        )
        self.moments = moments
        self.rate = rate
        self.batch = batch

    own_steps = 0

    def begin(self):
        """Returns the moments with which a task begins."""
        return self.moments.values()

    def advance(self, weights, carried, support, labels, step, training):
        """Takes a step of Adam on a part of the support set."""
        items, targets = self._part(step, support), self._part(step, labels)
        gradients, moved = self.gradients(weights, items, targets, step, training)
        count = carried["steps"] + 1.0
        squares = {
            name: BETA * square + (1.0 - BETA) * ops.square(gradients[name])
            for name, square in carried["squares"].items()
        }
        # The mean of so few squares is too small by this factor.
        begun = 1.0 - ops.power(BETA, count)
        stepped = {
            name: weights[name]
            - self.rate * gradient / (ops.sqrt(squares[name] / begun) + EPSILON)
            for name, gradient in gradients.items()
        }
        carried = {"steps": count, "squares": squares}
        return {**weights, **stepped}, carried, moved

    def _part(self, step, values):
        """Returns the examples of a step, spread over the support set."""
        if self.batch is None:
            return values
        count = ops.shape(values)[0]
        rows = (step + ops.arange(self.batch) * count // self.batch) % count
        return ops.take(values, rows, axis=0)
