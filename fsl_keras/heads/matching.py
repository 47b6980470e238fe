"""Matching: attention over the examples themselves."""

import keras
from keras import layers, ops

from fsl_keras.heads.examples import ExampleHead, presence
from fsl_keras.heads.head import ABSENT
from fsl_keras.layers.unit_length import to_unit_length


@keras.saving.register_keras_serializable(package="fsl_keras")
class MatchingHead(ExampleHead):
    """Scores a query by its attention to the examples of each class.

    Attention is the softmax, over all examples, of cosine similarities times a learned
    temperature. A class gets the sum of the attention to its examples, as in the
    paper, so one of many examples gets more; its logit is the logarithm of this sum,
    up to a number that all classes share.

    With `full_context`, examples and queries are embedded anew in the light of the
    support set: examples by a bidirectional LSTM that reads all of them, queries by
    an LSTM that looks at the examples in some steps. The first reads class after
    class by number, and within a class in the order of a fixed projection of the
    embeddings: the order in which examples come does not matter, the order of
    the classes does.

    Reference:

    - [Vinyals et al., 2016](https://arxiv.org/abs/1606.04080)

    Args:
        full_context: bool, whether embeddings depend on the whole support set. A
            class that arrives later then changes how all others are embedded.
        temperature: float, the factor of cosine similarities when training starts;
            it is learned. The paper has none (1.0), common code a fixed 100.0.
        steps: integer, how often a query looks at the examples. Only in full context.
        units: integer, the length of the embeddings. Only needed in full context;
            `models.MatchingNetwork` knows it by itself.
        **kwargs: arguments of `keras.layers.Layer`.

    Call arguments:
        support: float embeddings `[T, S, D]`.
        support_labels: one-hot float32 `[T, S, N]`.
        query: float embeddings `[T, M, D]`.

    Raises:
        ValueError: if full context lacks `units`, or they are not the length of the
            embeddings.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[2.0, 0.0], [3.0, 0.0], [0.0, 1.0]]])
    >>> labels = np.array([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[0.6, 0.8]]])
    >>> logits = MatchingHead(temperature=1.0)(support, labels, query)
    >>> np.asarray(keras.ops.softmax(logits), "float64").round(3).tolist()
    [[[0.621, 0.379]]]
    """

    def __init__(
        self, full_context=False, temperature=10.0, steps=3, units=None, **kwargs
    ):
        super().__init__(**kwargs)
        if full_context and units is None:
            raise ValueError(
                "Full context needs the length of the embeddings: give it as `units`, "
                "for a backbone as `units=backbone.output_shape[-1]`."
            )
        self.full_context = full_context
        self.temperature = temperature
        self.steps = steps
        self.units = units
        self.scale = self.add_weight(
            name="scale",
            shape=(),
            initializer=keras.initializers.Constant(temperature),
        )
        if full_context:
            # A mask and no cuDNN: no machine lets padding take part.
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

    @property
    def incremental(self):
        """`"exact"`, or `"refit"` in full context."""
        return "refit" if self.full_context else "exact"

    def build(self, support_shape, support_labels_shape=None, query_shape=None):
        """Makes the weights for embeddings of a shape `[T, S, D]`."""
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

    def prepare(self, memory):
        """Returns `{"support": [T, S, D], "labels": [T, S, N]}`, as in memory."""
        if not self.full_context:
            return memory
        support, labels = memory["support"], memory["labels"]
        order = reading_order(support, labels)
        sorted_support = ops.take_along_axis(support, order[..., None], axis=1)
        is_example = ops.max(labels, axis=-1) > 0
        mask = ops.take_along_axis(is_example, order, axis=1)
        read = self.reader(sorted_support, mask=mask)
        # Back in their places, examples stay beside their labels.
        places = ops.argsort(order, axis=-1)[..., None]
        return {
            "support": support + ops.take_along_axis(read, places, axis=1),
            "labels": labels,
        }

    def score(self, state, query):
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        labels = state["labels"]
        sums = log_sums(self.similarities(state, query), labels)
        return ops.where(presence(labels)[:, None, :] > 0, sums, ABSENT)

    def attention(self, state, query):
        """Tells which examples the answer to each query comes from.

        Args:
            state: what `prepare` returns.
            query: embeddings `[T, M, D]`.

        Returns:
            float32 `[T, M, S]`: the share of each example of the support set, in its
            order. Shares add up to one; that of padding is zero.
        """
        return masked_softmax(self.similarities(state, query), state["labels"])

    def similarities(self, state, query):
        """Returns cosine similarities times the temperature, `[T, M, S]`."""
        query = ops.cast(query, "float32")
        if self.full_context:
            query = self.look(state, query)
        query = to_unit_length(query)
        support = to_unit_length(state["support"])
        return self.scale * ops.einsum("tmd,tsd->tms", query, support)

    def look(self, state, query):
        """Embeds queries `[T, M, D]` in the light of the support set."""
        shape, flat = ops.shape(query), (-1, self.units)
        hidden, cell = query, ops.zeros_like(ops.reshape(query, flat))
        for _ in range(self.steps):
            scores = ops.einsum("tmd,tsd->tms", hidden, state["support"])
            shares = masked_softmax(scores, state["labels"])
            seen = ops.einsum("tms,tsd->tmd", shares, state["support"])
            # The paper's cell has [hidden, seen] for its recurrent state. To take
            # `seen` as an input is the same sum of products.
            inputs = ops.concatenate([query, seen], axis=-1)
            output, (_, cell) = self.looker(
                ops.reshape(inputs, (-1, 2 * self.units)),
                [ops.reshape(hidden, flat), cell],
            )
            hidden = query + ops.reshape(output, shape)
        return hidden

    def get_config(self):
        return {
            **super().get_config(),
            "full_context": self.full_context,
            "temperature": self.temperature,
            "steps": self.steps,
            "units": self.units,
        }


