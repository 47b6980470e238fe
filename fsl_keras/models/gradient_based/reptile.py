"""Reptile: first-order meta-learning towards the adapted weights of tasks."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.losses.replicas import part_of_replica
from fsl_keras.models.gradient_based.adam_loop import AdamLoop
from fsl_keras.models.gradient_based.inner_loop import PRESENT
from fsl_keras.models.gradient_based.learner import GradientBasedLearner
from fsl_keras.models.gradient_based.tasks import each_task
from fsl_keras.typing import EpisodeBatch, Model, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(inner_rate="inner_learning_rate", inner_batch="inner_batch_size")
class Reptile(GradientBasedLearner):
    """Moves the weights of a network towards the adapted weights of tasks.

    A task is learned by a few steps of Adam (without first moment, as in the paper) on
    batches of its support set. The difference between the weights before and after
    these steps, averaged over tasks, is the gradient of training. No second derivative
    is needed, and the queries are only evaluated. The second moments of Adam continue
    from batch to batch, averaged over tasks, and are saved with the model. Train with
    more shots than in evaluation.

    `compile` it with `keras.optimizers.SGD`: a learning rate of 1, the default, moves
    the weights to the mean of the adapted weights. The paper decays it linearly to 0.

    Reference:

    - [Nichol et al., 2018](https://arxiv.org/abs/1803.02999)

    Args:
        network: built Keras model from items to the logits of a fixed number of ways,
            or to regression targets.
        inner_steps: integer, steps of Adam in training. Defaults to 5.
        inner_learning_rate: float, the learning rate of Adam. Defaults to 0.001.
        inner_batch_size: optional integer, examples in each step, evenly spaced over
            the support set. Defaults to all.
        batch_norm: `"transductive"`, `"support"` or `"running"`, see `MAML`. Defaults
            to `"transductive"`.
        test_steps: optional integer, steps in evaluation. Defaults to `inner_steps`.
        regression: bool, whether labels are float targets. Defaults to False.
        inner_loss: optional loss of the steps, see `MAML`.
        name: optional string.
        **kwargs: arguments of `keras.Model`.

    Raises:
        ValueError: If the network is not built or has no trainable weights, if a
            number of steps is below 1, or if `batch_norm` is unknown.

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
        network: Model,
        inner_steps: int = 5,
        inner_learning_rate: float = 1e-3,
        inner_batch_size: int | None = None,
        batch_norm: str = "transductive",
        test_steps: int | None = None,
        regression: bool = False,
        inner_loss: Any = None,
        name: str | None = None,
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
        self.inner_batch_size = inner_batch_size
        self._loop = AdamLoop(
            self._pure,
            self._loss_of_steps(),
            batch_norm,
            inner_learning_rate,
            inner_batch_size,
        )
        self.moments = self._loop.moments

    def default_optimizer(self) -> keras.optimizers.Optimizer:
        """Returns the optimizer of `compile(optimizer="auto")`."""
        return keras.optimizers.SGD(1.0)

    def call(self, episode: EpisodeBatch, training: bool | None = None) -> Tensor:
        if not training:
            return super().call(episode)
        outputs, updates, _, _ = self._train_on(episode)
        self._assign(updates)
        return outputs

    def gradients_of(
        self, x: EpisodeBatch, y: Tensor, sample_weight: Tensor | None
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Returns outputs, loss, and initial minus adapted weights as gradients."""
        outputs, updates, moments, differences = self._train_on(x)
        self._assign(updates)
        self.moments.assign(moments)
        loss = self.compute_loss(x, y, outputs, sample_weight, training=True)
        gradients = {
            id(self._pure.weights[name]): self.optimizer.scale_loss(
                part_of_replica(ops.mean(difference, axis=0))
            )
            for name, difference in differences.items()
        }
        return outputs, loss, [gradients[id(w)] for w in self.trainable_weights]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "inner_batch_size": self.inner_batch_size,
            "regression": self.regression,
        }

    def _train_on(self, episode):
        """Learns the tasks of a batch in training mode and answers their queries.

        Returns:
            The outputs `[T, M, N]`, the state updates of the network's calls, the
            moments of Adam, and initial minus adapted weights, each `[T, ...]`.
        """
        tasks = (episode["support"], episode["support_labels"], episode["query"])
        return each_task(self._train_on_one, tasks)

    def _train_on_one(self, task):
        support, labels, query = task
        labels, steps = self._checked(labels), self.inner_steps
        start = self._start(support, labels, training=True)
        *_, last = self._loop.learn(start, support, labels, steps, training=True)
        learned, moments, of_support = last
        differences = {n: start[n] - learned[n] for n in start if n != PRESENT}
        learned = self._loop.freeze_statistics(learned, support, steps)
        answer, of_query = self._loop.call(learned, query, steps, training=True)
        return answer, of_query or of_support, moments, differences
