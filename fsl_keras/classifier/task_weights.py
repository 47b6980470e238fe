"""The memory, the state and the examples of one task, as weights."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.digests import weights_digest
from fsl_keras.typing import Model, Tensor

# What fingerprints begin with that do not hold the paths of weights.
PREFIX = "names-"


class TaskWeights(keras.layers.Layer):
    """The memory, the state and the examples of one task, as weights.

    The weights of a Keras layer have fixed shapes, and those of a task change with its
    classes and examples. So `replace` creates new weights, and a configuration with
    `spec` creates them before they are loaded.

    Args:
        spec: optional dictionary, the `spec` of another instance.
        **kwargs: the `name` of the layer.

    Example:

    >>> import numpy as np
    >>> task = TaskWeights()
    >>> ones = np.ones((1, 2, 3), "float32")
    >>> task.replace({"sums": ones}, {"means": ones}, LearnedExamples())
    >>> task.spec["memory"]
    {'sums': [[2, 3], 'float32']}
    """

    def __init__(self, spec: dict | None = None, **kwargs):
        super().__init__(dtype="float32", **kwargs)
        self._parts: dict = {}
        self._make(spec or {})
        self.built = True

    @property
    def spec(self) -> dict:
        """The shapes and dtypes of all weights, by part and name."""
        return {
            part: {name: [list(v.shape), v.dtype] for name, v in tree.items()}
            for part, tree in self._parts.items()
        }

    @property
    def memory(self) -> dict[str, Tensor]:
        """The learner's memory, a dictionary of tensors `[1, ...]`."""
        return {name: v[None] for name, v in self._parts["memory"].items()}

    @property
    def state(self) -> dict[str, Tensor]:
        """The learner's state, a dictionary of tensors `[1, ...]`."""
        return {name: v[None] for name, v in self._parts["state"].items()}

    @property
    def variables_of_state(self) -> dict[str, Any]:
        """The learner's state, a dictionary of variables.

        Their values never change, as `replace` creates new variables.
        """
        return self._parts.get("state", {})

    @property
    def examples(self) -> list[tuple[int, int]]:
        """The examples in memory, a list of pairs of digest and class number."""
        rows = ops.convert_to_numpy(self._parts["examples"]["digests"])
        return [tuple(row) for row in rows.tolist()]

    @property
    def learned(self) -> LearnedExamples:
        """The examples in memory, a `LearnedExamples`."""
        parts = self._parts["examples"]
        return LearnedExamples.from_arrays(
            # Views: a classifier of many examples has megabytes of features.
            {name: np.asarray(v.value.value()) for name, v in parts.items()}
        )

    def replace(
        self,
        memory: Mapping[str, Tensor],
        state: Mapping[str, Tensor],
        examples: LearnedExamples,
    ) -> None:
        """Replaces memory, state and examples by those of another task, of any shape.

        Args:
            memory: dictionary of tensors `[1, ...]`.
            state: dictionary of tensors `[1, ...]`.
            examples: `LearnedExamples`.
        """
        values = {
            "memory": _of_one_task(memory),
            "state": _of_one_task(state),
            "examples": examples.to_arrays(),
        }
        self._make(
            {
                part: {
                    name: [list(v.shape), keras.backend.standardize_dtype(v.dtype)]
                    for name, v in tree.items()
                }
                for part, tree in values.items()
            },
            values,
        )

    def _make(self, spec, values=None):
        """Creates new variables, with zeros or values, then removes the old ones."""
        old = list(self.weights)
        # Keras has no public way to replace the weights of a layer.
        self._tracker.unlock()
        parts = {
            part: {
                name: self._variable(
                    f"{part}_{name}", shape, dtype, values and values[part][name]
                )
                for name, (shape, dtype) in tree.items()
            }
            for part, tree in spec.items()
        }
        # One assignment, as other threads may read.
        self._parts = parts
        for variable in old:
            self._untrack_variable(variable)

    def _variable(self, name, shape, dtype, value):
        # Zeros that are assigned to later would take as long as the value again.
        return self.add_weight(
            shape=tuple(shape),
            dtype=dtype,
            initializer="zeros" if value is None else lambda shape, dtype: value,
            trainable=False,
            name=name,
        )


def fingerprint_of(learner: Model) -> str:
    """Returns a string that changes when any weight of a learner does."""
    return PREFIX + weights_digest(learner)


def has_fingerprint(learner: Model, fingerprint: str | None) -> bool:
    """Returns whether a fingerprint is that of the weights of a learner."""
    if fingerprint is None or fingerprint.startswith(PREFIX):
        return fingerprint == fingerprint_of(learner)
    # Those of earlier versions hold paths, which of a `Sequential` change in a file.
    paths = lambda weight: weight.path.split("/", 1)[-1], lambda weight: weight.path
    return any(fingerprint == weights_digest(learner, path) for path in paths)


def _of_one_task(tree):
    return {name: ops.convert_to_tensor(value)[0] for name, value in tree.items()}
