"""The learner from pretraining to classes that come later."""

import itertools
import json

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.pretraining import BarlowTwins
from tests.checks import random_classes, run_python

ITEM = (16, 16, 1)


@pytest.fixture(scope="module")
def data():
    return random_classes(6, 12, ITEM)


def backbone():
    keras.utils.set_random_seed(0)
    return fsl.backbones.Conv4(ITEM, filters=4)


def examples(data, *numbers, count=3):
    names = [data.class_names[number] for number in numbers]
    items = np.concatenate([data.class_items(name)[:count] for name in names])
    return items, [name for name in names for _ in range(count)]


@pytest.fixture
def learned(data):
    learner = fsl.FewShotLearner(backbone(), augmentation=RandomAffine(seed=0))
    learner.learn_from_few_examples(*examples(data, 0, 1))
    return learner


def test_each_step_trains_or_learns_and_is_noted(data):
    learner = fsl.FewShotLearner(backbone(), augmentation=RandomAffine(seed=0))
    weights = [learner.learner.get_weights()]
    items, _ = next(iter(data.batches(72, count=1)))
    learner.pretrain(items, steps=2, batch_size=16, verbose=0)
    weights.append(learner.learner.get_weights())
    learner.meta_train(data, ways=3, queries=2, steps=2, verbose=0)
    weights.append(learner.learner.get_weights())
    for before, after in itertools.pairwise(weights):
        assert any(np.any(a != b) for a, b in zip(before, after, strict=True))
    assert learner.learner.training_classes == tuple(data.class_names)
    learner.learn_from_few_examples(*examples(data, 0, 1))
    learner.continual_update(*examples(data, 1, 2, count=5))
    names = data.class_names[:3]
    assert learner.classifier.class_names == names
    pretrain, meta_train, learn, update = learner.history
    assert (pretrain["method"], pretrain["steps"]) == ("SimCLR", 2)
    assert (meta_train["ways"], meta_train["steps"]) == (3, 2)
    assert (learn["classes"], learn["examples"]) == (names[:2], 6)
    assert (update["classes"], update["examples"]) == (names, 13)


def test_another_method_of_pretraining(data):
    learner = fsl.FewShotLearner(backbone(), augmentation=RandomAffine(seed=0))
    learner.pretrain(data, BarlowTwins, steps=1, batch_size=16, verbose=0)
    assert learner.history[0]["method"] == "BarlowTwins"


def test_an_update_is_as_if_all_had_been_learned_at_once(data, learned):
    learned.continual_update(*examples(data, 2))
    at_once = fsl.FewShotLearner(backbone())
    at_once.learn_from_few_examples(*examples(data, 0, 1, 2))
    items, _ = examples(data, 0, 1, 2, count=12)
    np.testing.assert_allclose(
        learned.classifier.predict(items, verbose=0),
        at_once.classifier.predict(items, verbose=0),
        atol=1e-5,
    )


def test_evaluation_is_that_of_the_classifier(data, learned):
    items, labels = examples(data, 0, 1, count=12)
    report = learned.evaluate(items, labels)
    expected = fsl.evaluation.evaluate_classifier(learned.classifier, items, labels)
    assert report.accuracy == expected.accuracy


class TestBackbones:
    def test_a_preset_with_its_own_learner(self):
        learner = fsl.FewShotLearner("prototypical_conv4_glyphs")
        preset = fsl.from_preset("prototypical_conv4_glyphs")
        for a, b in zip(
            learner.learner.get_weights(), preset.get_weights(), strict=True
        ):
            np.testing.assert_array_equal(a, b)

    def test_a_preset_under_another_learner(self):
        learner = fsl.FewShotLearner(
            "prototypical_conv4_glyphs",
            lambda network: fsl.models.TransferLearner(network, "lda"),
        )
        assert isinstance(learner.learner.head, fsl.heads.LinearDiscriminantHead)

    def test_prototypes_by_default(self):
        network = backbone()
        learner = fsl.FewShotLearner(network)
        assert isinstance(learner.learner, fsl.models.PrototypicalNetwork)
        assert learner.learner.backbone is network


class TestSaving:
    def test_it_goes_on_in_a_fresh_process(self, data, learned, tmp_path):
        learned.save(tmp_path / "learner")
        items, names = examples(data, 2)
        np.savez(tmp_path / "new.npz", items=items, names=names)
        run_python(GO_ON, tmp_path)
        learned.continual_update(items, names)
        loaded = fsl.FewShotLearner.load(tmp_path / "learner")
        assert loaded.history == json.loads(json.dumps(learned.history))
        assert isinstance(loaded.augmentation, RandomAffine)
        np.testing.assert_allclose(
            loaded.classifier.predict(items, verbose=0),
            learned.classifier.predict(items, verbose=0),
            atol=1e-6,
        )

    def test_before_any_class(self, tmp_path):
        fsl.FewShotLearner(backbone()).save(tmp_path / "learner")
        loaded = fsl.FewShotLearner.load(tmp_path / "learner")
        assert loaded.classifier is None
        assert loaded.history == []
        assert loaded.augmentation is None

    def test_a_failed_save_leaves_the_earlier_one(self, learned, tmp_path):
        folder = tmp_path / "learner"
        learned.save(folder)
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        learned.history.append({"step": object()})  # JSON has no such value
        with pytest.raises(TypeError):
            learned.save(folder)
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before
        assert [path.name for path in tmp_path.iterdir()] == ["learner"]

    def test_a_folder_of_other_files_is_not_replaced(self, learned, tmp_path):
        (tmp_path / "thesis.txt").write_text("all of it", encoding="utf-8")
        with pytest.raises(FileExistsError, match="thesis"):
            learned.save(tmp_path)


GO_ON = """
import sys, numpy as np, fsl_keras as fsl
folder = sys.argv[1]
new = np.load(folder + "/new.npz")
learner = fsl.FewShotLearner.load(folder + "/learner")
learner.continual_update(new["items"], new["names"].tolist())
learner.save(folder + "/learner")
"""


def test_there_must_be_classes_first(data):
    learner = fsl.FewShotLearner(backbone())
    for call in (learner.continual_update, learner.evaluate):
        with pytest.raises(ValueError, match="`learn_from_few_examples` first"):
            call(*examples(data, 0))


def test_an_update_that_fails_changes_nothing(data, learned):
    before = learned.classifier.get_weights()
    with pytest.raises(ValueError, match="labels"):
        learned.continual_update(examples(data, 2)[0], ["one label"])
    for weight, same in zip(learned.classifier.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, same)
    assert [note["step"] for note in learned.history] == ["learn_from_few_examples"]
