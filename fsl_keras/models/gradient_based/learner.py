"""The base of the learners that adapt a network by gradient steps."""

import copy
import functools
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.backbones.check import check_network
from fsl_keras.models.gradient_based.inner_loop import PRESENT, InnerLoop
from fsl_keras.models.gradient_based.item_memory import ItemMemoryModel
from fsl_keras.models.gradient_based.pure_network import PureNetwork
from fsl_keras.models.gradient_based.tasks import each_task, mean_over_tasks
from fsl_keras.typing import Model, Nested, Path, Shape, Tensor

# Each mode of batch normalization that uses the statistics of the queries, and the
# mode with the same weights that does not.
INDUCTIVE = {"transductive": "support", "per_step": "per_step_support"}


class GradientBasedLearner(ItemMemoryModel):
    """Base of the learners that adapt a network to each task by gradient steps.

    The memory is the support set itself. `prepare` takes gradient steps on it, from
    the weights of the network, and returns the adapted weights. `score` calls the
    network with these weights. Nothing is assigned.

    A subclass sets `_loop`, the `InnerLoop` that takes the steps, and overrides
    `call` (with `training=True`) and `training_loss` or `gradients_of` for
    meta-training. It may adapt fewer weights (`_adapted`), or start each task with a
    head of its own (`_start_head`).

    Args:
        network: built Keras model from items to logits, regression targets or, with a
            head for each task, vectors.
        inner_steps: integer, gradient steps in training.
        inner_learning_rate: float, the learning rate of these steps.
        batch_norm: string, the statistics that batch normalization uses, one of the
            class attribute `batch_norm_modes`.
        test_steps: optional integer, gradient steps in evaluation. Defaults to
            `inner_steps`.
        regression: bool, whether labels are float targets.
        inner_loss: optional loss of the inner steps, a Keras loss or its name.
        name: optional string.
        **kwargs: arguments of `keras.Model`.

    Raises:
        ValueError: If the network is not built or has no trainable weights, if a
            number of steps is below 1, or if `batch_norm` is unknown.
    """

    batch_norm_modes: tuple[str, ...] = ("transductive", "support", "running")

    incremental = "fixed_ways"

    # Whether each task has a linear head of its own, so that any number of ways fits.
    shared_head = False

    # The argument of the constructor that is the network.
    _network_argument = "network"

    _loop: InnerLoop

    def __init__(
        self,
        network: Model,
        inner_steps: int,
        inner_learning_rate: float,
        batch_norm: str,
        test_steps: int | None,
        regression: bool,
        inner_loss: Any,
        name: str | None,
        **kwargs: Any,
    ):
        check_network(network, self._network_argument)
        self._check_arguments(network, inner_steps, test_steps, batch_norm)
        # The dtype of weights, gradients and steps under every policy; the layers of
        # the network keep the policies they were created with.
        super().__init__(name=name, **{"dtype": network.variable_dtype, **kwargs})
        self.network = network
        self.inner_steps = inner_steps
        self.inner_learning_rate = inner_learning_rate
        self.batch_norm = batch_norm
        self.test_steps = test_steps
        self.regression = regression
        self.inner_loss = keras.losses.get(inner_loss)
        # XLA's second derivative of a maximum is wrong on CPUs.
        self.supports_jit = False
        self._pure = PureNetwork(network)
        self._check_norms()
        self._adapted = list(self._pure.weights)
        # Only batch statistics can make an answer depend on the other queries.
        is_transductive = batch_norm in INDUCTIVE and self._pure.norms
        self.kind = "transductive" if is_transductive else "inductive"
        self.built = True

    @property
    def item_shape(self) -> Shape:
        """The shape of one item, without the batch axis."""
        return tuple(self.network.input_shape[1:])

    @property
    def item_dtype(self) -> str:
        """The dtype of items, as a string."""
        return self.network.inputs[0].dtype

    def prepare(self, memory: Nested) -> Nested:
        """Returns the adapted weights of each task, from name to `[T, ...]`."""
        return each_task(lambda task: self._adapt(**task), memory)

    def score(self, state: Nested, query: Tensor) -> Tensor:
        """Returns the outputs `[T, M, N]` of queries `[T, M, *item]`."""
        tasks = {"state": state, "query": ops.convert_to_tensor(query)}
        return each_task(lambda task: self._answer(**task), tasks)

    def default_loss(self) -> Any:
        """Returns the loss of `compile(loss="auto")`."""
        if self.regression:
            return self.inner_loss or keras.losses.MeanSquaredError()
        return super().default_loss()

    def default_metrics(self) -> list:
        """Returns the weighted metrics of `compile(metrics="auto")`."""
        return [] if self.regression else super().default_metrics()

    def with_batch_norm(self, batch_norm: str) -> "GradientBasedLearner":
        """Returns an uncompiled copy with another mode of batch normalization.

        Args:
            batch_norm: string, the mode. A mode with weights for each step, such as
                `"per_step"`, can only replace another such mode.

        Raises:
            ValueError: If the modes do not have the same weights.
        """
        modes = (batch_norm, self.batch_norm)
        if len({mode.startswith("per_step") for mode in modes}) > 1:
            raise ValueError(
                "The `per_step` modes have weights for each step, and the other modes "
                f"do not: a model with batch_norm={self.batch_norm!r} cannot be "
                f"copied to another mode type. Received: batch_norm={batch_norm!r}"
            )
        config = {**self.get_config(), "batch_norm": batch_norm}
        other = type(self).from_config(config)
        other.set_weights(self.get_weights())
        return other.with_origin_of(self)

    def deployable(self) -> "GradientBasedLearner":
        """Returns a copy whose answers do not depend on the other queries."""
        if self.regression:
            raise ValueError(
                "A classifier needs classes, and this model predicts regression "
                "targets: call `state = model.adapt_state(x, y)` and "
                "`model.score(state, query)`."
            )
        return self._inductive_copy()

    def export(  # type: ignore[override]
        self, filepath: Path, format: str = "tf_saved_model", **kwargs: Any
    ) -> None:
        """Exports the learner, with answers independent of other queries.

        As `EpisodicModel.export`. Batch normalization that uses the statistics of the
        queries is exported with those of the support set.
        """
        if self.kind == "transductive":
            self._inductive_copy().export(filepath, format, **kwargs)
        else:
            super().export(filepath, format, **kwargs)

    def compute_output_shape(self, episode_shape: dict[str, Shape]) -> Shape:
        if self.regression:
            return (*episode_shape["query"][:2], *self.network.output_shape[1:])
        return super().compute_output_shape(episode_shape)

    def get_config(self) -> dict[str, Any]:
        return {
            self._network_argument: self._pure.serialize(),
            "inner_steps": self.inner_steps,
            "inner_learning_rate": self.inner_learning_rate,
            "batch_norm": self.batch_norm,
            "test_steps": self.test_steps,
            "inner_loss": self.inner_loss and keras.losses.serialize(self.inner_loss),
            "name": self.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "GradientBasedLearner":
        # Keras changes the configuration of a functional model while it reads it.
        network = copy.deepcopy(config[cls._network_argument])
        network = keras.saving.deserialize_keras_object(network)
        return cls(**{**config, cls._network_argument: network})

    def _check_arguments(self, network, inner_steps, test_steps, batch_norm):
        if not network.trainable_weights:
            raise ValueError(
                f"`{self._network_argument}` has no trainable weights, so there is "
                "nothing to adapt. Set `trainable = True` on its layers."
            )
        steps = {"inner_steps": inner_steps, "test_steps": test_steps}
        for name, count in steps.items():
            if count is not None and count < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {name}={count}"
                )
        if batch_norm not in self.batch_norm_modes:
            raise ValueError(
                f"`batch_norm` must be one of {self.batch_norm_modes}. "
                f"Received: batch_norm={batch_norm!r}"
            )

    def _check_norms(self):
        for name, layer in self._pure.norms.items():
            if getattr(layer, "synchronized", False):
                raise ValueError(
                    f"A task is normalized by its own statistics, which the replicas "
                    f"of a distribution strategy cannot share: make "
                    f"`{self._network_argument}` with `synchronized=False`. Received: "
                    f"a network whose layer {name} has synchronized=True"
                )

    def _loss_of_steps(self):
        """Returns the loss function of the inner steps."""
        if self.inner_loss is not None:
            return self.inner_loss
        if self.regression:
            return keras.losses.mean_squared_error
        # The function of `keras.losses` warns about tasks with one class.
        return functools.partial(ops.categorical_crossentropy, from_logits=True)

    def _start(self, support, labels, training):
        """Returns the weights of a task before the first inner step."""
        own = self._pure.weights
        weights = {n: tf.convert_to_tensor(own[n].value) for n in self._adapted}
        weights |= self._start_head(weights, support, labels, training)
        if not self.regression:
            weights[PRESENT] = ops.cast(ops.max(labels, axis=0), "float32")
        return weights

    def _start_head(self, weights, support, labels, training):
        """Returns the weights of a task's own head, here none."""
        del weights, support, labels, training
        return {}

    def _checked(self, labels):
        """Returns labels, which must fit the outputs of the network."""
        if self.shared_head:
            return labels
        ways, outputs = labels.shape[-1], self.network.output_shape[-1]
        message = (
            f"The network has {outputs} outputs, but the labels have "
            f"{'another number of' if ways is None else ways} columns. Make episodes "
            f"with {outputs} ways, or use a backbone with `MAML(shared_head=True)` or "
            "`ProtoMAML`, which take any number of ways."
        )
        if ways is None:  # known when the graph runs
            check = tf.debugging.assert_equal(tf.shape(labels)[-1], outputs, message)
            with tf.control_dependencies([check]):
                return tf.identity(labels)
        if ways != outputs:
            raise ValueError(message)
        return labels

    def _adapt(self, support, labels):
        """Returns the adapted weights of one task."""
        labels = self._checked(labels)
        weights = self._start(support, labels, training=False)
        steps = self.test_steps or self.inner_steps
        weights = self._loop.learned(weights, support, labels, steps)
        return self._loop.freeze_statistics(weights, support, steps)

    def _answer(self, state, query):
        steps = self.test_steps or self.inner_steps
        return self._loop.call(state, query, steps, training=False)[0]

    def _inductive_copy(self):
        if self.kind == "inductive":
            return self.copy()
        return self.with_batch_norm(INDUCTIVE[self.batch_norm])

    def _assign(self, updates):
        """Assigns the state updates of each task, averaged over tasks."""
        for name, values in updates.items():
            self._pure.others[name].assign(mean_over_tasks(values))
