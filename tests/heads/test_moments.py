"""Heads whose memory is the sums of embeddings and of their products."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.classifier.task_examples import LearnedExamples
from fsl_keras.heads import LinearDiscriminantHead, StreamingRidgeHead
from tests.checks import assert_same_predictions_after_saving

HEADS = {
    "lda": LinearDiscriminantHead,
    "ridge": StreamingRidgeHead,
    "ranpac": lambda: StreamingRidgeHead(projection=12),
}
each_head = pytest.mark.parametrize("make", HEADS.values(), ids=HEADS)


def classes(ways=4, shots=6, length=5, seed=0, offset=0.0):
    """Embeddings `[ways * shots, length]` in clusters, and the class of each."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(ways), shots)
    centers = 2 * rng.normal(size=(ways, length))
    items = centers[labels] + rng.normal(size=(len(labels), length)) + offset
    return items.astype("float32"), labels


def learner_of(head, length=5):
    """The head on embeddings."""
    embeddings = keras.Input((length,))
    backbone = keras.Model(embeddings, keras.layers.Identity()(embeddings))
    return fsl.models.TransferLearner(backbone, head)


def logits(head, memory, query):
    return np.asarray(head.score(head.prepare(memory), query[None]))[0]


def remember(head, items, labels, ways=4):
    if not head.built:
        head.build((None, None, items.shape[-1]))
    return head.remember(items[None], np.eye(ways, dtype="float32")[labels][None])


@each_head
def test_the_order_of_sessions_does_not_matter(make):
    # One class a session, and one that comes in two sessions, in four orders.
    head, (items, labels) = make(), classes()
    sessions = [np.flatnonzero(labels == way) for way in (0, 1, 2)]
    sessions += np.split(np.flatnonzero(labels == 3), [2])
    expected = logits(head, remember(head, items, labels), items)
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(sessions))
        memories = [
            remember(head, items[sessions[i]], labels[sessions[i]]) for i in order
        ]
        memory = memories[0]
        for more in memories[1:]:
            memory = head.merge(memory, more)
        np.testing.assert_allclose(logits(head, memory, items), expected, atol=1e-5)


@each_head
def test_the_memory_does_not_grow_with_the_examples(make):
    head = make()
    few, many = (remember(head, *classes(shots=shots)) for shots in (2, 50))
    for name, value in few.items():
        assert many[name].shape == value.shape


@each_head
def test_sums_keep_the_digits_of_float64(make):
    # In float32 a sum of 4,000 squares of about 1e6 has seven digits: none is left for
    # the variances of 1.
    head, (items, labels) = make(), classes(shots=1000, offset=1000.0)
    memory = remember(head, items, labels)
    features = np.asarray(head.transform(items), "float64")
    expected = features.T @ features
    np.testing.assert_allclose(memory["products"][0], expected, rtol=1e-13)
    of_class = np.stack([features[labels == way].sum(axis=0) for way in range(4)])
    np.testing.assert_allclose(memory["sums"][0], of_class, rtol=1e-13)


@each_head
def test_a_class_cannot_be_left_out_of_a_memory(make):
    head = make()
    memory = remember(head, *classes())
    with pytest.raises(ValueError, match=r"cannot leave a class out.*3 of 4 classes"):
        head.select(memory, np.array([0, 1, 2]))


class TestClassifier:
    names = np.array(["ash", "birch", "cedar", "elm"])

    def learned(self, make):
        items, labels = classes()
        learner = learner_of(make())
        return learner, items, labels, learner.adapt(items, self.names[labels])

    @each_head
    def test_growth_is_as_if_all_had_been_learned_at_once(self, make, tmp_path):
        learner, items, labels, at_once = self.learned(make)
        known = (labels < 3) & (np.arange(24) % 6 < 4)
        classifier = learner.adapt(items[known], self.names[labels[known]])
        # A classifier is saved between sessions.
        classifier.save(tmp_path / "classifier.keras")
        classifier = keras.saving.load_model(tmp_path / "classifier.keras")
        classifier.add_class("elm", items[labels == 3])
        for way in range(3):
            classifier.update(self.names[way], items[(labels == way) & ~known])
        assert classifier.class_names == at_once.class_names
        np.testing.assert_allclose(classifier(items), at_once(items), atol=1e-5)

    @each_head
    def test_the_classes_of_two_classifiers(self, make):
        learner, items, labels, at_once = self.learned(make)
        parts = [
            learner.adapt(items[part], self.names[labels[part]])
            for part in (labels < 2, labels >= 2)
        ]
        parts[0].add_classes_from(parts[1])
        np.testing.assert_allclose(parts[0](items), at_once(items), atol=1e-5)

    @each_head
    def test_nothing_of_a_removed_class_remains(self, make):
        learner, items, labels, classifier = self.learned(make)
        classifier.remove_class("cedar")
        kept = labels != 2
        expected = learner.adapt(items[kept], self.names[labels[kept]])
        assert classifier.class_names == ["ash", "birch", "elm"]
        for name, value in expected.task.memory.items():
            np.testing.assert_allclose(classifier.task.memory[name], value, rtol=1e-12)
        classifier.add_class("cedar", items[labels == 2])
        assert len(classifier.examples()) == 24

    def test_without_features_a_class_is_not_removed(self):
        _, _, _, classifier = self.learned(LinearDiscriminantHead)
        learned = classifier.task.learned
        learned = LearnedExamples(learned.pairs, learned.ids, learned.sources)
        classifier.know(classifier.class_names, classifier.task.memory, learned)
        with pytest.raises(ValueError, match="no features of its examples"):
            classifier.remove_class("cedar")
        assert len(classifier.class_names) == 4

    @each_head
    def test_a_saved_classifier(self, make, tmp_path):
        _, items, _, classifier = self.learned(make)
        path = tmp_path / "classifier.keras"
        assert_same_predictions_after_saving(classifier, items, path)
