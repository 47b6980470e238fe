"""The classifier of the sessions that a learner was trained on."""

import copy
import dataclasses
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fsl_keras import inputs
from fsl_keras.continual.drift import compensate_drift
from fsl_keras.continual.exemplars import ExemplarMemory
from fsl_keras.continual.session_training import SessionTraining, train
from fsl_keras.files import replacing
from fsl_keras.layers import CosineDense
from fsl_keras.layers.unit_length import to_unit_length
from fsl_keras.models import TransferLearner
from fsl_keras.pretraining.examples import read
from fsl_keras.typing import Model, Path, Tensor

# The initial factor of cosine similarities, which is trained.
SCALE = 20.0


@dataclasses.dataclass(frozen=True)
class State:
    """What is known after a session. A session makes another one.

    Args:
        class_names: list of `C` strings.
        counts: integers `[C]`, the examples of each class so far.
        network: the Keras model from items to vectors.
        head: `CosineDense` from vectors to `C` logits; None before the first session.
        exemplars: optional `ExemplarMemory`.
        sessions: integer, the number of sessions.
    """

    class_names: list[str]
    counts: np.ndarray
    network: Model
    head: Any
    exemplars: ExemplarMemory | None
    sessions: int


class FineTunedClassifier:
    """A classifier that is trained on one session after the other.

    Made by `FineTuningLearner.adapt`. A session trains a copy, which takes the place of
    the classifier when all is done: after an error or an interruption it is as it was.

    Args:
        learner: the `FineTuningLearner`.
    """

    def __init__(self, learner: Any):
        self.learner = learner
        none = np.zeros(0, int)
        self._state = State([], none, learner.backbone, None, learner.exemplars, 0)

    @property
    def class_names(self) -> list[str]:
        """The classes learned so far, in the order of logits."""
        return list(self._state.class_names)

    @property
    def exemplars(self) -> ExemplarMemory | None:
        """The memory of exemplars; None if there is none."""
        return self._state.exemplars

    @property
    def memory_bytes(self) -> int:
        """The size of the exemplars and of the vectors of all classes."""
        exemplars = self._state.exemplars
        kept = 0 if exemplars is None else exemplars.nbytes
        return kept + self._state.head.kernel.numpy().nbytes

    @property
    def model(self) -> Model:
        """The Keras model from items to logits, to save or to export.

        Later sessions do not change it.
        """
        state = self._state
        item = keras.Input(self.learner.item_shape, dtype=state.network.inputs[0].dtype)
        return keras.Model(item, state.head(state.network(item)))

    def logits(self, items: Tensor) -> np.ndarray:
        """Returns the logits, float32 `[n, C]`, of an array of items."""
        return _logits(
            self._state.head, _embeddings(self._state.network, np.asarray(items))
        )

    def add_examples(
        self, items: Any, labels: Any = None, verbose: int | str = 0
    ) -> None:
        """Learns a session: examples of new classes, of known ones, or of both.

        Args:
            items: the examples in any form, see `EpisodicModel.adapt`.
            labels: their classes, names; None if `items` contain them.
            verbose: as in `keras.Model.fit`.

        Raises:
            ValueError: if there is no example, items are not those of the backbone, or
                one does not fit into the memory of exemplars.
        """
        state = self._state
        items, names = self._read(items, labels)
        if self.learner.unfreeze is None:
            items = _embeddings(state.network, items)
        # Before training, as it refuses items that do not fit.
        exemplars, earlier, earlier_names = _with_items(state.exemplars, items, names)
        new = [name for name in dict.fromkeys(names) if name not in state.class_names]
        class_names = [*state.class_names, *new]
        number_of = {name: number for number, name in enumerate(class_names)}
        network, head, counts = self._trained(
            state,
            np.concatenate([items, earlier]),
            np.asarray([number_of[name] for name in [*names, *earlier_names]]),
            len(names),
            len(class_names),
            verbose,
        )
        self._state = State(
            class_names, counts, network, head, exemplars, state.sessions + 1
        )

    def save(self, path: Path) -> None:
        """Writes the classifier as a `.npz` file, for `FineTuningLearner.restore`.

        An earlier file is kept until all is written.
        """
        state = self._state
        values: dict[str, Any] = {
            "class_names": np.asarray(state.class_names, str),
            "counts": state.counts,
            "sessions": np.asarray(state.sessions),
        }
        for place, weight in enumerate(self._weights(state)):
            values[f"weight {place}"] = keras.ops.convert_to_numpy(weight)
        if state.exemplars is not None:
            for name, value in state.exemplars.get_state().items():
                values[f"exemplars {name}"] = value
        with replacing(path) as temporary, open(temporary, "wb") as file:
            np.savez(file, **values)

    def set_state(self, stored: Mapping[str, np.ndarray]) -> None:
        """Sets all that `save` wrote.

        Args:
            stored: the arrays of the file.

        Raises:
            ValueError: if the weights are of another network, or there are exemplars
                and the learner has none, or the reverse.
        """
        exemplars = self._state.exemplars
        has_exemplars = "exemplars items" in stored
        if has_exemplars != (exemplars is not None):
            raise ValueError(
                f"The classifier was saved {'with' if has_exemplars else 'without'} "
                f"exemplars: restore it by a learner that has "
                f"{'a memory of them' if has_exemplars else 'none'}."
            )
        if exemplars is not None:
            exemplars = copy.copy(exemplars)
            exemplars.set_state(
                {name.removeprefix("exemplars "): stored[name] for name in stored}
            )
        names, network = stored["class_names"].tolist(), self._copy_of_network()
        head = _head(network, len(names))
        sessions = int(stored["sessions"])
        state = State(names, stored["counts"], network, head, exemplars, sessions)
        weights = self._weights(state)
        found = [stored[name] for name in stored if name.startswith("weight ")]
        if [value.shape for value in found] != [tuple(w.shape) for w in weights]:
            raise ValueError(
                "The weights in the file are of another network: restore the "
                "classifier by a learner with the same `backbone` and `unfreeze` as "
                "the one that wrote it."
            )
        for weight, value in zip(weights, found, strict=True):
            weight.assign(value)
        self._state = state

    def _read(self, items, labels):
        """Returns the examples of a session as an array, and the class of each."""
        learner = self.learner
        shape = getattr(items, "shape", (0, *learner.item_shape))[1:]
        if learner.item_kind != "text" and len(shape) < len(learner.item_shape):
            raise ValueError(
                f"The items of this session have the shape {tuple(shape)}, and the "
                f"backbone takes {learner.item_shape}. A backbone that is trained "
                f"changes embeddings: give the items themselves. Embeddings are for "
                f"`unfreeze=None` and a learner on them, `learner.on_features()`."
            )
        if hasattr(items, "__len__") and len(items) == 0:
            raise ValueError("The session is empty: it has no examples. Leave it out.")
        data = read(learner, items, labels, None)
        names = np.repeat(data.class_names, data.class_sizes).tolist()
        return data.fetch(np.arange(len(names))).numpy(), names

    def _trained(self, state, items, labels, own, ways, verbose):
        """Returns a network and a head that are trained on a session, and counts.

        Args:
            state: the state before.
            items: array `[n, *item]`, those of the session and then the exemplars.
            labels: their class numbers `[n]`.
            own: integer, the number of items of the session.
            ways: integer, the number of classes.
            verbose: as in `keras.Model.fit`.
        """
        learner, known = self.learner, len(state.class_names)
        is_frozen = learner.unfreeze is None
        before = items if is_frozen else _embeddings(state.network, items)
        network = state.network if is_frozen else self._copy_of_network()
        head = _head(network, ways)
        sums = np.zeros((ways, before.shape[1]))
        np.add.at(sums, labels[:own], _unit(before[:own]))
        added = np.bincount(labels[:own], minlength=ways)
        kernel = sums / np.maximum(added, 1)[:, None]
        earlier = np.zeros((len(items), 0), "float32")
        if known:
            earlier = _logits(state.head, before)
            kernel[:known] = state.head.kernel.numpy().T
            head.scale.assign(state.head.scale)
        head.kernel.assign(kernel.T)
        model = SessionTraining(
            None if is_frozen else network,
            head,
            learner.distillation,
            learner.temperature,
        )
        train(
            model,
            items,
            labels,
            earlier,
            learner.steps,
            learner.batch_size,
            learner.learning_rate,
            learner.seed + state.sessions,
            verbose,
        )
        counts = added.copy()
        counts[:known] += state.counts
        if learner.prototypes:
            after = items if is_frozen else _embeddings(network, items)
            sums = np.zeros_like(sums)
            if known:
                moved = compensate_drift(
                    state.head.kernel.numpy().T, _unit(before), _unit(after)
                )
                sums[:known] = moved * state.counts[:, None]
            np.add.at(sums, labels[:own], _unit(after[:own]))
            head.kernel.assign((sums / counts[:, None]).T)
        return network, head, counts

    def _copy_of_network(self):
        """Returns the network of the state; its copy if it has layers to train."""
        unfreeze = self.learner.unfreeze
        return TransferLearner(self._state.network, "cosine", unfreeze).backbone

    def _weights(self, state):
        """Returns the weights that sessions change."""
        trained = [] if self.learner.unfreeze is None else state.network.weights
        return [state.head.kernel, state.head.scale, *trained]


def _with_items(exemplars, items, names):
    """Returns a memory with the examples of a session, and what it held before."""
    if exemplars is None:
        return None, items[:0], []
    kept = copy.copy(exemplars)
    kept.add(items, names)
    before = items[:0] if exemplars.items is None else exemplars.items
    return kept, before, exemplars.labels


def _head(network, ways):
    head = CosineDense(ways, SCALE)
    head.build(network.output_shape)
    return head


def _embeddings(network, items):
    """Returns the embeddings of an array of items, in batches of bounded size."""
    size = inputs.batch_size(tuple(network.input_shape[1:]))
    parts = [items[start : start + size] for start in range(0, len(items), size)]
    if items.dtype == object:
        parts = [tf.constant(part.tolist(), "string") for part in parts]
    # Not by `predict`, which would compile a function for the network of each session.
    return np.concatenate(
        [np.asarray(network(part, training=False), "float32") for part in parts]
    )


def _logits(head, vectors):
    return np.asarray(head(vectors))


def _unit(vectors):
    return np.asarray(to_unit_length(vectors), "float64")
