"""The base of heads whose memory is the sums and the products of the embeddings."""

from typing import Any

from keras import ops

from fsl_keras.heads.sums import SumHead
from fsl_keras.heads.support import check_power, power_transform
from fsl_keras.imports.backend import most_precise
from fsl_keras.typing import Tensor


class MomentHead(SumHead):
    """Base of linear classifiers in closed form that need no example twice.

    The memory is the sum of the embeddings of each class, their number, and one sum of
    outer products of all embeddings. It is the same in whatever order and parts the
    examples come. It is in float64, since a covariance is a difference of large sums;
    on JAX in float32, unless `jax_enable_x64` is set.

    The sum of products belongs to all classes together: it does not tell what one class
    added. So `select` cannot leave a class out; a classifier then computes the memory
    again from the features of the examples.

    Subclasses implement `prepare`, which returns `{"weights": [T, D, N], "biases":
    [T, N], "present": [T, N]}`, and `transform` if the sums are not of the embeddings
    themselves.

    Args:
        power: float above 0, the exponent of Tukey's power transform of the
            embeddings. Defaults to `1.0`, the embeddings as they are.
        **kwargs: arguments of `keras.layers.Layer`.
    """

    class_axes = {"sums": 1, "counts": 1}
    incremental = "refit"
    weighs_examples = True
    forgets_classes = False

    def __init__(self, power: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_power(power)
        self.power = power

    def transform(self, embeddings: Tensor) -> Tensor:
        """Returns the features `[T, n, F]` of which the classifier is linear."""
        return power_transform(embeddings, self.power)

    def remember(self, support: Tensor, support_labels: Tensor) -> dict[str, Tensor]:
        """Returns `{"sums": [T, N, F], "counts": [T, N], "products": [T, F, F]}`."""
        features = ops.cast(self.transform(support), most_precise())
        labels = ops.cast(support_labels, most_precise())
        weighted = ops.sum(labels, axis=-1, keepdims=True) * features
        return {
            "sums": ops.einsum("tsn,tsf->tnf", labels, features),
            "counts": ops.sum(labels, axis=1),
            "products": ops.einsum("tsf,tsg->tfg", weighted, features),
        }

    def select(self, memory: dict[str, Tensor], classes: Tensor) -> dict[str, Tensor]:
        """Puts the classes in another order.

        Raises:
            ValueError: if a class is left out.
        """
        ways = memory["counts"].shape[1]
        if len(classes) < ways:
            raise ValueError(
                f"{type(self).__name__} cannot leave a class out of its memory, which "
                f"has one sum of products for all classes: remember the examples of "
                f"the others again. Received: {len(classes)} of {ways} classes."
            )
        return super().select(memory, classes)

    def score(self, state: dict[str, Tensor], query: Tensor) -> Tensor:
        """Returns the logits `[T, M, N]` of query embeddings `[T, M, D]`."""
        features = self.transform(ops.cast(query, "float32"))
        logits = ops.matmul(features, state["weights"]) + state["biases"][:, None]
        return self.mask_absent(logits, state["present"])

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "power": self.power}


def diagonal(values: Tensor, size: int) -> Tensor:
    """Returns float64 matrices `[T, size, size]` with each value on the diagonal."""
    return values[:, None, None] * ops.eye(size, dtype=most_precise())


def trace(matrices: Tensor) -> Tensor:
    """Returns the traces `[T]` of matrices `[T, F, F]`."""
    return ops.einsum("tff->t", matrices)