def reading_order(support, labels):
    """Returns the places of examples by class and projection, padding last.

    Args:
        support: float32 `[T, S, D]`.
        labels: one-hot float32 `[T, S, N]`, zeros at padding.

    Returns:
        int32 `[T, S]`.
    """
    # No coordinate by itself tells examples apart: of many, it is zero after a ReLU.
    direction = ops.cos(ops.arange(support.shape[-1], dtype="float32"))
    projection = ops.matmul(support, direction)
    rank = ops.argsort(ops.argsort(projection, axis=-1), axis=-1)
    examples, ways = ops.shape(labels)[1:]
    is_example = ops.max(labels, axis=-1) > 0
    number = ops.where(is_example, ops.argmax(labels, axis=-1), ways)
    return ops.argsort(ops.cast(number, "int32") * examples + rank, axis=-1)


def masked_softmax(scores, labels):
    """Returns the softmax over examples `[T, M, S]`, zero at padding."""
    is_example = ops.max(labels, axis=-1)[:, None, :] > 0
    return ops.softmax(ops.where(is_example, scores, ABSENT), axis=-1)


def log_sums(scores, labels):
    """Returns the logarithm of the sum of `exp(scores)` over each class's examples.

    Args:
        scores: float32 `[T, M, S]`.
        labels: one-hot float32 `[T, S, N]`, zeros at padding.

    Returns:
        float32 `[T, M, N]`, of no meaning where a class has no example.
    """
    # A matrix product sums by class in far less memory than a mask [T, M, S, N], but
    # needs a shift for each class, not far above its largest score, that not all of
    # it underflows. The same sum of flatter scores, which cannot underflow, tells it.
    top = ops.stop_gradient(ops.max(scores, axis=-1, keepdims=True))
    scores = scores - top

    def of_classes(values):
        return ops.log(ops.maximum(ops.matmul(ops.exp(values), labels), 1e-37))

    power = 80.0 / ops.maximum(80.0, -ops.min(scores, axis=-1, keepdims=True))
    shift = ops.stop_gradient(of_classes(power * scores) / power)
    shifted = scores - ops.matmul(shift, ops.swapaxes(labels, 1, 2))
    return top + shift + of_classes(shifted)
