"""Model-agnostic meta-learning."""

import copy
import functools

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.backbones.check import check_network
from fsl_keras.models.gradient_based.adapt_scope import adapted_names
from fsl_keras.models.gradient_based.inner_loop import BIAS, KERNEL, PRESENT, InnerLoop
from fsl_keras.models.gradient_based.inner_rates import InnerRates
from fsl_keras.models.gradient_based.item_memory import ItemMemoryModel
from fsl_keras.models.gradient_based.per_step_norms import PerStepNorms
from fsl_keras.models.gradient_based.pure_network import PureNetwork
from fsl_keras.models.gradient_based.tasks import UNROLLED, each_task, sum_over_tasks

BATCH_NORM = ("transductive", "support", "running", "per_step", "per_step_support")


@keras.saving.register_keras_serializable(package="fsl_keras")
class MAML(ItemMemoryModel):
    """Learns the weights from which a few gradient steps learn a task.

    To learn a task, `inner_steps` steps along the gradient of the loss on its support
    set are taken from the weights of the network. Training moves those weights along
    the gradient of the query loss after the steps, through the steps. Any Keras
    network and any Keras loss do, for classification and for regression.

    Batch normalization can use (`batch_norm`):

    - `"transductive"`: the statistics of each batch, of the queries too, as the paper
      does. The answer to a query then depends on the others; a classifier made by
      `adapt` uses `"support"` instead.
    - `"support"`: those of the support set, for the queries too.
    - `"running"`: those of each batch in training, running ones in evaluation.
    - `"per_step"`, `"per_step_support"`: as the first two, with scales and offsets for
      each inner step (MAML++). As in the authors' code, the running statistics of each
      step are not used: with them, the inner steps go astray.

    The memory a training step takes grows linearly with inner steps and, up to 8
    tasks, with tasks. More tasks go through a loop in the memory of one, as fewer do
    with `one_task_at_a_time`. Second derivatives through
    `keras.layers.BatchNormalization` are not exact: `layers.FusedBatchNormalization`
    and the backbones here have exact ones. Padding items of an episode count in the
    statistics of a batch.

    Reference:

    - [Finn et al., 2017](https://arxiv.org/abs/1703.03400)
    - head only, ANIL: [Raghu et al., 2020](https://arxiv.org/abs/1909.09157)
    - shared head: [Ye & Chao, 2022](https://arxiv.org/abs/2106.16245)
    - multi-step loss, rates and statistics of each step, MAML++:
      [Antoniou et al., 2019](https://arxiv.org/abs/1810.09502)

    Args:
        network: built Keras model from items to the logits of a fixed number of ways
            (or to regression targets); with `shared_head`, a backbone that gives
            vectors.
        inner_steps: integer, gradient steps in training.
        inner_rate: float, the rate of the steps, or what learned rates begin with.
        second_order: bool, False for first-order MAML, which takes the gradient of
            the inner loss for a constant.
        adapt_scope: `"all"`, `"head"` (the last layer with weights: ANIL), or a
            regular expression that the names of adapted weights, such as
            `"conv1.kernel"`, match.
        inner_rates: `"fixed"`, `"per_parameter"` (learned: Meta-SGD) or
            `"per_layer_per_step"` (learned: MAML++).
        batch_norm: see above.
        test_steps: optional integer, gradient steps outside of training; as many as
            in training by default.
        shared_head: bool, whether to put a linear layer on the network in which every
            class begins with the same learned weights, so that ways are free.
        regression: bool, whether labels are float targets.
        inner_loss: optional loss of the inner steps, a Keras loss or its name, that
            takes one-hot labels and outputs. By default the cross-entropy of logits,
            or the squared error in regression.
        multi_step_updates: integer, the number of first training steps in which the
            query losses after all inner steps count, at first equally, at last only
            the last: MAML++'s multi-step loss.
        one_task_at_a_time: bool, whether training goes through few tasks in a loop
            too, in the memory of one task.
        name: optional string.

    Raises:
        ValueError: if the network has no trainable weight, `inner_steps` is below 1,
            or an argument is unknown.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model = MAML(network, inner_steps=2, inner_rate=0.1)
    >>> items = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    >>> episode = fsl.episodes.make_episode(items, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        network,
        inner_steps=5,
        inner_rate=0.01,
        second_order=True,
        adapt_scope="all",
        inner_rates="fixed",
        batch_norm="transductive",
        test_steps=None,
        shared_head=False,
        regression=False,
        inner_loss=None,
        multi_step_updates=0,
        one_task_at_a_time=False,
        name=None,
        **kwargs,
    ):
        _check(network, inner_steps, test_steps, batch_norm)
        # Weights, gradients and steps are in full precision under every policy; the
        # layers of the network compute in what they were made with.
        super().__init__(name=name, **{"dtype": network.variable_dtype, **kwargs})
        self.network = network
        self.inner_steps = inner_steps
        self.inner_rate = inner_rate
        self.second_order = second_order
        self.adapt_scope = adapt_scope
        self.batch_norm = batch_norm
        self.test_steps = test_steps
        self.shared_head = shared_head
        self.regression = regression
        self.inner_loss = keras.losses.get(inner_loss)
        self.multi_step_updates = multi_step_updates
        self.one_task_at_a_time = one_task_at_a_time
        # XLA's second derivative of a maximum is wrong on CPUs.
        self.supports_jit = False
        pure = PureNetwork(network)
        self._norms = None
        if batch_norm.startswith("per_step"):
            self._norms = PerStepNorms(pure, inner_steps, name="norms")
            for own in self._norms.rows:  # those of each step take their place
                pure.weights[own].trainable = False
        if shared_head:
            self._make_head(network.output_shape)
        own_of_steps = self._norms.rows if self._norms is not None else ()
        self._adapted = []
        if not (shared_head and adapt_scope == "head"):
            self._adapted = adapted_names(pure, adapt_scope, own_of_steps)
        shapes = {name: pure.weights[name].shape for name in self._adapted}
        if shared_head:
            shapes.update({KERNEL: (network.output_shape[-1], 1), BIAS: (1,)})
        self._rates = InnerRates(
            inner_rates, inner_rate, inner_steps, shapes, name="inner_rates"
        )
        self._loop = InnerLoop(
            pure, self._rates, self._inner_loss(), batch_norm, self._norms, second_order
        )
        self.built = True

    @property
    def kind(self):
        """Whether the answer to a query depends on the others."""
        by_queries = self.batch_norm in ("transductive", "per_step")
        is_transductive = by_queries and self._loop.network.norms
        return "transductive" if is_transductive else "inductive"

    @property
    def incremental(self):
        """A shared head is learned anew with more classes; others cannot be."""
        return "refit" if self.shared_head else "fixed_ways"

    @property
    def item_shape(self):
        """The shape of one item, without batch."""
        return tuple(self.network.input_shape[1:])

    @property
    def item_dtype(self):
        """The dtype of items, as a string."""
        return self.network.inputs[0].dtype

    def prepare(self, memory):
        """Returns the weights learned for each task, from name to `[T, ...]`."""
        return each_task(lambda task: self._learn(**task), memory)

    def score(self, state, query):
        """Returns the outputs `[T, M, N]` of queries `[T, M, *item]`."""
        tasks = {"state": state, "query": ops.convert_to_tensor(query)}
        return each_task(lambda task: self._answer(**task), tasks)

    def call(self, episode, training=None):
        if not training:
            state = self.adapt_state(episode["support"], episode["support_labels"])
            return self.score(state, episode["query"])
        outputs, moved = self._train_on(episode)
        self._move(moved)
        return outputs[:, -1]

    def training_loss(self, x, y, sample_weight):
        """Returns the last outputs and the loss, of several inner steps if asked."""
        outputs, moved = self._train_on(x)
        self._move(moved)
        return outputs[:, -1], self._loss(x, y, outputs, sample_weight)

    def gradients_of(self, x, y, sample_weight):
        """Returns outputs, loss and gradients, task by task if asked or if many."""
        tasks = tf.convert_to_tensor(y).shape[0]
        is_few = tasks is not None and tasks <= UNROLLED
        if is_few and not self.one_task_at_a_time:
            return super().gradients_of(x, y, sample_weight)
        # Through a loop over tasks TensorFlow has no gradient of a gradient of the
        # fused batch normalization, and where it has one it takes more memory.
        weights = self.trainable_weights
        if sample_weight is None:
            sample_weight = tf.ones(tf.shape(y)[:2])
        once = 1.0 / tf.cast(tf.shape(y)[0], sample_weight.dtype)

        def learn_from(task):
            x, y, sample_weight, share = keras.tree.map_structure(
                lambda value: value[None], task
            )
            with tf.GradientTape() as tape:
                outputs, moved = self._train_on(x)
                loss = self._loss(x, y, outputs, sample_weight) * share[0]
                # It holds the penalty on weights, which counts once in a batch.
                loss += (once - share[0]) * sum(self.losses)
                scaled_loss = self.optimizer.scale_loss(loss)
            gradients = tape.gradient(
                scaled_loss, weights, unconnected_gradients="zero"
            )
            return (outputs[0, -1], moved), (loss, gradients)

        tasks = (x, y, sample_weight, self._shares(sample_weight))
        (outputs, moved), (loss, gradients) = sum_over_tasks(learn_from, tasks)
        self._move({name: over_tasks(value) for name, value in moved.items()})
        return outputs, loss, gradients

    def _shares(self, sample_weight):
        """Returns how often the loss of each task alone counts in that of a batch."""
        (loss,) = keras.tree.flatten(self.loss)
        reduction = getattr(loss, "reduction", "sum_over_batch_size")
        if reduction == "sum":
            return tf.ones_like(sample_weight[:, 0])
        if reduction == "mean_with_sample_weight":
            weights = tf.reduce_sum(sample_weight, axis=1)
        else:
            weights = tf.ones_like(sample_weight[:, 0])
        return weights / tf.reduce_sum(weights)

    def default_loss(self):
        """Returns the loss that `compile(loss="auto")` takes."""
        if self.regression:
            return self.inner_loss or keras.losses.MeanSquaredError()
        return super().default_loss()

    def default_metrics(self):
        """Returns the weighted metrics that `compile(metrics="auto")` takes."""
        return [] if self.regression else super().default_metrics()

    def with_batch_norm(self, batch_norm):
        """Returns an uncompiled copy that normalizes otherwise.

        Args:
            batch_norm: a mode, of each step if and only if this model's is.
        """
        modes = (batch_norm, self.batch_norm)
        if len({mode.startswith("per_step") for mode in modes}) > 1:
            raise ValueError(
                f"Modes of each step have weights of their own: a model of "
                f"{self.batch_norm!r} has no copy of {batch_norm!r}."
            )
        config = {**self.get_config(), "batch_norm": batch_norm}
        other = type(self).from_config(config)
        other.set_weights(self.get_weights())
        return other.with_origin_of(self)

    def deployable(self):
        """Returns a copy whose answers do not depend on the other queries."""
        if self.regression:
            raise ValueError(
                "A classifier is made of classes, not of regression targets: call "
                "`state = model.adapt_state(x, y)` and `model.score(state, query)`."
            )
        return self._answering_alone()

    def export(self, filepath, *args, **kwargs):
        """Exports the episodic model; each query is answered by itself.

        As `EpisodicModel.export`, of a copy that takes the support set's statistics
        where this model takes those of the queries.
        """
        super(MAML, self._answering_alone()).export(filepath, *args, **kwargs)

    def _answering_alone(self):
        if self.kind == "inductive":
            return self.copy()
        per_step = self.batch_norm == "per_step"
        return self.with_batch_norm("per_step_support" if per_step else "support")

    def compute_output_shape(self, episode_shape):
        if self.regression:
            return (*episode_shape["query"][:2], *self.network.output_shape[1:])
        return super().compute_output_shape(episode_shape)

    def get_config(self):
        return {
            "network": self._loop.network.serialize(),
            "inner_steps": self.inner_steps,
            "inner_rate": self.inner_rate,
            "second_order": self.second_order,
            "adapt_scope": self.adapt_scope,
            "inner_rates": self._rates.kind,
            "batch_norm": self.batch_norm,
            "test_steps": self.test_steps,
            "shared_head": self.shared_head,
            "regression": self.regression,
            "inner_loss": self.inner_loss and keras.losses.serialize(self.inner_loss),
            "multi_step_updates": self.multi_step_updates,
            "one_task_at_a_time": self.one_task_at_a_time,
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config):
        # Keras takes the configuration of a functional model apart as it reads it.
        config = copy.deepcopy(config)
        parts = {
            "network": keras.saving.deserialize_keras_object(config["network"]),
            "inner_loss": keras.losses.get(config["inner_loss"]),
        }
        return cls(**{**config, **parts})

    def _inner_loss(self):
        if self.inner_loss is not None:
            return self.inner_loss
        if self.regression:
            return keras.losses.mean_squared_error
        # That of keras.losses warns of a task of one class.
        return functools.partial(ops.categorical_crossentropy, from_logits=True)

    def _make_head(self, embedding_shape):
        """Makes the weights with which every class begins."""
        self._check_vectors(embedding_shape)
        self.head_kernel = self.add_weight(
            name="head_kernel",
            shape=(embedding_shape[-1], 1),
            initializer="zeros",
            autocast=False,
        )
        self.head_bias = self.add_weight(
            name="head_bias", shape=(1,), initializer="zeros", autocast=False
        )

    def _check_vectors(self, embedding_shape):
        if len(embedding_shape) != 2:
            raise ValueError(
                f"A linear head takes one vector an item. The network gives the shape "
                f"{embedding_shape}: end it with a pooling or `Flatten` layer."
            )

    def _first_head(self, weights, support, labels, training):
        """Returns kernel and bias of the head before the first inner step."""
        del weights, support, training
        ways = ops.shape(labels)[-1]
        kernel = ops.broadcast_to(self.head_kernel, (self.head_kernel.shape[0], ways))
        return {KERNEL: kernel, BIAS: ops.broadcast_to(self.head_bias, (ways,))}

    def _first(self, support, labels, training):
        """Returns the weights of a task before the first inner step."""
        own = self._loop.network.weights
        weights = {name: own[name].value for name in self._adapted}
        if self.shared_head:
            weights |= self._first_head(weights, support, labels, training)
        else:
            self._check_ways(labels)
        if not self.regression:
            weights[PRESENT] = ops.cast(ops.max(labels, axis=0), "float32")
        return weights

    def _check_ways(self, labels):
        """Refuses labels of other ways than the network has outputs."""
        ways, outputs = labels.shape[-1], self.network.output_shape[-1]
        received = "other" if ways is None else ways
        message = (
            f"The network gives {outputs} outputs and the labels have {received} "
            f"columns. Make episodes of as many ways, or leave ways free with a "
            f"backbone and `shared_head=True`."
        )
        if ways is None:  # known when the graph runs
            tf.debugging.assert_equal(tf.shape(labels)[-1], outputs, message)
        elif ways != outputs:
            raise ValueError(message)

    def _learn(self, support, labels):
        """Returns the weights that one task leads to."""
        weights = self._first(support, labels, training=False)
        steps = self.test_steps or self.inner_steps
        weights = self._loop.learned(weights, support, labels, steps)
        return self._loop.freeze_statistics(weights, support, steps)

    def _answer(self, state, query):
        steps = self.test_steps or self.inner_steps
        return self._loop.call(state, query, steps, training=False)[0]

    def _train_on(self, episode):
        """Learns the tasks of a batch and answers their queries.

        Returns:
            A pair: the outputs `[T, k, M, N]` after the last `k` inner steps, and
            what the calls would have assigned, from name to tensor.
        """
        tasks = {
            "support": episode["support"],
            "labels": episode["support_labels"],
            "query": episode["query"],
        }
        outputs, moved = each_task(lambda task: self._train_on_one(**task), tasks)
        average = {n: over_tasks(value) for n, value in moved.items()}
        return outputs, average

    def _train_on_one(self, support, labels, query):
        steps = self.inner_steps
        weights = self._first(support, labels, training=True)
        learned = self._loop.learn(weights, support, labels, steps, training=True)
        outputs, assigned = [], {}
        for step, (weights, _, moved) in enumerate(learned, start=1):
            assigned = moved
            if self.multi_step_updates or step == steps:
                weights = self._loop.freeze_statistics(weights, support, step)
                answer, of_query = self._loop.call(weights, query, step, training=True)
                outputs.append(answer)
                assigned = of_query or moved
        return ops.stack(outputs), assigned

    def _loss(self, x, y, outputs, sample_weight):
        """Returns the loss of outputs `[T, k, M, N]` after the last inner steps."""
        count = outputs.shape[1]
        losses = [
            self.compute_loss(x, y, outputs[:, k], sample_weight, training=True)
            for k in range(count)
        ]
        if count == 1:
            return losses[0]
        updates = ops.cast(self.optimizer.iterations, losses[-1].dtype)
        done = updates / self.multi_step_updates
        early = (1.0 - ops.minimum(done, 1.0)) / count
        return early * sum(losses) + (1.0 - early * count) * losses[-1]

    def _move(self, moved):
        """Assigns what the calls of a training step would have assigned."""
        for name, value in moved.items():
            self._loop.network.others[name].assign(value)


def over_tasks(values):
    """Returns the mean over tasks; of what is no float, the last task's."""
    if keras.backend.is_float_dtype(values.dtype):
        return ops.mean(values, axis=0)
    return values[-1]


def _check(network, inner_steps, test_steps, batch_norm):
    check_network(network, "network")
    if not network.trainable_weights:
        raise ValueError(
            "`network` has no trainable weights, so there is nothing to adapt."
        )
    for name, steps in {"inner_steps": inner_steps, "test_steps": test_steps}.items():
        if steps is not None and steps < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={steps}")
    if batch_norm not in BATCH_NORM:
        raise ValueError(
            f"`batch_norm` must be one of {BATCH_NORM}. "
            f"Received: batch_norm={batch_norm!r}"
        )
