"""Gradient steps on one support set, as a pure function of the weights."""

from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.heads.head import ABSENT
from fsl_keras.models.gradient_based.per_step_norms import PerStepNorms
from fsl_keras.models.gradient_based.pure_network import PureNetwork
from fsl_keras.typing import Nested, Tensor

# Entries of the weights of a task that are not the network's, under names that no
# layer has: a linear head, and which classes have examples.
KERNEL, BIAS = "-head.kernel", "-head.bias"
PRESENT = "-present"

Weights = dict[str, Tensor]


class InnerLoop:
    """Base of the loops that adapt weights to one task by gradient steps.

    The weights of a task are a dictionary from name to tensor. Those that are not in
    it are the network's own. A subclass defines one step, `advance`.

    Args:
        network: `PureNetwork`.
        loss: Keras loss or function of labels and outputs, with one value for each
            example.
        batch_norm: string, see `MAML`.
        norms: optional `PerStepNorms`, the scales and offsets of each step.
        second_order: bool, whether gradients pass through the gradients of the steps.
    """

    # How many first steps have parameters of their own.
    own_steps = 0

    def __init__(
        self,
        network: PureNetwork,
        loss: Callable | keras.losses.Loss,
        batch_norm: str,
        norms: PerStepNorms | None = None,
        second_order: bool = False,
    ):
        self.network = network
        self.loss = loss.call if isinstance(loss, keras.losses.Loss) else loss
        self.batch_norm = batch_norm
        self.norms = norms
        self.second_order = second_order

    def begin(self) -> Nested:
        """Returns the state of the optimizer before the first step, here empty."""
        return {}

    def advance(
        self,
        weights: Weights,
        state: Nested,
        support: Tensor,
        labels: Tensor,
        step: Any,
        training: bool,
    ) -> tuple[Weights, Nested, Weights]:
        """Takes one step.

        Args:
            weights: dictionary of the weights to adapt.
            state: state of the optimizer.
            support: items `[S, *item]`.
            labels: one-hot `[S, N]` or float targets `[S, d]`.
            step: integer or scalar tensor, from 0.
            training: bool.

        Returns:
            A triple: the weights and the state after the step, and the state updates
            of the network's call, from name to tensor.
        """
        raise NotImplementedError

    def learn(
        self,
        weights: Weights,
        support: Tensor,
        labels: Tensor,
        steps: int,
        training: bool,
    ) -> Iterator[tuple[Weights, Nested, Weights]]:
        """Takes gradient steps one by one, written out in the graph.

        Args:
            weights: dictionary of the weights to adapt, before the first step.
            support: items `[S, *item]`.
            labels: one-hot `[S, N]` or float targets `[S, d]`.
            steps: integer.
            training: bool.

        Yields:
            The result of `advance`, after each step.
        """
        state = self.begin()
        for step in range(steps):
            weights, state, updates = self.advance(
                weights, state, support, labels, step, training
            )
            yield weights, state, updates

    def learned(
        self, weights: Weights, support: Tensor, labels: Tensor, steps: int
    ) -> Weights:
        """Returns the weights after gradient steps in evaluation.

        No gradient passes through these steps, so they are a loop of the graph, whose
        size does not depend on their number. The first steps come before it if they
        have parameters of their own.
        """
        own = min(steps, self.own_steps)
        state = self.begin()
        for step in range(own):
            weights, state, _ = self.advance(
                weights, state, support, labels, step, training=False
            )

        def body(step, weights, state):
            number = own if self.own_steps else step
            weights, state, _ = self.advance(
                weights, state, support, labels, number, training=False
            )
            return step + 1, weights, state

        _, weights, _ = tf.while_loop(
            lambda step, *_: step < steps, body, (tf.constant(own), weights, state)
        )
        return weights

    def gradients(
        self,
        weights: Weights,
        items: Tensor,
        labels: Tensor,
        step: Any,
        training: bool,
    ) -> tuple[Weights, Weights]:
        """Returns the gradients of the loss of one step, by name of weight.

        Args:
            weights: dictionary of the weights to adapt.
            items: `[S, *item]`.
            labels: one-hot `[S, N]` or float targets `[S, d]`.
            step: integer or scalar tensor, from 0.
            training: bool.

        Returns:
            A pair: the gradients, and the state updates of the network's call.
        """
        adapted = {name: w for name, w in weights.items() if name != PRESENT}
        with tf.GradientTape() as tape:
            tape.watch(adapted)
            outputs, updates = self.call(weights, items, step, training)
            loss = self._mean_loss(labels, outputs, is_class=PRESENT in weights)
        gradients = tape.gradient(loss, adapted, unconnected_gradients="zero")
        if not self.second_order:
            gradients = tf.nest.map_structure(tf.stop_gradient, gradients)
        return gradients, updates

    def freeze_statistics(
        self, weights: Weights, support: Tensor, steps: int
    ) -> Weights:
        """Adds the support set's batch statistics to weights, in modes that use them.

        Args:
            weights: dictionary of the weights of a task.
            support: items `[S, *item]`.
            steps: integer, the inner steps that were taken.
        """
        if not self.batch_norm.endswith("support"):
            return weights
        values = self._network_weights(weights, steps)
        return {**weights, **self.network.batch_statistics(support, values)}

    def call(
        self, weights: Weights, items: Tensor, step: Any, training: bool
    ) -> tuple[Tensor, Weights]:
        """Calls the network with the weights of a task.

        Args:
            weights: dictionary of the weights of a task.
            items: `[S, *item]`.
            step: integer or scalar tensor, the number of inner steps taken.
            training: bool.

        Returns:
            A pair: the outputs `[S, N]`, and the state updates of the network's call.
        """
        values = self._network_weights(weights, step)
        uses_batch = training
        if self.batch_norm != "running":
            uses_batch = not any(name in values for name in self.network.statistics)
        outputs, updates = self.network(items, values, uses_batch, random=training)
        outputs = ops.cast(outputs, self.network.network.variable_dtype)
        if KERNEL in weights:
            outputs = ops.matmul(outputs, weights[KERNEL]) + weights[BIAS]
        if PRESENT in weights:
            outputs = ops.where(weights[PRESENT] > 0, outputs, ABSENT)
        return outputs, updates

    def _mean_loss(self, labels, outputs, is_class):
        """Returns the mean loss of the examples that are not padding."""
        labels = ops.cast(labels, outputs.dtype)
        losses = ops.convert_to_tensor(self.loss(labels, outputs))
        if len(losses.shape) != 1:
            raise ValueError(
                "`inner_loss` must return one value for each example, so that padding "
                "can be left out. Pass a `keras.losses.Loss`, or a function that keeps "
                f"the first axis. Received: a loss of shape {tuple(losses.shape)} for "
                f"outputs of shape {tuple(outputs.shape)}"
            )
        if not is_class:
            return ops.mean(losses)
        counts = ops.max(labels, axis=-1)
        return ops.sum(losses * counts) / ops.maximum(ops.sum(counts), 1.0)

    def _network_weights(self, weights, step):
        """Returns the weights of a task that are the network's, those of a step too."""
        values = {
            name: value
            for name, value in weights.items()
            if name not in (KERNEL, BIAS, PRESENT)
        }
        return values if self.norms is None else {**values, **self.norms.values(step)}
