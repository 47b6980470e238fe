"""Training by the gradient of the query loss through the inner steps."""

from typing import Any

import keras
import tensorflow as tf
from keras import ops

from fsl_keras.losses.replicas import part_of_replica
from fsl_keras.models.gradient_based.adapt_scope import adapted_names
from fsl_keras.models.gradient_based.gradient_descent_loop import GradientDescentLoop
from fsl_keras.models.gradient_based.inner_loop import BIAS, KERNEL
from fsl_keras.models.gradient_based.inner_rates import InnerRates
from fsl_keras.models.gradient_based.learner import GradientBasedLearner
from fsl_keras.models.gradient_based.per_step_norms import PerStepNorms
from fsl_keras.models.gradient_based.tasks import UNROLLED, each_task, sum_over_tasks
from fsl_keras.typing import EpisodeBatch, Model, Tensor


class MetaGradientLearner(GradientBasedLearner):
    """Base of the learners that train by the gradient through the inner steps.

    The inner steps are plain gradient descent. Training follows the gradient of the
    query loss after them, with respect to the weights before them.

    Args:
        network: see `GradientBasedLearner`; with `shared_head`, a backbone that
            outputs vectors.
        shared_head: bool, whether each task has a linear head of its own. The subclass
            gives its first weights in `_start_head`.

    The other arguments are those of `MAML`.
    """

    batch_norm_modes = (
        *GradientBasedLearner.batch_norm_modes,
        "per_step",
        "per_step_support",
    )

    def __init__(
        self,
        network: Model,
        inner_steps: int,
        inner_learning_rate: float,
        second_order: bool,
        adapt_scope: str,
        inner_rates: str,
        batch_norm: str,
        test_steps: int | None,
        shared_head: bool,
        regression: bool,
        inner_loss: Any,
        multi_step_updates: int,
        one_task_at_a_time: bool,
        name: str | None,
        **kwargs: Any,
    ):
        super().__init__(
            network,
            inner_steps,
            inner_learning_rate,
            batch_norm,
            test_steps,
            regression,
            inner_loss,
            name,
            **kwargs,
        )
        self.second_order = second_order
        self.adapt_scope = adapt_scope
        self.inner_rates = inner_rates
        self.shared_head = shared_head
        self.incremental = "refit" if shared_head else "fixed_ways"
        self.multi_step_updates = multi_step_updates
        self.one_task_at_a_time = one_task_at_a_time
        self._norms = None
        if batch_norm.startswith("per_step"):
            self._norms = PerStepNorms(self._pure, inner_steps, name="norms")
            for row in self._norms.rows:  # the rows replace these weights
                self._pure.weights[row].trainable = False
        fixed = () if self._norms is None else self._norms.rows
        self._adapted = []
        if not (shared_head and adapt_scope == "head"):
            self._adapted = adapted_names(self._pure, adapt_scope, fixed)
        shapes = {name: self._pure.weights[name].shape for name in self._adapted}
        if shared_head:
            shapes |= {KERNEL: (self._embedding_size(), 1), BIAS: (1,)}
        self._rates = InnerRates(
            inner_rates, inner_learning_rate, inner_steps, shapes, name="inner_rates"
        )
        self._loop = GradientDescentLoop(
            self._pure,
            self._loss_of_steps(),
            batch_norm,
            self._rates,
            self._norms,
            second_order,
        )

    def call(self, episode: EpisodeBatch, training: bool | None = None) -> Tensor:
        if not training:
            return super().call(episode)
        outputs, updates = self._train_on(episode)
        self._assign(updates)
        return outputs[:, -1]

    def training_loss(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Returns the outputs after the last inner step, and the loss.

        With `multi_step_updates`, earlier inner steps count in the loss.
        """
        outputs, updates = self._train_on(x)
        self._assign(updates)
        return outputs[:, -1], self._loss_after_steps(x, y, outputs, sample_weight)

    def gradients_of(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Returns outputs, loss and the gradients of the trainable weights.

        Many tasks go through a loop, and few do with `one_task_at_a_time`.
        """
        tasks = tf.convert_to_tensor(y).shape[0]
        is_few = tasks is not None and tasks <= UNROLLED
        if is_few and not self.one_task_at_a_time:
            return super().gradients_of(x, y, sample_weight)
        # TensorFlow has no second derivative of the fused batch normalization through
        # a loop over tasks, and other second derivatives through it take more memory.
        if sample_weight is None:
            sample_weight = tf.ones(tf.shape(y)[:2])
        once = 1.0 / tf.cast(tf.shape(y)[0], sample_weight.dtype)

        def gradients_of_task(task):
            x, y, sample_weight, weight = keras.tree.map_structure(
                lambda value: value[None], task
            )
            with tf.GradientTape() as tape:
                outputs, updates = self._train_on(x)
                loss = self._loss_after_steps(x, y, outputs, sample_weight) * weight[0]
                # It includes the regularization losses, which count once in a batch.
                others = part_of_replica(sum(self.losses))
                loss += (once - weight[0]) * others
                scaled_loss = self.optimizer.scale_loss(loss)
            gradients = tape.gradient(
                scaled_loss, self.trainable_weights, unconnected_gradients="zero"
            )
            updates = {name: value[0] for name, value in updates.items()}
            return (outputs[0, -1], updates), (loss, gradients)

        tasks = (x, y, sample_weight, self._task_weights(sample_weight))
        kept, (loss, gradients) = sum_over_tasks(gradients_of_task, tasks)
        outputs, updates = kept
        self._assign(updates)
        return outputs, loss, gradients

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "second_order": self.second_order,
            "adapt_scope": self.adapt_scope,
            "inner_rates": self.inner_rates,
            "multi_step_updates": self.multi_step_updates,
            "one_task_at_a_time": self.one_task_at_a_time,
        }

    def _embedding_size(self):
        shape = self.network.output_shape
        if len(shape) != 2:
            raise ValueError(
                f"`{self._network_argument}` must output one vector for each item if "
                f"a linear head follows: end it with a pooling or `Flatten` layer. "
                f"Received: a network with output shape {shape}"
            )
        return shape[-1]

    def _train_on(self, episode):
        """Learns the tasks of a batch in training mode and answers their queries.

        Returns:
            A pair: the outputs `[T, k, M, N]` after the last `k` inner steps, and the
            state updates of the network's calls, from name to `[T, ...]`.
        """
        tasks = {
            "support": episode["support"],
            "labels": episode["support_labels"],
            "query": episode["query"],
        }
        return each_task(lambda task: self._train_on_one(**task), tasks)

    def _train_on_one(self, support, labels, query):
        labels, steps = self._checked(labels), self.inner_steps
        weights = self._start(support, labels, training=True)
        learned = self._loop.learn(weights, support, labels, steps, training=True)
        outputs, updates = [], {}
        for step, (weights, _, of_support) in enumerate(learned, start=1):
            updates = of_support
            if self.multi_step_updates or step == steps:
                weights = self._loop.freeze_statistics(weights, support, step)
                answer, of_query = self._loop.call(weights, query, step, training=True)
                outputs.append(answer)
                updates = of_query or of_support
        return ops.stack(outputs), updates

    def _loss_after_steps(self, x, y, outputs, sample_weight):
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

    def _task_weights(self, sample_weight):
        """Returns the weight of each task's loss in the loss of the batch, `[T]`."""
        (loss,) = keras.tree.flatten(self.loss)
        reduction = getattr(loss, "reduction", "sum_over_batch_size")
        if reduction == "sum":
            return tf.ones_like(sample_weight[:, 0])
        if reduction == "mean_with_sample_weight":
            weights = tf.reduce_sum(sample_weight, axis=1)
        else:
            weights = tf.ones_like(sample_weight[:, 0])
        return weights / tf.reduce_sum(weights)
