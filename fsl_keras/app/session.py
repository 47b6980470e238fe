"""What one person teaches: examples of classes, and the classifier of them."""

import itertools
import pathlib
import threading
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

import numpy as np

from fsl_keras.app.examples import Example, ExampleSet, checked_name
from fsl_keras.app.fitted import Fitted
from fsl_keras.app.learners import Embedder
from fsl_keras.app.pictures import PictureFolder, embed, features_of, png
from fsl_keras.app.results import Answer, Taught, counted, listed_reasons
from fsl_keras.app.uploads import Limits, Skipped, Upload
from fsl_keras.classifier.stored_features import stored_features
from fsl_keras.digests import item_digest
from fsl_keras.typing import Model

# The number of changes that can be undone.
MOST_UNDONE = 50


class _State(NamedTuple):
    embedder: Embedder
    examples: ExampleSet


class Session:
    """The examples that one person has taught, and their classifier.

    Features are computed once per picture: changes of classes, and undoing them, embed
    nothing again. Several threads may use a session at a time. Its pictures are in a
    temporary folder, which is removed by `close` or when the session is.

    Args:
        embedder: `Embedder`, the learner.
        limits: optional `Limits`.
        classifier: optional `FewShotClassifier` of this learner, to begin with.

    Example:

    >>> import fsl_keras as fsl
    >>> from fsl_keras.app.learners import Embedder
    >>> learner = fsl.from_preset("prototypical_conv4_omniglot")
    >>> session = Session(Embedder("characters", learner))
    >>> drawings = np.random.default_rng(0).integers(0, 256, (3, 28, 28, 3), "uint8")
    >>> print(session.teach_picture("alef", drawings[0]))
    Learned 1 picture.
    >>> print(session.teach_picture("bet", drawings[1]))
    Learned 1 picture.
    >>> session.predict(drawings[1]).class_name
    'bet'
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
        self._pictures = PictureFolder()
        if classifier is not None:
            self._state = _State(embedder, self._examples_of(classifier))
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
    def can_undo(self) -> bool:
        """Whether there is a change to undo."""
        return bool(self._history)

    def teach(
        self,
        class_name: str,
        uploads: Sequence[Upload],
        skipped: Sequence[Skipped] = (),
    ) -> Taught:
        """Adds pictures to a class, which is a new or a known one.

        Args:
            class_name: string. If it is blank, the class of each picture is the name of
                its folder in the archive.
            uploads: list of `Upload`.
            skipped: list of `Skipped`, files that could not be read as uploads.

        Returns:
            A `Taught`.

        Raises:
            ValueError: if there is no valid name, or no picture can be read.
        """
        names = [checked_name(class_name or upload.folder) for upload in uploads]
        with self._lock:
            self._check_room(uploads)
            found, bad = embed([upload.contents for upload in uploads], self.embedder)
            skipped = [*skipped, *(Skipped(uploads[i].name, why) for i, why in bad)]
            if not found:
                reasons = listed_reasons(skipped) or "Choose files, or a ZIP archive"
                raise ValueError(f"There is no picture to learn. {reasons}.")
            more = [self._example(names[p.row], uploads[p.row], p) for p in found]
            before = len(self.examples)
            self._change(self.examples.with_more(more))
            added = len(self.examples) - before
            return Taught(added, len(more) - added, skipped)

    def teach_picture(self, class_name: str, picture: Any) -> Taught:
        """Adds one picture to a class, such as a frame of a camera.

        Args:
            class_name: string.
            picture: uint8 array `[H, W, 3]`.
        """
        return self.teach(class_name, [Upload("camera.png", png(picture))])

    def predict(self, picture: Any) -> Answer:
        """Predicts the class of one picture.

        Args:
            picture: the bytes of a file, or a uint8 array `[H, W, 3]`.

        Returns:
            An `Answer`. `correct` teaches the picture, also if there is none.

        Raises:
            ValueError: if there are no classes, or the picture cannot be read.
        """
        self._shown = picture
        # One object, as another thread may change the classes.
        fitted = self.fitted
        probabilities = fitted.probabilities(features_of(picture, fitted.embedder))
        class_name = max(probabilities, key=probabilities.__getitem__)
        return Answer(class_name, probabilities)

    def correct(self, class_name: str) -> Taught:
        """Teaches the picture that `predict` was last given.

        Args:
            class_name: string, the right class, a new or a known one.

        Raises:
            ValueError: if there is no such picture, or the name is not valid.
        """
        shown = self._shown
        if shown is None:
            raise ValueError("Show a picture first: to the camera, or as a file.")
        if isinstance(shown, np.ndarray):
            return self.teach_picture(class_name, shown)
        return self.teach(class_name, [Upload("shown", shown)])

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
        """Changes the learner: the pictures are embedded again.

        Raises:
            ValueError: if an example has no picture.
        """
        with self._lock:
            examples = self.examples
            lacking = [example for example in examples if example.file is None]
            if lacking:
                raise ValueError(
                    f"{counted(len(lacking), 'example')} of a classifier that was "
                    f"opened cannot be learned by another learner, as the file holds "
                    f"no pictures. Remove these classes, or teach the pictures again."
                )
            found, bad = embed([example.file for example in examples], embedder)
            if bad:
                raise ValueError(f"A picture cannot be read again: {bad[0][1]}.")
            again = [
                examples[p.row]._replace(
                    digest=item_digest(p.item), features=p.features, small=p.small
                )
                for p in found
            ]
            self._change(ExampleSet().with_more(again), embedder)

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
            self._change(self._examples_of(classifier), embedder)

    def undo(self) -> None:
        """Takes the last change back.

        Raises:
            ValueError: if there is none.
        """
        with self._lock:
            if not self._history:
                raise ValueError("There is nothing to undo.")
            self._state, self._fitted = self._history.pop()

    def _change(self, examples, embedder=None):
        """Fits a classifier of other examples, and then replaces the old one."""
        state = _State(embedder or self._state.embedder, examples)
        if state.embedder is self.embedder and _same(examples, self.examples):
            return
        fitted = Fitted(*state) if examples else None
        self._history = [*self._history, (self._state, self._fitted)][-MOST_UNDONE:]
        self._state, self._fitted = state, fitted

    def _check_room(self, uploads):
        limits = self.limits
        total = self._pictures.bytes + sum(len(upload.contents) for upload in uploads)
        if len(self.examples) + len(uploads) > limits.examples:
            raise ValueError(
                f"There is room for {limits.examples} pictures, and there would be "
                f"{len(self.examples) + len(uploads)}. Remove some."
            )
        if total > limits.session_bytes:
            raise ValueError(
                f"The pictures would take more than {limits.session_bytes // 2**20} "
                f"MB. Download the classifier, open it in a new page and go on there."
            )

    def _examples_of(self, classifier):
        """Returns the examples of a classifier, which have no pictures."""
        learned = classifier.task.learned
        if learned.are_descriptions.any():
            raise ValueError(
                "This classifier has descriptions of classes, which cannot be shown "
                "here."
            )
        features = stored_features(classifier)
        if features is None or learned.owners is None:
            raise ValueError(
                "This classifier has no features of its examples: it was saved by an "
                "earlier version, or it has very many. Teach the pictures again."
            )
        return ExampleSet(
            Example(
                next(self._ids),
                classifier.class_names[number],
                _name_of(source),
                int(digest),
                np.asarray(features[learned.owners == row]),
            )
            for row, ((digest, number), source) in enumerate(
                zip(learned.pairs.tolist(), learned.sources, strict=True)
            )
        )

    def _example(self, class_name, upload, embedded):
        """Keeps a picture that was read, and returns the example of it."""
        id = next(self._ids)
        return Example(
            id,
            class_name,
            upload.name,
            item_digest(embedded.item),
            embedded.features,
            embedded.small,
            **self._pictures.add(id, upload.name, upload.contents),
        )


def _same(examples, others):
    """Returns whether two sets have the same examples in the same classes."""
    return [(e.id, e.class_name, e.file) for e in examples] == [
        (e.id, e.class_name, e.file) for e in others
    ]


def _name_of(source):
    return pathlib.PurePath(source).name if isinstance(source, str) else f"{source}"
