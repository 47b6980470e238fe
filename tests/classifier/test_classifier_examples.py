"""Examples that are listed, removed and relabeled one by one."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.layers.augmentation import RandomAffine, SupportExpansion
from tests.checks import rows
from tests.shapes import THREE, make_learner, pictures, prototypes, write


def vectors(seed=0):
    """Five vectors of each of three classes, and the name of each."""
    centers = np.repeat(3 * np.eye(3, 4), 5, axis=0)
    noise = np.random.default_rng(seed).normal(size=(15, 4))
    return (centers + noise).astype("float32"), np.repeat(["a", "b", "c"], 5)


def of_head(head):
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(6)])
    return fsl.models.MetricModel(backbone, head)


def maml(**kwargs):
    outputs = 6 if kwargs.get("shared_head") else 3
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(outputs)])
    return fsl.models.MAML(network, inner_steps=3, inner_learning_rate=0.1, **kwargs)


LEARNERS = {
    "prototypes": lambda: of_head(fsl.heads.PrototypeHead()),
    "nearest_neighbor": lambda: of_head(fsl.heads.NearestNeighborHead()),
    "matching": lambda: of_head(fsl.heads.MatchingHead()),
    "ridge": lambda: of_head(fsl.heads.RidgeHead()),
    "logistic": lambda: of_head(fsl.heads.LogisticHead()),
    "linear": lambda: of_head(fsl.heads.LinearHead()),
    "maml": maml,
    "maml_shared_head": lambda: maml(shared_head=True),
}


@pytest.fixture(params=rows(LEARNERS, ["prototypes", "ridge", "maml_shared_head"]))
def learner(request):
    keras.utils.set_random_seed(0)
    return LEARNERS[request.param]()


def assert_same_answers(classifier, other):
    assert classifier.class_names == other.class_names
    assert classifier.task.examples() == other.task.examples()
    queries, _ = vectors(seed=1)
    np.testing.assert_allclose(
        classifier.predict(queries, verbose=0),
        other.predict(queries, verbose=0),
        rtol=1e-3,
        atol=1e-5,
    )


class TestEqualsLearningAtOnce:
    @pytest.mark.slow
    def test_removed(self, learner):
        items, labels = vectors()
        classifier = learner.adapt(items, labels)
        before = classifier.predict(items, verbose=0)
        classifier.remove_example(7)
        kept = np.arange(15) != 7
        assert_same_answers(classifier, learner.adapt(items[kept], labels[kept]))
        assert np.abs(classifier.predict(items, verbose=0) - before).max() > 1e-4

    @pytest.mark.slow
    def test_relabeled(self, learner):
        items, labels = vectors()
        classifier = learner.adapt(items, labels)
        classifier.relabel(7, "c")
        labels[7] = "c"
        assert_same_answers(classifier, learner.adapt(items, labels))

    def test_after_classes_and_examples_were_added_and_removed(self, learner):
        if learner.incremental == "fixed_ways":
            pytest.skip("a learner of fixed ways takes no new class")
        items, labels = vectors()
        classifier = learner.adapt(items[5:], labels[5:])
        classifier.remove_class("b")
        classifier.add_class("b", items[5:9])
        classifier.update("b", items[9:10])
        classifier.add_classes_from(learner.adapt(items[:5], labels[:5]))
        removed = {"b": 1, "a": 3}  # the second image of "b", the fourth of "a"
        for name, source in removed.items():
            found = [e for e in classifier.examples() if e.class_name == name]
            classifier.remove_example(next(e.id for e in found if e.source == source))
        rows = [*range(10, 15), 5, 7, 8, 9, 0, 1, 2, 4]
        order = ["c", "b", "a"]
        assert_same_answers(
            classifier, learner.adapt(items[rows], labels[rows], class_names=order)
        )


@pytest.fixture(scope="module")
def shapes():
    return make_learner()


class TestExamples:
    @pytest.mark.slow
    def test_files_are_listed_by_their_paths(self, shapes, tmp_path):
        paths = write(tmp_path, *pictures(THREE, count=2))
        classifier = shapes.adapt(paths, pictures(THREE, count=2)[1])
        found = classifier.examples()
        assert [e.source for e in found] == [str(path) for path in paths]
        assert [e.class_name for e in found] == [name for name in THREE for _ in "12"]
        assert [e.id for e in found] == [0, 1, 2, 3, 4, 5]

    def test_arrays_are_listed_by_index_and_copies_once(self, shapes):
        images, labels = pictures(["bar", "disk"], count=2)
        images = np.concatenate([images[:1], images])
        classifier = shapes.adapt(images, ["bar", *labels])
        assert [tuple(e) for e in classifier.examples()] == [
            (0, "bar", 0),
            (1, "bar", 2),
            (2, "disk", 3),
            (3, "disk", 4),
        ]

    def test_ids_stay_when_other_examples_are_removed(self, shapes):
        classifier = shapes.adapt(*pictures(THREE))
        classifier.remove_example(1)
        classifier.remove_class("beam")
        assert [e.id for e in classifier.examples()] == [0, 2, 3, 8, 9, 10, 11]
        classifier.add_class("beam", pictures(["beam"], count=1)[0])
        assert classifier.examples()[-1] == (12, "beam", 0)

    def test_the_only_example_of_a_class_is_kept(self, shapes):
        classifier = shapes.adapt(*pictures(THREE, count=1))
        before = classifier.task.examples()
        for change in (
            lambda: classifier.remove_example(1),
            lambda: classifier.relabel(1, "bar"),
        ):
            with pytest.raises(ValueError, match=r"only example.*remove_class\('beam"):
                change()
        assert classifier.task.examples() == before

    def test_errors(self, shapes):
        classifier = shapes.adapt(*pictures(THREE))
        with pytest.raises(ValueError, match=r"id 99.*`examples\(\)`"):
            classifier.remove_example(99)
        with pytest.raises(ValueError, match="no class 'egg'"):
            classifier.relabel(0, "egg")

    def test_an_image_that_the_other_class_has_counts_once(self, shapes):
        images, labels = pictures(["bar", "disk"], count=2)
        classifier = shapes.adapt(
            np.concatenate([images, images[:1]]), [*labels, "disk"]
        )
        classifier.relabel(0, "disk")
        expected = shapes.adapt(
            np.concatenate([images[1:], images[:1]]), [*labels[1:], "disk"]
        )
        np.testing.assert_allclose(
            prototypes(classifier), prototypes(expected), atol=1e-5
        )
        assert [e.id for e in classifier.examples()] == [1, 2, 3, 4]

    def test_its_own_class_changes_nothing(self, shapes):
        classifier = shapes.adapt(*pictures(THREE))
        before = prototypes(classifier)
        classifier.relabel(0, "bar")
        np.testing.assert_array_equal(prototypes(classifier), before)

    def test_augmented_copies_are_removed_with_their_example(self, shapes):
        expansion = SupportExpansion(RandomAffine(translation_factor=1 / 8), copies=3)
        classifier = shapes.adapt(*pictures(THREE, count=2), expansion=expansion)
        classifier.remove_example(2)
        counts = np.asarray(classifier.task.memory["counts"])
        assert counts.tolist() == [[8, 4, 8]]


def test_a_classifier_without_features_cannot_change_examples(shapes):
    classifier = shapes.adapt(*pictures(THREE))
    task = classifier.task
    spec = {**task.spec, "examples": {"digests": task.spec["examples"]["digests"]}}
    # What earlier versions stored.
    old = type(classifier).from_config({**classifier.get_config(), "spec": spec})
    count = len(old.get_weights())
    old.set_weights(classifier.get_weights()[:count])
    assert [e.source for e in old.examples()] == [None] * 12
    for change in (lambda: old.remove_example(0), lambda: old.relabel(0, "disk")):
        with pytest.raises(ValueError, match=r"earlier version.*`adapt`"):
            change()
    old.update("bar", pictures(["bar"], count=5)[0])
    assert old.examples()[-1] == (12, "bar", 4)
    images = pictures(THREE, seed=100)[0]
    assert old.predict(images, verbose=0).argmax(-1).tolist() == [0] * 4 + [1] * 4 + (
        [2] * 4
    )
