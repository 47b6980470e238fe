"""Model-agnostic meta-learning."""

from typing import Any

import keras
from keras import ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.models.gradient_based.inner_loop import BIAS, KERNEL
from fsl_keras.models.gradient_based.meta_gradient import MetaGradientLearner
from fsl_keras.typing import Model


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(inner_rate="inner_learning_rate")
class MAML(MetaGradientLearner):
    """Learns initial weights from which a few gradient steps learn a task.

    To learn a task, `inner_steps` gradient steps on the loss of its support set are
    taken from the weights of the network. Training follows the gradient of the query
    loss after these steps, through the steps, with respect to the initial weights. The
    network can be any Keras model and the loss any Keras loss, for classification or
    regression.

    `batch_norm` sets the statistics that batch normalization uses:

    - `"transductive"`: those of each batch, also of the queries, as in the paper. The
      prediction for a query then depends on the other queries. A classifier made by
      `adapt` uses `"support"` instead.
    - `"support"`: those of the support set, for the queries too.
    - `"running"`: those of each batch in training, moving averages in evaluation.
    - `"per_step"`, `"per_step_support"`: as the first two, with scales and offsets for
      each inner step (MAML++). As in the authors' code, the moving averages of each
      step are not used: the inner steps diverge with them.

    The memory of a training step grows linearly with the inner steps and, up to 8
    tasks, with the tasks. More than 8 tasks go through a loop that takes the memory of
    one. Second derivatives through `keras.layers.BatchNormalization` are not exact;
    those through `layers.FusedBatchNormalization`, which the backbones of this package
    use, are. Padding items of an episode count in batch statistics.

    Reference:

    - [Finn et al., 2017](https://arxiv.org/abs/1703.03400)
    - head only, ANIL: [Raghu et al., 2020](https://arxiv.org/abs/1909.09157)
    - shared head: [Ye & Chao, 2022](https://arxiv.org/abs/2106.16245)
    - multi-step loss, rates and statistics of each step, MAML++:
      [Antoniou et al., 2019](https://arxiv.org/abs/1810.09502)

    Args:
        network: built Keras model from items to the logits of a fixed number of ways,
            or to regression targets; with `shared_head`, a backbone that outputs
            vectors.
        inner_steps: integer, gradient steps in training. Defaults to 5.
        inner_learning_rate: float, the learning rate of the inner steps, or the
            initial value of learned rates. Defaults to 0.01.
        second_order: bool. False is first-order MAML, which treats the gradients of
            the inner loss as constants. Defaults to True.
        adapt_scope: string, the weights that are adapted: `"all"`, `"head"` (the last
            layer with weights: ANIL), or a regular expression that their names, such
            as `"conv1.kernel"`, match. Defaults to `"all"`.
        inner_rates: string, whether the inner learning rates are learned: `"fixed"`,
            `"per_parameter"` (one for each number in the weights: Meta-SGD) or
            `"per_layer_per_step"` (one for each weight and step: MAML++). Defaults to
            `"fixed"`.
        batch_norm: string, see above. Defaults to `"transductive"`.
        test_steps: optional integer, gradient steps in evaluation. Defaults to
            `inner_steps`.
        shared_head: bool, whether to add a linear layer that starts each task with the
            same learned weights for every class, so that any number of ways fits.
            Defaults to False.
        regression: bool, whether labels are float targets. Defaults to False.
        inner_loss: optional loss of the inner steps: a Keras loss or its name, or a
            function of one-hot labels (or targets) and outputs with one value for each
            example. Defaults to the cross-entropy of logits, or to the squared error
            in regression. In regression it is the default loss of training too.
        multi_step_updates: integer, the number of training steps with MAML++'s
            multi-step loss: the query losses after all inner steps are averaged at
            first, and the weight moves linearly to the loss after the last. It calls
            the network on the queries after every inner step. Defaults to 0, the last
            step's loss alone.
        one_task_at_a_time: bool, whether 8 tasks or fewer go through the loop too. It
            saves memory and takes more time. Gradients are the same. Defaults to
            False.
        name: optional string.
        **kwargs: arguments of `keras.Model`.

    Raises:
        ValueError: If the network is not built or has no trainable weights, if a
            number of steps is below 1, if a mode is unknown, or if `adapt_scope`
            matches no weight.

    Example:

    >>> import numpy as np, fsl_keras as fsl
    >>> network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    >>> model = MAML(network, inner_steps=2, inner_learning_rate=0.1)
    >>> items = np.random.default_rng(0).normal(size=(6, 4)).astype("float32")
    >>> episode = fsl.episodes.make_episode(items, [0, 0, 1, 1, 2, 2])
    >>> model.predict(episode, verbose=0).shape
    (1, 6, 3)
    """

    def __init__(
        self,
        network: Model,
        inner_steps: int = 5,
        inner_learning_rate: float = 0.01,
        second_order: bool = True,
        adapt_scope: str = "all",
        inner_rates: str = "fixed",
        batch_norm: str = "transductive",
        test_steps: int | None = None,
        shared_head: bool = False,
        regression: bool = False,
        inner_loss: Any = None,
        multi_step_updates: int = 0,
        one_task_at_a_time: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(
            network,
            inner_steps,
            inner_learning_rate,
            second_order,
            adapt_scope,
            inner_rates,
            batch_norm,
            test_steps,
            shared_head,
            regression,
            inner_loss,
            multi_step_updates,
            one_task_at_a_time,
            name,
            **kwargs,
        )
        if shared_head:
            zeros = {"initializer": "zeros", "autocast": False}
            size = network.output_shape[-1]
            self.head_kernel = self.add_weight(
                name="head_kernel", shape=(size, 1), **zeros
            )
            self.head_bias = self.add_weight(name="head_bias", shape=(1,), **zeros)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "shared_head": self.shared_head,
            "regression": self.regression,
        }

    def _start_head(self, weights, support, labels, training):
        """Returns the same weights for every class, with a shared head."""
        if not self.shared_head:
            return {}
        ways = ops.shape(labels)[-1]
        kernel = ops.broadcast_to(self.head_kernel, (self.head_kernel.shape[0], ways))
        return {KERNEL: kernel, BIAS: ops.broadcast_to(self.head_bias, (ways,))}
