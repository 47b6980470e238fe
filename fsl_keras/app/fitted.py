"""A classifier of examples whose features are known, and what it says of them."""

import dataclasses
import functools
from typing import Any

import keras
import numpy as np

from fsl_keras.app.examples import ExampleSet
from fsl_keras.app.kinds import KINDS
from fsl_keras.app.learners import Embedder
from fsl_keras.classifier import UNKNOWN
from fsl_keras.classifier.classifier_report import ClassifierReport
from fsl_keras.classifier.from_features import classifier_from_features
from fsl_keras.classifier.predictions import logits_of
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.inputs import shortened
from fsl_keras.model_selection import LeaveOneOutReport, SupportSet, leave_one_out
from fsl_keras.model_selection.calibration import fit

# The fraction of items of known classes that may be rejected as "unknown". With a
# smaller one, ten examples are too few to reject anything.
FALSE_REJECT_RATE = 0.1

# By the kind of items, the work of leave-one-out, see `leave_one_out`, that takes about
# a second, and the number of folds above it. The linear heads that suit texts learn
# more slowly from many examples than those that compare with class means.
EFFORT = {"image": (2e6, 20), "text": (5e4, 10)}


class Fitted:
    """A classifier of examples, with its estimates; it never changes.

    Args:
        embedder: `Embedder` that computed the features of the examples.
        examples: `ExampleSet`, not empty.

    Attributes:
        classifier: a `FewShotClassifier`, calibrated if there are enough examples.
        report: `LeaveOneOutReport`, whose rows are the positions in `examples`.
    """

    def __init__(self, embedder: Embedder, examples: ExampleSet):
        self.embedder = embedder
        self.examples = examples
        self.class_names = examples.class_names
        self.labels = np.asarray(
            [self.class_names.index(e.class_name) for e in examples]
        )
        self.classifier = self._classifier()
        self.report = self._report()
        if self.report.tested.any():
            tested = self.report.tested
            self.classifier.calibration = fit(
                self._logits[tested], self.labels[tested], FALSE_REJECT_RATE
            )
        elif embedder.learner.base_calibration is not None:
            self.classifier.calibration = embedder.learner.base_calibration.at(
                FALSE_REJECT_RATE
            )

    def probabilities(self, features: np.ndarray) -> dict[str, float]:
        """Returns the probability of each class and of "unknown" for one item.

        The probability of "unknown" is that of one more class, whose logit is the
        threshold of the classifier. So it is the largest one if and only if the
        classifier predicts "unknown".

        Args:
            features: array `[1, *feature]`.

        Returns:
            A dictionary from name to probability. "unknown" is in it if the classifier
            has a threshold.
        """
        logits = logits_of(self.classifier, features)
        (row,) = keras.ops.convert_to_numpy(self.classifier.probabilities(logits))
        found = dict(zip(self.class_names, map(float, row), strict=True))
        calibration = self.classifier.calibration
        if calibration is None or calibration.least_logit is None:
            return found
        largest = float(keras.ops.convert_to_numpy(logits).max())
        # Relative to the most probable class, as exponentials of logits overflow.
        above = (calibration.least_logit - largest) / calibration.temperature
        found[UNKNOWN] = max(found.values()) * float(np.exp(min(above, 500.0)))
        total = sum(found.values())
        return {name: value / total for name, value in found.items()}

    @functools.cached_property
    def confusion(self) -> ClassifierReport | None:
        """The confusion matrix of leave-one-out, or None if nothing could be tested."""
        tested = self.report.tested
        if not tested.any():
            return None
        rows, names = np.unique(self.labels[tested]), [*self.class_names, UNKNOWN]
        answers = np.where(
            self._is_rejected, len(self.class_names), self.report.answers
        )
        matrix = np.zeros((len(rows), len(names)), int)
        places = np.searchsorted(rows, self.labels[tested])
        np.add.at(matrix, (places, answers[tested]), 1)
        return ClassifierReport([self.class_names[i] for i in rows], names, matrix)

    @property
    def _is_rejected(self):
        calibration = self.classifier.calibration
        if calibration is None or calibration.least_logit is None:
            return np.zeros(len(self.labels), bool)
        return self._logits.max(axis=-1) < calibration.least_logit

    @property
    def _logits(self):
        return np.asarray(self.report.logits)

    def remarks(self) -> dict[int, str]:
        """Returns what may be wrong with examples, by their ids.

        A dictionary from id to a phrase such as `"looks like heron"`.
        """
        found: dict[int, list[str]] = {}
        for row, class_name, probability in self.report.suspects:
            phrase = f"looks like {class_name} ({probability:.0%})"
            found.setdefault(self.examples[row].id, []).append(phrase)
        for pair in self.report.duplicates:
            for row, other in (pair, pair[::-1]):
                copy = self.examples[other]
                phrase = f"nearly the same as {shortened(copy.name)}"
                if copy.class_name != self.examples[row].class_name:
                    phrase += f" of {copy.class_name}"
                found.setdefault(self.examples[row].id, []).append(phrase)
        return {id: ", ".join(phrases) for id, phrases in found.items()}

    def _classifier(self) -> Any:
        learned = LearnedExamples(
            np.stack([[e.digest for e in self.examples], self.labels], axis=-1),
            sources=[example.name for example in self.examples],
            owners=np.repeat(
                np.arange(len(self.examples)), [len(e.features) for e in self.examples]
            ),
            features=np.concatenate([example.features for example in self.examples]),
        )
        return classifier_from_features(
            self.embedder.learner,
            self.class_names,
            self.embedder.preprocessing,
            self.embedder.fingerprint,
            learned,
        )

    def _report(self) -> LeaveOneOutReport:
        support = SupportSet()
        is_text = self.embedder.learner.item_kind == "text"
        small = [e.small for e in self.examples if e.small is not None]
        support.add(
            np.stack([example.features[0] for example in self.examples]),
            self.labels,
            # Examples of an opened file have features alone.
            images=np.stack(small) if len(small) == len(self.examples) else None,
            texts=[example.name for example in self.examples] if is_text else None,
        )
        max_work, folds = EFFORT[self.embedder.learner.item_kind]
        report = leave_one_out(
            self.embedder.learner, support, self.class_names, max_work, folds
        )
        # The page's own word for an item.
        noun = KINDS[self.embedder.learner.item_kind].noun
        return dataclasses.replace(report, noun=noun)
