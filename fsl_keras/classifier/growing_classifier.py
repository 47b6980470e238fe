"""A classifier whose classes and examples come and go."""

from typing import Any

import numpy as np

from fsl_keras.classifier.classifier_model import ClassifierModel
from fsl_keras.classifier.descriptions import Descriptions
from fsl_keras.classifier.growth import (
    change_example,
    check_fingerprint,
    check_growth,
    check_joinable,
    forget_class,
    known_name,
    learn_labeled,
    learn_more_of_class,
    learn_new_class,
)
from fsl_keras.classifier.task_examples import LearnedExample
from fsl_keras.datasets.labels import class_name_of
from fsl_keras.typing import Model


class GrowingClassifier(ClassifierModel):
    """Base of `FewShotClassifier`: adds and removes classes and examples."""

    def add_class(
        self,
        class_name: str | int,
        images: Any = None,
        description: str | None = None,
        description_weight: float = 1.0,
        text_encoder: Model | None = None,
    ) -> None:
        """Adds a class from its examples, without training.

        If the learner's `incremental` is `"exact"`, the state of the other classes is
        unchanged, bit-identical. If it is `"refit"`, such as with ridge or logistic
        regression, the state of all classes is computed again from their examples.

        Args:
            class_name: string, a new name; an integer becomes its digits.
            images: its examples in any form, without labels: a list of images, one
                image, or a folder, also with nested folders. Files that cannot be read
                are skipped, with a warning that names them. For a learner of texts, a
                list of texts or one text; None if there is a description.
            description: optional text that describes the class, see `from_examples`.
            description_weight: float, see `from_examples`.
            text_encoder: optional Keras model, see `from_examples`.

        Raises:
            ValueError: if the class is known, the learner cannot add classes, its
                weights have changed since the other classes were learned, or no
                example can be read.
        """
        class_name = class_name_of(class_name)
        with self._snapshots.changing():
            if class_name in self.class_names:
                raise ValueError(
                    f"The class {class_name!r} is known already. Give it more examples "
                    f"with `update`."
                )
            check_growth(self)
            described = Descriptions.of(
                None if description is None else {class_name: description},
                description_weight,
                self.learner,
                text_encoder,
            )
            learn_new_class(self, class_name, images, described)

    def update(self, class_name: str | int, images: Any) -> None:
        """Adds examples to a known class; repeated examples count once.

        Args:
            class_name: string, a known class.
            images: further examples, as in `add_class`.
        """
        with self._snapshots.changing():
            class_name = known_name(self, class_name)
            check_fingerprint(self)
            learn_more_of_class(self, class_name, images)

    def add_examples(self, images: Any, labels: Any = None) -> None:
        """Adds labeled examples, of known classes and of new ones.

        It is `update` of the known classes and `add_class` of the new ones together,
        and learns them at once. Repeated examples count once.

        Args:
            images: images, texts or other items in any form, see
                `EpisodicModel.adapt`, such as the path of a folder that holds a folder
                of images for each class.
            labels: `n` names of classes, integers become their digits; None if
                `images` contain them.

        Raises:
            ValueError: if there is a new class and the learner cannot add classes, its
                weights have changed since the other classes were learned, or no
                example of a new class can be read.
        """
        with self._snapshots.changing():
            learn_labeled(self, images, labels)

    def remove_class(self, class_name: str | int) -> None:
        """Removes a class and its examples.

        Args:
            class_name: string, a known class.

        Raises:
            ValueError: if it is the only class, or the head has one memory for all
                classes and there are no features of the examples, see `remove_example`.
        """
        with self._snapshots.changing():
            name = known_name(self, class_name)
            if len(self.class_names) == 1:
                raise ValueError(
                    f"The only class, {name!r}, cannot be removed. Add another "
                    f"one first, with `add_class`."
                )
            check_growth(self)
            forget_class(self, name)

    def examples(self) -> list[LearnedExample]:
        """Lists the examples of the classifier, repeated ones once.

        Returns:
            A list of `LearnedExample`, each with an `id`, a `class_name` and a
            `source`: the file as given, the text, or the index among the images as
            given. Descriptions are not among them.
        """
        with self._snapshots.changing():
            learned, names = self.task.learned, self.class_names
        return [
            LearnedExample(int(learned.ids[row]), names[number], learned.sources[row])
            for row, number in enumerate(learned.classes)
            if not learned.are_descriptions[row]
        ]

    @property
    def descriptions(self) -> dict[str, str]:
        """The descriptions of classes, a dictionary from class name to text.

        Texts of more than 1,000 characters are shortened.
        """
        with self._snapshots.changing():
            learned, names = self.task.learned, self.class_names
        return {
            names[learned.classes[row]]: str(learned.sources[row])
            for row in np.flatnonzero(learned.are_descriptions)
        }

    def remove_example(self, example_id: int) -> None:
        """Removes one example, as if the classifier had been made without it.

        Args:
            example_id: integer, the `id` of one of `examples()`.

        Raises:
            ValueError: if there is no such example, it is the only one of its class,
                or the classifier has no features of its examples, because they are very
                many or it was saved by an earlier version.
        """
        with self._snapshots.changing():
            change_example(self, example_id)

    def relabel(self, example_id: int, class_name: str | int) -> None:
        """Moves one example to another class, as if it had been given for that.

        Args:
            example_id: integer, the `id` of one of `examples()`.
            class_name: string, a known class.

        Raises:
            ValueError: as `remove_example`, or if the class is not known.
        """
        with self._snapshots.changing():
            class_name = known_name(self, class_name)
            change_example(self, example_id, class_name)

    def add_classes_from(self, other: "GrowingClassifier") -> None:
        """Adds the classes of another classifier of the same learner.

        Args:
            other: a `FewShotClassifier` with other class names.

        Raises:
            ValueError: if the learners' weights differ, the classifiers invert or
                resize images in different ways, or both have a class.
        """
        with self._snapshots.changing():
            check_joinable(self, other)
            mine, theirs = len(self.class_names), len(other.class_names)
            names = [*self.class_names, *other.class_names]
            learned = self.task.learned + other.task.learned.shifted(mine)
            if self.learner.appends_classes:
                self.know_those_of(other, names, learned)
                return
            behind_mine = np.r_[theirs : theirs + mine, :theirs]
            more = self.learner.widen(other.memory(), mine + theirs)
            more = self.learner.select(more, behind_mine)
            memory = self.learner.widen(self.memory(), mine + theirs)
            self.know(names, self.learner.merge(memory, more), learned)
