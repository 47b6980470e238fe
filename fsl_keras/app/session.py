"""What one person teaches: examples of classes, and the classifier of them."""

import itertools
import pathlib
import threading
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from fsl_keras.app import pictures
from fsl_keras.app.examples import Example, ExampleSet, checked_name
from fsl_keras.app.fitted import Fitted
from fsl_keras.app.kinds import KINDS, Kind
from fsl_keras.app.learners import Embedder
from fsl_keras.app.opening import examples_of
from fsl_keras.app.relearning import relearned
from fsl_keras.app.results import Answer, Taught, listed_reasons
from fsl_keras.app.uploads import Limits, Skipped, Upload
from fsl_keras.digests import item_digest
from fsl_keras.typing import Model

# The number of changes that can be undone.
MOST_UNDONE = 50


class _State(NamedTuple):
    embedder: Embedder
    examples: ExampleSet


class Session:
    """The examples that one person has taught, and their classifier.

    They are pictures or texts, as the learner takes them. Features are computed once
    per example: changes of classes, and undoing them, embed nothing again. Several
    threads may use a session at a time. Its pictures are in a temporary folder, which
    is removed by `close` or when the session is.

    Args:
        embedder: `Embedder`, the learner.
        limits: optional `Limits`.
        classifier: optional `FewShotClassifier` of this learner, to begin with.

    Example:

    >>> import fsl_keras as fsl
    >>> from fsl_keras.app import Embedder
    >>> from fsl_keras.app.texts import upload_of
    >>> encoder = fsl.backbones.HashedTextEncoder()
    >>> learner = fsl.models.TransferLearner(encoder, "ridge")
    >>> session = Session(Embedder("hashed", learner))
    >>> print(session.teach("card", [upload_of("where is my card")]))
    Learned 1 text.
    >>> print(session.teach("pin", [upload_of("a new PIN please")]))
    Learned 1 text.
    >>> session.predict("is the card there?").class_name
    'card'
    """

    def __init__(
        self,
        embedder: Embedder,
        limits: Limits | None = None,
        classifier: Model | None = None,
    ):
        self.limits = limits or Limits()
        self._state = _State(embedder, ExampleSet())
        self._fitted: Fitted | None = None
        self._history: list[tuple[_State, Fitted | None]] = []
        self._shown: Any = None
        self._lock = threading.RLock()
        self._ids = itertools.count()
        self._pictures = pictures.PictureFolder()
        if classifier is not None:
            self._state = _State(embedder, examples_of(classifier, self._ids))
            self._fitted = Fitted(*self._state)

    def close(self) -> None:
        """Removes the temporary folder. The session cannot be used after that."""
        self._pictures.close()

    @property
    def folder(self) -> pathlib.Path:
        """The temporary folder, a path."""
        return self._pictures.path

    @property
    def examples(self) -> ExampleSet:
        """The examples, an `ExampleSet`."""
        return self._state.examples

    @property
    def class_names(self) -> list[str]:
        """The names of the classes, a list of strings."""
        return self.examples.class_names

    @property
    def embedder(self) -> Embedder:
        """The learner, an `Embedder`."""
        return self._state.embedder

    @property
    def item_kind(self) -> str:
        """What an example is: `"image"` or `"text"`."""
        return self.embedder.learner.item_kind

    @property
    def kind(self) -> Kind:
        """What is special about examples of this kind, a `Kind`."""
        return KINDS[self.item_kind]

    @property
    def fitted(self) -> Fitted:
        """The classifier with its estimates.

        Raises:
            ValueError: if there are no classes.
        """
        fitted = self._fitted
        if fitted is None:
            raise ValueError("There are no classes yet: teach one first.")
        return fitted

    @property
    def shown(self) -> Any:
        """What `correct` teaches, or None."""
        return self._shown

    @property
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._history)

    def teach(
        self,
        class_name: str,
        uploads: Sequence[Upload],
        skipped: Sequence[Skipped] = (),
    ) -> Taught:
        """Adds pictures or texts to a class, which is a new or a known one.

        Args:
            class_name: string. If it is empty, the class of each picture is the name of
                its folder in the archive, and that of a text its label in the table.
            uploads: list of `Upload`.
            skipped: list of `Skipped`, what could not be read as uploads.

        Returns:
            A `Taught`.

        Raises:
            ValueError: if there is no valid name, nothing can be read, or there is no
                room.
            OSError: if the disk is full.
        """
        names = [checked_name(class_name or upload.folder) for upload in uploads]
        with self._lock:
            kind = self.kind
            self._check_room(uploads)
            found, bad = kind.embed([u.contents for u in uploads], self.embedder)
            skipped = [*skipped, *(Skipped(uploads[i].name, why) for i, why in bad)]
            if not found:
                reasons = listed_reasons(skipped) or kind.nothing_given
                raise ValueError(f"There is no {kind.noun} to learn. {reasons}.")
            before = len(self.examples)
            with self._pictures.all_or_none():
                more = [self._example(names[p.row], uploads[p.row], p) for p in found]
                self._change(self.examples.with_more(more))
            added = len(self.examples) - before
            return Taught(added, len(more) - added, skipped, kind.noun)

    def teach_picture(self, class_name: str, picture: Any) -> Taught:
        """Adds one picture to a class, such as a frame of a camera.

        Args:
            class_name: string.
            picture: uint8 array `[H, W, 3]`.
        """
        return self.teach(class_name, [pictures.upload_of(picture)])

    def show(self, item: Any) -> None:
        """Keeps what `correct` teaches.

        Args:
            item: the bytes of a picture's file, a uint8 array `[H, W, 3]`, or a text.

        Raises:
            ValueError: if the session learns items of another kind, or a text is too
                long.
        """
        self.kind.check(item, self.limits)
        self._shown = item

    def predict(self, item: Any) -> Answer:
        """Predicts the class of one picture or text.

        Args:
            item: as in `show`.

        Returns:
            An `Answer`. `correct` teaches the item, also if there is none.

        Raises:
            ValueError: if there are no classes, or the item cannot be read.
        """
        self.show(item)
        # One object, as another thread may change the classes.
        fitted = self.fitted
        kind = KINDS[fitted.embedder.learner.item_kind]
        probabilities = fitted.probabilities(kind.features_of(item, fitted.embedder))
        class_name = max(probabilities, key=probabilities.__getitem__)
        return Answer(class_name, probabilities)

    def correct(self, class_name: str) -> Taught:
        """Teaches what `show` or `predict` was last given.

        Args:
            class_name: string, the right class, a new or a known one.

        Raises:
            ValueError: if nothing was shown, or the name is not valid.
        """
        shown = self._shown
        if shown is None:
            raise ValueError(self.kind.nothing_shown)
        return self.teach(class_name, [self.kind.upload_of(shown)])

    def rename(self, old: str, new: str) -> None:
        """Gives a class another name; see `ExampleSet.renamed`."""
        with self._lock:
            self._change(self.examples.renamed(old, new))

    def merge(self, source: str, target: str) -> None:
        """Moves all examples of a class to another; see `ExampleSet.merged`."""
        with self._lock:
            self._change(self.examples.merged(source, target))

    def remove_class(self, class_name: str) -> None:
        """Removes a class and its examples."""
        with self._lock:
            self._change(self.examples.without_class(class_name))

    def remove(self, ids: Collection[int]) -> None:
        """Removes examples by their ids. A class without examples is gone."""
        with self._lock:
            self._change(self.examples.without(ids))

    def move(self, ids: Collection[int], class_name: str) -> None:
        """Moves examples, by their ids, to another class."""
        with self._lock:
            self._change(self.examples.moved(ids, class_name))

    def use(self, embedder: Embedder) -> None:
        """Changes the learner: the examples are embedded again.

        Without examples it may take items of the other kind.

        Raises:
            ValueError: if it takes items of another kind than the examples, or the
                picture or text of an example is not known.
        """
        with self._lock:
            self._change(relearned(self.examples, self.kind, embedder), embedder)

    def open(self, classifier: Model, name: str) -> None:
        """Replaces everything by a classifier; the change can be undone.

        Args:
            classifier: a `FewShotClassifier`.
            name: string, the name of its learner for people.

        Raises:
            ValueError: if its examples cannot be changed.
        """
        embedder = Embedder(
            name, classifier.learner, preprocessing=classifier.preprocessing
        )
        with self._lock:
            self._change(examples_of(classifier, self._ids), embedder)

    def undo(self) -> None:
        """Takes the last change back.

        Raises:
            ValueError: if there is none.
        """
        with self._lock:
            if not self._history:
                raise ValueError("There is nothing to undo.")
            self._become(*self._history.pop())

    def _change(self, examples, embedder=None):
        """Fits a classifier of other examples, and then replaces the old one."""
        state = _State(embedder or self._state.embedder, examples)
        if state.embedder is self.embedder and _same(examples, self.examples):
            return
        fitted = Fitted(*state) if examples else None
        self._history = [*self._history, (self._state, self._fitted)][-MOST_UNDONE:]
        self._become(state, fitted)

    def _become(self, state, fitted):
        if state.embedder.learner.item_kind != self.item_kind:
            self._shown = None
        self._state, self._fitted = state, fitted

    def _check_room(self, uploads):
        for upload in uploads:
            self.kind.check(upload.contents, self.limits)
        limits, total = self.limits, len(self.examples) + len(uploads)
        is_text = self.item_kind == "text"
        most = limits.text_examples if is_text else limits.examples
        if total > most:
            raise ValueError(
                f"There is room for {most} {self.kind.noun}s, and there would be "
                f"{total}. Remove some."
            )
        if is_text:
            return
        total = self._pictures.bytes + sum(len(upload.contents) for upload in uploads)
        if total > limits.session_bytes:
            raise ValueError(
                f"The pictures would take more than {limits.session_bytes // 2**20} "
                f"MB. Download the classifier, open it in a new page and go on there."
            )

    def _example(self, class_name, upload, embedded):
        """Keeps what was read, and returns the example of it."""
        id = next(self._ids)
        is_text = self.item_kind == "text"
        example = Example(
            id,
            class_name,
            upload.name,
            item_digest(embedded.item),
            embedded.features,
            embedded.small,
            embedded.item if is_text else None,
        )
        if is_text:
            return example
        return example._replace(**self._pictures.add(id, upload.name, upload.contents))


def _same(examples, others):
    """Returns whether two sets have the same examples in the same classes."""
    return [(e.id, e.class_name, e.original) for e in examples] == [
        (e.id, e.class_name, e.original) for e in others
    ]
