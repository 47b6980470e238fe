"""Optimal transport of queries to class centres."""

import keras
from keras import ops

from fsl_keras.heads.examples import presence
from fsl_keras.heads.prototype import squared_distances
from fsl_keras.heads.transductive import (
    TransductiveHead,
    probabilities,
    weighted_means,
)

# Sinkhorn's iteration stops where the shares of every query add up to 1 within the
# tolerance. Well separated classes of unequal size take hundreds of iterations.
TOLERANCE, MOST_ITERATIONS = 1e-5, 1000

# Added to embeddings before the power, whose slope at zero is infinite.
TINY = 1e-6


@keras.saving.register_keras_serializable(package="fsl_keras")
class PTMAPHead(TransductiveHead):
    """Assigns queries to class centres so that every class gets as many.

    Embeddings are made more like Gaussians by a power, scaled to unit length,
    centred (examples by their mean, queries by theirs) and scaled again. Then, again
    and again, queries are shared out by the transport plan that is optimal, for an
    entropic regularisation, among those that give every class the same number, and
    centres move towards the mean of their share. Logits are the logarithms of that
    plan, up to what is the same for all classes.

    It takes for granted that every class has equally many queries (`prior` is
    `"uniform"`), and loses much where that is not so.

    Embeddings must not be negative, as they are after a ReLU and an average: negative
    parts are cut. The defaults are those of the reference implementation for
    miniImageNet.

    Reference:

    - [Hu et al., 2021](https://arxiv.org/abs/2006.03806)

    Args:
        power: float, the exponent of the power transform.
        sharpness: float, how much squared distances count against the entropy of the
            plan (lambda in the paper).
        rate: float from 0 to 1, how far centres move in a step (alpha in the paper).
        steps: integer, how many times centres move.

    Example:

    >>> import numpy as np
    >>> support = np.array([[[1.0, 0.0], [0.0, 1.0]]])
    >>> query = np.array([[[3.0, 1.0], [1.0, 2.0]]])
    >>> head = PTMAPHead()
    >>> np.asarray(head(support, np.eye(2)[None], query)).argmax(-1).tolist()
    [[0, 1]]
    """

    prior = "uniform"

    def __init__(self, power=0.5, sharpness=10.0, rate=0.2, steps=20, **kwargs):
        super().__init__(**kwargs)
        self.power = power
        self.sharpness = sharpness
        self.rate = rate
        self.steps = steps
        self.built = True

    def infer(self, support, labels, query, mask):
        """Returns the logarithms of the last plan."""
        support = self.transform(support, ops.max(labels, axis=-1))
        query = self.transform(query, mask)
        items = ops.concatenate([support, query], axis=1)

        def plan(centres):
            logits = -self.sharpness * squared_distances(query, centres)
            return even_out(logits, mask, labels)

        def step(_, centres):
            shares = probabilities(plan(centres), labels) * mask[..., None]
            weights = ops.concatenate([labels, shares], axis=1)
            return centres + self.rate * (weighted_means(items, weights) - centres)

        centres = weighted_means(support, labels)
        return plan(ops.fori_loop(0, self.steps, step, centres))

    def transform(self, vectors, is_real):
        """Returns vectors after the power, centred by the mean of the real ones."""
        vectors = (ops.relu(vectors) + TINY) ** self.power
        vectors = ops.normalize(vectors, axis=-1)
        vectors = vectors - weighted_means(vectors, is_real[..., None])
        return ops.normalize(vectors, axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "power": self.power,
            "sharpness": self.sharpness,
            "rate": self.rate,
            "steps": self.steps,
        }


def even_out(logits, mask, labels):
    """Adds to each class what makes all classes equally likely among the queries.

    Sinkhorn's iteration: the softmax of the result has, over the queries of a task,
    the same sum for every class that is present. A task that has converged stays as
    it is while others go on.

    Reference:

    - [Cuturi, 2013](https://arxiv.org/abs/1306.0895)

    Args:
        logits: float32 `[T, M, N]`.
        mask: float32 `[T, M]`, 0 for queries that do not count.
        labels: float32 one-hot `[T, S, N]`, by which a class is present.
    """
    kernel, present = probabilities(logits, labels), presence(labels)
    count = ops.sum(mask, axis=1, keepdims=True)
    share = count * present / ops.maximum(ops.sum(present, 1, keepdims=True), 1.0)

    def weigh(factors):
        return ops.einsum("tmn,tn->tm", kernel, factors)

    def goes_on(factors, sums, error):
        del factors, sums
        return ops.any(error > TOLERANCE)

    def step(factors, sums, error):
        scale = mask / sums
        masses = ops.einsum("tmn,tm->tn", kernel, scale)
        new = share / ops.where(masses > 0, masses, 1.0)
        new = ops.where(error[:, None] > TOLERANCE, new, factors)
        sums = weigh(new)
        error = ops.max(ops.abs(scale * sums - mask), axis=1)
        return new, sums, error

    start = (present, weigh(present), ops.full_like(mask[:, 0], float("inf")))
    factors, *_ = ops.while_loop(
        goes_on, step, start, maximum_iterations=MOST_ITERATIONS
    )
    return logits + ops.log(ops.where(factors > 0, factors, 1.0))[:, None, :]
