"""Gradient steps on one support set, as a pure function of the weights."""

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.heads.head import ABSENT

# What travels with the weights of the network, under names that no layer has: the
# weights of a linear head, and which classes have an example.
KERNEL, BIAS = "-head.kernel", "-head.bias"
PRESENT = "-present"


class InnerLoop:
    """Learns one task by gradient steps, and answers queries with what it learned.

    Learned weights travel in a dictionary from name to tensor. Those that are not in
    it are the network's own.

    Args:
        network: `PureNetwork`.
        rates: `InnerRates`.
        loss: Keras loss or function, that gives one number for each example.
        batch_norm: see `MAML`.
        norms: `PerStepNorms` where scales and offsets are of each step, or None.
        second_order: bool.
    """

    def __init__(self, network, rates, loss, batch_norm, norms, second_order):
        self.network = network
        self.rates = rates
        self.loss = loss.call if isinstance(loss, keras.losses.Loss) else loss
        self.batch_norm = batch_norm
        self.norms = norms
        self.second_order = second_order

    def learn(self, weights, support, labels, steps, training):
        """Takes gradient steps.

        Args:
            weights: dictionary of the weights to adapt, where they begin.
            support: items `[S, *item]`.
            labels: one-hot `[S, N]` or float targets `[S, d]`.
            steps: integer.
            training: bool.

        Yields:
            After each step the weights, what steps carry along, and what the call
            would have assigned.
        """
        carried = self.begin()
        for step in range(steps):
            weights, carried, moved = self.advance(
                weights, carried, support, labels, step, training
            )
            yield weights, carried, moved

    def learned(self, weights, support, labels, steps):
        """Returns the weights after gradient steps outside of training.

        As no gradient goes through them, they run in a loop of the graph, which is
        small for any number of steps. Steps that have something of their own come
        before it.
        """
        own = min(steps, self.own_steps)
        carried = self.begin()
        for step in range(own):
            weights, carried, _ = self.advance(
                weights, carried, support, labels, step, training=False
            )

        def body(step, weights, carried):
            number = own if self.own_steps else step
            weights, carried, _ = self.advance(
                weights, carried, support, labels, number, training=False
            )
            return step + 1, weights, carried

        _, weights, _ = tf.while_loop(
            lambda step, *_: step < steps, body, (tf.constant(own), weights, carried)
        )
        return weights

    @property
    def own_steps(self):
        """How many first steps have rates or scales of their own."""
        of_each_step = self.rates.kind == "per_layer_per_step"
        return self.rates.steps if of_each_step or self.norms is not None else 0

    def begin(self):
        """Returns what steps carry along besides the weights, here nothing."""
        return {}

    def advance(self, weights, carried, support, labels, step, training):
        """Takes one step; see `learn`."""
        gradients, moved = self.gradients(weights, support, labels, step, training)
        stepped = {
            name: weights[name]
            - ops.cast(self.rates.of(name, step), gradient.dtype) * gradient
            for name, gradient in gradients.items()
        }
        return {**weights, **stepped}, carried, moved

    def gradients(self, weights, items, labels, step, training):
        """Returns the gradients of the loss of one step, by the names of weights.

        Args:
            weights: dictionary of the weights to adapt.
            items: `[S, *item]`.
            labels: one-hot `[S, N]` or float targets `[S, d]`.
            step: integer, from 0.
            training: bool.

        Returns:
            A pair: the gradients, and what the call would have assigned.
        """
        adapted = {name: w for name, w in weights.items() if name != PRESENT}
        with tf.GradientTape() as tape:
            tape.watch(adapted)
            outputs, moved = self.call(weights, items, step, training)
            loss = self.loss_of(labels, outputs, is_class=PRESENT in weights)
        gradients = tape.gradient(loss, adapted, unconnected_gradients="zero")
        if not self.second_order:
            gradients = tf.nest.map_structure(tf.stop_gradient, gradients)
        return gradients, moved

    def freeze_statistics(self, weights, support, steps):
        """Adds the support set's own statistics of batch normalization to weights."""
        if not self.batch_norm.endswith("support"):
            return weights
        mine = self._of_network(weights)
        if self.norms is not None:
            mine = {**mine, **self.norms.values(steps)}
        return {**weights, **self.network.batch_statistics(support, mine)}

    def call(self, weights, items, step, training):
        """Calls the network with weights of a task.

        Args:
            weights: dictionary.
            items: `[S, *item]`.
            step: integer, the inner step at which it is called.
            training: bool.

        Returns:
            A pair: the outputs `[S, N]`, and what the call would have assigned.
        """
        mine = self._of_network(weights)
        if self.norms is not None:
            mine = {**mine, **self.norms.values(step)}
        by_batch = training
        if self.batch_norm != "running":
            by_batch = not any(name in mine for name in self.network.statistics)
        outputs, moved = self.network(items, mine, by_batch, chance=training)
        outputs = ops.cast(outputs, self.network.network.variable_dtype)
        if KERNEL in weights:
            outputs = ops.matmul(outputs, weights[KERNEL]) + weights[BIAS]
        if PRESENT in weights:
            outputs = ops.where(weights[PRESENT] > 0, outputs, ABSENT)
        return outputs, moved

    def loss_of(self, labels, outputs, is_class):
        """Returns the mean loss of the examples that are not padding."""
        labels = ops.cast(labels, outputs.dtype)
        losses = ops.convert_to_tensor(self.loss(labels, outputs))
        if len(losses.shape) != 1:
            raise ValueError(
                f"The inner loss must give one number for each example, so that "
                f"padding can be left out. It gave the shape {tuple(losses.shape)} for "
                f"outputs of shape {tuple(outputs.shape)}: give a `keras.losses.Loss`, "
                f"or a function that keeps the first axis."
            )
        if not is_class:
            return ops.mean(losses)
        counts = ops.max(labels, axis=-1)
        return ops.sum(losses * counts) / ops.maximum(ops.sum(counts), 1.0)

    def _of_network(self, weights):
        own = (KERNEL, BIAS, PRESENT)
        return {name: w for name, w in weights.items() if name not in own}
