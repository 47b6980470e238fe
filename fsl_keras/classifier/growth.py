"""Changes to the examples of a classifier, and checks before its classes change."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fsl_keras import inputs
from fsl_keras.classifier.class_memory import ClassMemory
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
        learned = learned.with_features(stored_features(classifier))
    target = class_name and (digest, classifier.class_names.index(class_name))
    if target is None or target in classifier.task.examples():
        # An image that the other class has already counts once.
        learned = learned.without(row)
    else:
        learned = learned.with_class(row, target[1])
    memory = relearn(learner, learned, ways)
    if learner.memory_holds_features:
        learned = learned.with_features(None)
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
    if learner.appends_classes:
        classifier.know_only(np.asarray(kept), learned)
        return
    if learner.forgets_classes:
        memory = learner.select(classifier.memory(), np.asarray(kept))
    else:
        check_features(learned)
        memory = relearn(learner, learned, len(kept))
    classifier.know([class_names[i] for i in kept], memory, learned)


def learn_new_class(
    classifier: Model, class_name: str, images: Any, descriptions: Descriptions = NONE
) -> None:
    """Adds a class to a classifier.

    Args:
        classifier: a `FewShotClassifier`.
        class_name: string, a new name.
        images: its examples in any form, or None if there is a description.
        descriptions: `Descriptions`.
    """
    learner, task = classifier.learner, classifier.task
    if learner.appends_classes:
        alone = learn_class(classifier, class_name, [class_name], images, descriptions)
        classifier.know_more([class_name], *alone)
        return
    class_names = [*classifier.class_names, class_name]
    memory, learned = learn_class(
        classifier,
        class_name,
        class_names,
        images,
        descriptions,
        learner.widen(classifier.memory(), len(class_names)),
        task.learned,
    )
    classifier.know(class_names, memory, learned)


def learn_more_of_class(classifier: Model, class_name: str, images: Any) -> None:
    """Adds examples to a class of a classifier.

    Args:
        classifier: a `FewShotClassifier`.
        class_name: string, a known class.
        images: further examples in any form.
    """
    class_names, learned = classifier.class_names, classifier.task.learned
    memory = _memory_to_change(classifier, class_names)
    whole, learned = learn_class(
        classifier, class_name, class_names, images, memory=memory, learned=learned
    )
    _know_changed(classifier, class_names, memory, whole, learned)


def _memory_to_change(classifier, class_names):
    """Returns the memory of classes, of which some may be new, to add examples to."""
    learner, known = classifier.learner, len(classifier.class_names)
    if not learner.appends_classes:
        return learner.widen(classifier.memory(), len(class_names))

    def memory_of(classes):
        old = classifier.memory_of(classes[classes < known])
        return learner.widen(old, len(classes))

    return ClassMemory(learner, len(class_names), memory_of)


def _know_changed(classifier, class_names, memory, whole, learned):
    """Gives a classifier what was added to a memory of `_memory_to_change`."""
    if isinstance(memory, ClassMemory):
        changed = memory.numbers
        if len(changed):
            classifier.know_again(class_names, changed, memory.of_numbers, learned)
    else:
        classifier.know(class_names, whole, learned)


def learn_class(
    classifier: Model,
    class_name: str,
    class_names: Sequence[str],
    images: Any,
    descriptions: Descriptions = NONE,
    memory: Nested | None = None,
    learned: LearnedExamples | None = None,
) -> tuple[Nested, Any]:
    """Adds examples of one class to a memory.

    Args:
        classifier: a `FewShotClassifier`, which does not change.
        class_name: string, the class of the examples.
        class_names: list of the names of the classes of the memory.
        images: examples in any form, or None if there is a description.
        descriptions: `Descriptions`.
        memory: optional memory of these classes.
        learned: optional `LearnedExamples` in the memory.

    Returns:
        A pair: the memory and the `LearnedExamples` in it.
    """
    learner = classifier.learner
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
    return memory, learned


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
    numbers_of = {name: number for number, name in enumerate(known)}
    new = [name for name in examples.class_names if name not in numbers_of]
    (check_growth if new else check_fingerprint)(classifier)
    class_names = [*known, *new]
    numbers_of |= {name: len(known) + number for number, name in enumerate(new)}
    places = np.asarray([numbers_of[name] for name in examples.class_names])
    batches = examples.batches(inputs.batch_size(learner.item_shape))
    memory = _memory_to_change(classifier, class_names)
    whole, learned = learn(
        learner,
        ((items, places[numbers], rows) for items, numbers, rows in batches),
        len(class_names),
        memory,
        classifier.task.learned,
        source=examples.source,
    )
    missing = set(range(len(class_names))) - set(learned.classes.tolist())
    if missing:
        names = [class_names[number] for number in sorted(missing)]
        raise ValueError(f"No example of the classes {names} can be read.")
    _know_changed(classifier, class_names, memory, whole, learned)


def known_name(classifier: Model, class_name: str | int) -> str:
    """Returns the name of a known class; raises an error for other names."""
    known = classifier.class_names
    (name,) = label_names([class_name_of(class_name)], known)
    if name not in known:
        raise ValueError(
            f"There is no class {name!r}. Known classes: {known[:10]}"
            f"{'...' if len(known) > 10 else ''}. Use `add_class` for a new one."
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
    fingerprint, watch = classifier.fingerprint, classifier.weights_watch
    if learner is None and watch.matches(fingerprint):
        return
    if not has_fingerprint(learner or classifier.learner, fingerprint):
        raise ValueError(
            "The weights of the backbone are not those that these classes were "
            "learned with, so their examples cannot be compared. Call `adapt` of "
            "the learner with the examples of all classes."
        )
    if learner is None:
        watch.remember(fingerprint)


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
    known = set(classifier.class_names)
    both = [name for name in other.class_names if name in known]
    if both:
        raise ValueError(f"The classes {both} are known already; remove them first.")
