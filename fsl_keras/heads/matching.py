"""Matching: attention over the examples themselves."""

from typing import Any

import keras
from keras import layers, ops

from fsl_keras.compat import renamed_arguments
from fsl_keras.heads.examples import ExampleHead
from fsl_keras.heads.head import ABSENT
from fsl_keras.heads.support import one_hot_of, presence
from fsl_keras.layers.softmax import softmax
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.typing import Shape, Tensor


@keras.saving.register_keras_serializable(package="fsl_keras")
@renamed_arguments(temperature="scale")
class MatchingHead(ExampleHead):
    """Scores a query by its attention to the examples of each class.

    Attention is the softmax, over all examples, of cosine similarities multiplied by a
    learned scale. The logit of a class is the logarithm of the sum of the attention to
    its examples, up to a term that all classes share. As in the paper it is a sum, so
    classes with more examples get more attention.

    With `full_context`, the embeddings of examples and queries depend on the whole
    support set (full context embeddings): a bidirectional LSTM reads all examples, and
    an LSTM with attention reads the examples for each query. The first reads class by
    class in the order of the class indices, and within a class in the order of a fixed
    projection of the embeddings. The order of the examples therefore has no effect;
    that of the classes has.

    Reference:

    - [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)

    Args:
        full_context: bool, whether embeddings depend on the whole support set. Adding
            a class then changes the embeddings of all others.
        scale: float, the initial factor of cosine similarities. It is learned. The
            paper has none (1.0), common code a fixed 100.0.
        steps: integer, the number of times that a query attends to the examples. Only
            used with full context.
        units: integer, the length of the embeddings. Only needed with full context;
            `models.MatchingNetwork` sets it.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if `units` is missing with full context, or is not the length of
            the embeddings.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[2.0, 0.0], [3.0, 0.0], [0.0, 1.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[0.6, 0.8]]])
    >>> logits = MatchingHead(scale=1.0)(support, labels, query)
    >>> np.asarray(keras.ops.softmax(logits), "float64").round(3).tolist()
    [[[0.621, 0.379]]]
    """

    weighs_examples = True

    def __init__(
        self,
        full_context: bool = False,
        scale: float = 10.0,
        steps: int = 3,
        units: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if full_context and units is None:
            raise ValueError(
                "`full_context=True` needs the length of the embeddings as `units`, "
                "such as `units=backbone.output_shape[-1]`. Received: units=None"
            )
        self.full_context = full_context
        self.incremental = "refit" if full_context else "exact"
        self.weighs_examples = not full_context
        self.initial_scale = scale
        self.steps = steps
        self.units: Any = units  # with full context an integer
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=keras.initializers.Constant(scale),
        )
        if full_context:
            # cuDNN's LSTM supports padding at the end alone.
            lstm = layers.LSTM(
                units,
                return_sequences=True,
                use_cudnn=False,
                dtype="float32",
                name="lstm",
            )
            self.reader = layers.Bidirectional(
                lstm, merge_mode="sum", dtype="float32", name="reader"
            )
            self.looker = layers.LSTMCell(units, dtype="float32", name="looker")

    def build(
        self,
        support_shape: Shape,
        support_labels_shape: Shape | None = None,
        query_shape: Shape | None = None,
    ) -> None:
        """Creates the weights for embeddings of shape `[T, S, D]`."""
        del support_labels_shape, query_shape
        if not self.full_context:
            return
        if support_shape[-1] != self.units:
            raise ValueError(
                f"`units` must be the length of the embeddings, {support_shape[-1]}. "
                f"Received: units={self.units}"
            )
        self.reader.build((None, None, self.units))
        self.looker.build((None, 2 * self.units))

    def prepare(self, memory: dict[str, Tensor]) -> dict[str, Tensor]:
        """Returns `{"support": [T, S, D], "labels": [T, S, N]}`, as in memory."""
        if not self.full_context:
            return memory
        support, labels = memory["support"], memory["labels"]
        order = reading_order(support, labels)
        sorted_support = ops.take_along_axis(support, order[..., None], axis=1)
        is_example = ops.max(labels, axis=-1) > 0
        mask = ops.take_along_axis(is_example, order, axis=1)
        read = self.reader(sorted_support, mask=mask)
        # Back to the order of the labels.
        places = ops.argsort(order, axis=-1)[..., None]
        return {
            "support": support + ops.take_along_axis(read, places, axis=1),
            "labels": labels,
        }

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        labels = state["labels"]
        sums = log_sums(self.similarities(state, query), labels)
        return self.mask_absent(sums, presence(labels))

    def attention(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the attention of each query to each example.

        Args:
            state: dictionary that `prepare` returns.
            query: embeddings `[T, M, D]`.

        Returns:
            float32 `[T, M, S]`, in the order of the support set. It sums to one over
            the examples, and is zero at padding.
        """
        return masked_softmax(self.similarities(state, query), state["labels"])

    def similarities(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the scaled cosine similarities `[T, M, S]`."""
        query = ops.cast(query, "float32")
        if self.full_context:
            query = self.look(state, query)
        query = to_unit_length(query)
        support = to_unit_length(state["support"])
        return self.scale * ops.einsum("tmd,tsd->tms", query, support)

    def look(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the full context embeddings of queries `[T, M, D]`."""
        shape, flat = ops.shape(query), (-1, self.units)
        hidden, cell = query, ops.zeros_like(ops.reshape(query, flat))
        for _ in range(self.steps):
            scores = ops.einsum("tmd,tsd->tms", hidden, state["support"])
            attention = masked_softmax(scores, state["labels"])
            read = ops.einsum("tms,tsd->tmd", attention, state["support"])
            # The paper's cell has [hidden, read] as its recurrent state. Taking `read`
            # as an input is the same sum of products.
            inputs = ops.concatenate([query, read], axis=-1)
            output, (_, cell) = self.looker(
                ops.reshape(inputs, (-1, 2 * self.units)),
                [ops.reshape(hidden, flat), cell],
            )
            hidden = query + ops.reshape(output, shape)
        return hidden

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "full_context": self.full_context,
            "scale": self.initial_scale,
            "steps": self.steps,
            "units": self.units,
        }


def reading_order(support: Tensor, labels: Tensor) -> Tensor:
    """Returns the order of examples by class and projection, padding last.

    Args:
        support: float32 `[T, S, D]`.
        labels: one-hot float32 `[T, S, N]`, zeros at padding.

    Returns:
        int32 `[T, S]`.
    """
    # A projection, as a single coordinate is often zero after a ReLU.
    direction = ops.cos(ops.arange(support.shape[-1], dtype="float32"))
    projection = ops.matmul(support, direction)
    rank = ops.argsort(ops.argsort(projection, axis=-1), axis=-1)
    examples, ways = ops.shape(labels)[1:]
    is_example = ops.max(labels, axis=-1) > 0
    index = ops.where(is_example, ops.argmax(labels, axis=-1), ways)
    return ops.argsort(ops.cast(index, "int32") * examples + rank, axis=-1)


def masked_softmax(scores: Tensor, labels: Tensor) -> Tensor:
    """Returns the softmax over examples `[T, M, S]`, zero at padding."""
    is_example = ops.max(labels, axis=-1)[:, None, :] > 0
    return softmax(ops.where(is_example, scores, ABSENT))


def log_sums(scores: Tensor, labels: Tensor) -> Tensor:
    """Returns the logarithm of the sum of `exp(scores)` over each class's examples.

    Args:
        scores: float32 `[T, M, S]`.
        labels: one-hot float32 `[T, S, N]`, zeros at padding, or times weights.

    Returns:
        float32 `[T, M, N]`, undefined where a class has no example.
    """
    # A matrix product takes far less memory than a mask [T, M, S, N], but needs a shift
    # per class near its largest score, or all of its terms could underflow. The same
    # sum of scores that are scaled so as not to underflow gives that shift.
    top = ops.stop_gradient(ops.max(scores, axis=-1, keepdims=True))
    scores = scores - top

    def of_classes(values):
        return ops.log(ops.maximum(ops.matmul(ops.exp(values), labels), 1e-37))

    power = 80.0 / ops.maximum(80.0, -ops.min(scores, axis=-1, keepdims=True))
    shift = ops.stop_gradient(of_classes(power * scores) / power)
    shifted = scores - ops.matmul(shift, ops.swapaxes(one_hot_of(labels), 1, 2))
    return top + shift + of_classes(shifted)
