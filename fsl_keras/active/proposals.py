"""The unlabeled items whose labels would help a classifier most."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

from fsl_keras import inputs
from fsl_keras.active.coverage import cover
from fsl_keras.active.k_center import k_center
from fsl_keras.classifier import FewShotClassifier
from fsl_keras.classifier.stored_features import stored_features
from fsl_keras.datasets.folders import warn_of_skipped
from fsl_keras.digests import item_digest

STRATEGIES = ("coverage", "mixed", "margin", "entropy", "diversity")

# The uncertain items that "mixed" chooses diverse ones from, for each in the budget.
CANDIDATES = 4


@dataclasses.dataclass(frozen=True)
class Proposal:
    """An item whose label is asked for.

    Attributes:
        index: integer, its index among the items as given.
        source: its file or text, or the index if it is neither.
        class_name: string, the class with the highest probability.
        probability: float, that probability.
    """

    index: int
    source: Any
    class_name: str
    probability: float


def propose(
    classifier: FewShotClassifier,
    items: Any,
    budget: int,
    strategy: str = "coverage",
) -> list[Proposal]:
    """Proposes the unlabeled items whose labels would help a classifier most.

    Label them, and give them to `classifier.add_examples`. Items that the classifier
    knows as examples are not proposed, and the same item is proposed once.

    With few labels, items that represent many others help most (`"coverage"`); a
    classifier of few examples does not know well what it is unsure of.

    Reference:

    - `"coverage"`: [Bae et al., 2024](https://arxiv.org/abs/2407.12212)
    - `"margin"` and `"entropy"`: [Settles, 2009](
      https://burrsettles.com/pub/settles.activelearning.pdf)
    - `"diversity"`: [Sener & Savarese, 2018](https://arxiv.org/abs/1708.00489)

    Args:
        classifier: a `FewShotClassifier`.
        items: images, texts or other items in any form, without labels, such as a
            folder. Files that cannot be read are skipped, with a warning that names
            them.
        budget: integer, the maximum number of proposals.
        strategy: string:

            - `"coverage"`, the default: all items are as similar as possible to an
              example or a proposal, by the cosine of their embeddings;
            - `"margin"`: the two most probable classes have nearly the same
              probability;
            - `"entropy"`: many classes are probable;
            - `"diversity"`: each item is as far as possible from all examples and from
              the items before it (k-center);
            - `"mixed"`: `"diversity"` among the four times as many items with the
              smallest margins.

    Returns:
        A list of `Proposal`, the most useful first.

    Raises:
        ValueError: If the strategy is unknown, the budget is below one, or no item can
            be read.

    Example:

    >>> import keras, fsl_keras as fsl
    >>> vectors = keras.Input((2,))
    >>> identity = keras.Model(vectors, keras.layers.Identity()(vectors))
    >>> learner = fsl.models.PrototypicalNetwork(identity)
    >>> classifier = learner.adapt(np.array([[0.0, 0], [4, 0]]), ["left", "right"])
    >>> unlabeled = np.array([[0.1, 0.0], [2.1, 0.0], [4.2, 0.0]])
    >>> [proposal.index for proposal in propose(classifier, unlabeled, 1, "margin")]
    [1]
    """
    if strategy not in STRATEGIES:
        raise ValueError(
            f"`strategy` must be one of {STRATEGIES}. Received: strategy={strategy!r}"
        )
    if budget < 1:
        raise ValueError(f"`budget` must be at least 1. Received: budget={budget}")
    rows, sources, features, probabilities = _embedded(classifier, items)
    order = _ordered(classifier, features, probabilities, budget, strategy)
    best = probabilities.argmax(axis=-1)
    return [
        Proposal(
            int(rows[place]),
            sources[rows[place]],
            classifier.class_names[best[place]],
            float(probabilities[place, best[place]]),
        )
        for place in order
    ]


def _embedded(classifier, items):
    """Returns indices, sources, features and probabilities of distinct new items."""
    learner, skipped, sources = classifier.learner, [], []
    seen = {digest for digest, _ in classifier.task.examples()}
    known = len(seen)
    rows, features, probabilities = [], [], []
    batches = inputs.item_batches(
        inputs.Elements.unlabeled(items, classifier.item_kind),
        classifier.preprocessing,
        inputs.batch_size(learner.item_shape),
        skipped,
        sources,
    )
    with classifier.pinned():
        for batch, numbers in batches:
            is_new = np.zeros(len(batch), bool)
            for place, item in enumerate(batch):
                digest = item_digest(item)
                is_new[place] = digest not in seen
                seen.add(digest)
            found = learner.features(batch)
            logits = learner.score_features(classifier.state, found[None])[0]
            found_probabilities = classifier.probabilities(ops.cast(logits, "float32"))
            rows.append(numbers[is_new])
            features.append(found[is_new])
            probabilities.append(np.asarray(found_probabilities)[is_new])
    warn_of_skipped(skipped, len(sources))
    if not rows:
        raise ValueError("No item can be read.")
    if len(seen) == known:
        raise ValueError(
            "All items are examples of the classifier already: there is nothing to "
            "propose."
        )
    rows, features, probabilities = map(np.concatenate, (rows, features, probabilities))
    return rows, sources, features, probabilities


def _ordered(classifier, features, probabilities, budget, strategy):
    """Returns the places of the proposals, the most useful first."""
    vectors = features.reshape(len(features), -1)
    if strategy == "coverage":
        return cover(vectors, budget, _known_features(classifier))
    if strategy == "entropy":
        logs = np.log(np.maximum(probabilities, 1e-12))
        return np.argsort(np.sum(probabilities * logs, axis=-1), kind="stable")[:budget]
    margins = np.sort(probabilities, axis=-1)
    # A single class has no second one: what counts is how probable it is.
    second = margins[:, -2] if margins.shape[1] > 1 else 0.0
    uncertain = np.argsort(margins[:, -1] - second, kind="stable")
    if strategy == "margin":
        return uncertain[:budget]
    if strategy == "mixed":
        candidates = uncertain[: CANDIDATES * budget]
    else:
        candidates = np.arange(len(features))
    chosen = k_center(vectors[candidates], budget, _known_features(classifier))
    return candidates[chosen]


def _known_features(classifier):
    """Returns the features of the examples, `[n, D]`, or None if they are not kept."""
    features = stored_features(classifier)
    return None if features is None else np.reshape(features, (len(features), -1))
