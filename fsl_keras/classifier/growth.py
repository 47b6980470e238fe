"""Changes to the examples of a classifier, and checks before its classes change."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras import inputs
from fsl_keras.classifier.descriptions import NONE, Descriptions, learn_descriptions
from fsl_keras.classifier.learning import learn, relearn
from fsl_keras.classifier.stored_features import stored_features
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.classifier.task_weights import has_fingerprint
from fsl_keras.datasets.labels import class_name_of, label_names
from fsl_keras.typing import Model, Nested


def change_example(
    classifier: Model, example_id: int, class_name: str | None = None
) -> None:
    """Removes one example of a classifier, or moves it to another class.

    Args:
        classifier: a `FewShotClassifier`.
        example_id: integer, the `id` of one of `classifier.examples()`.
        class_name: optional string, the class to move it to.
    """
    check_fingerprint(classifier)
    learner, ways = classifier.learner, len(classifier.class_names)
    learned = classifier.task.learned
    row = learned.row_of(example_id)
    digest, number = learned.pairs[row].tolist()
    if class_name == classifier.class_names[number]:
        return
    check_features(learned)
    if (learned.classes == number).sum() == 1:
        name = classifier.class_names[number]
        raise ValueError(
            f"This is the only example of {name!r}. Remove the class with "
            f"`remove_class({name!r})`, or add other examples with `update` first."
        )
    if learner.memory_holds_features:
        learned.features = stored_features(classifier)
    target = class_name and (digest, classifier.class_names.index(class_name))
    if target is None or target in classifier.task.examples:
        # An image that the other class has already counts once.
        learned = learned.without(row)
    else:
        learned = learned.with_class(row, target[1])
    memory = relearn(learner, learned, ways)
    if learner.memory_holds_features:
        learned.features = None
    classifier.know(classifier.class_names, memory, learned)


def forget_class(classifier: Model, class_name: str) -> None:
    """Removes a class and its examples from a classifier.

    Args:
        classifier: a `FewShotClassifier`.
        class_name: string, a known class.
    """
    learner, class_names = classifier.learner, classifier.class_names
    kept = [i for i, name in enumerate(class_names) if name != class_name]
    learned = classifier.task.learned.of_classes(kept)
    if learner.forgets_classes:
        memory = learner.select(classifier.task.memory, np.asarray(kept))
    else:
        check_features(learned)
        memory = relearn(learner, learned, len(kept))
    classifier.know([class_names[i] for i in kept], memory, learned)


def learn_class(
    classifier: Model,
    class_names: Sequence[str],
    memory: Nested,
    images: Any,
    class_name: str,
    descriptions: Descriptions = NONE,
) -> None:
    """Adds examples of one class to a memory, and replaces that of a classifier.

    Args:
        classifier: a `FewShotClassifier`.
        class_names: list of the names of its classes from now on.
        memory: memory of these classes.
        images: examples in any form, or None if there is a description.
        class_name: string, the class of the examples.
        descriptions: `Descriptions`.
    """
    learner, learned = classifier.learner, classifier.task.learned
    if images is not None or not descriptions.texts:
        examples = inputs.Examples(
            images,
            class_name,
            class_names,
            classifier.preprocessing,
            classifier.item_kind,
        )
        memory, learned = learn(
            learner,
            examples.batches(inputs.batch_size(learner.item_shape)),
            len(class_names),
            memory,
            learned,
            source=examples.source,
        )
    if descriptions.texts:
        memory, learned = learn_descriptions(
            learner, descriptions, class_names, memory, learned
        )
    classifier.know(class_names, memory, learned)


def learn_labeled(classifier: Model, images: Any, labels: Any) -> None:
    """Adds labeled examples to a classifier, of known and of new classes.

    Args:
        classifier: a `FewShotClassifier`.
        images: examples in any form.
        labels: names of classes, or None if the images contain them.
    """
    learner, known = classifier.learner, classifier.class_names
    if labels is not None and not isinstance(labels, str):
        labels = [class_name_of(label) for label in labels]
    examples = inputs.Examples(
        images, labels, None, classifier.preprocessing, classifier.item_kind
    )
    new = [name for name in examples.class_names if name not in known]
    (check_growth if new else check_fingerprint)(classifier)
    class_names = [*known, *new]
    places = np.asarray([class_names.index(name) for name in examples.class_names])
    batches = examples.batches(inputs.batch_size(learner.item_shape))
    memory, learned = learn(
        learner,
        ((items, places[numbers], rows) for items, numbers, rows in batches),
        len(class_names),
        learner.widen(classifier.task.memory, len(class_names)),
        classifier.task.learned,
        source=examples.source,
    )
    missing = set(range(len(class_names))) - set(learned.classes.tolist())
    if missing:
        names = [class_names[number] for number in sorted(missing)]
        raise ValueError(f"No example of the classes {names} can be read.")
    classifier.know(class_names, memory, learned)


def known_name(classifier: Model, class_name: str | int) -> str:
    """Returns the name of a known class; raises an error for other names."""
    (name,) = label_names([class_name_of(class_name)], classifier.class_names)
    if name not in classifier.class_names:
        raise ValueError(
            f"There is no class {name!r}. Known classes: {classifier.class_names}. Use "
            f"`add_class` for a new one."
        )
    return name


def check_features(learned: LearnedExamples) -> None:
    """Raises an error if the features of the examples are not known."""
    if learned.owners is None:
        raise ValueError(
            "This classifier has no features of its examples: it was saved by an "
            "earlier version, or it has very many examples. Call `adapt` of the "
            "learner with the corrected examples."
        )


def check_growth(classifier: Model) -> None:
    """Raises an error if a classifier cannot change its number of classes."""
    learner = classifier.learner
    if learner.incremental == "fixed_ways":
        raise ValueError(
            f"{type(learner).__name__} was made for a fixed number of classes. Call "
            f"`adapt` of the learner with the examples of all of them."
        )
    check_fingerprint(classifier)


def check_fingerprint(classifier: Model, learner: Model | None = None) -> None:
    """Raises an error if the examples were embedded with other weights."""
    if not has_fingerprint(learner or classifier.learner, classifier.fingerprint):
        raise ValueError(
            "The weights of the backbone are not those that these classes were "
            "learned with, so their examples cannot be compared. Call `adapt` of "
            "the learner with the examples of all classes."
        )


def check_joinable(classifier: Model, other: Model) -> None:
    """Raises an error if the classes of two classifiers cannot be joined."""
    check_growth(classifier)
    check_fingerprint(other)
    check_fingerprint(other, classifier.learner)
    for option in ("invert", "resize"):
        mine, theirs = (
            getattr(c.preprocessing, option, None) for c in (classifier, other)
        )
        if mine != theirs:
            raise ValueError(
                f"One classifier was made with `{option}={mine!r}` and the other with "
                f"`{option}={theirs!r}`: their examples cannot be compared. Call "
                f"`adapt` of the learner with the same `{option}` for both."
            )
    both = [name for name in other.class_names if name in classifier.class_names]
    if both:
        raise ValueError(f"The classes {both} are known already; remove them first.")
