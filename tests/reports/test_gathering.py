"""What a report says is what the classifier says."""

import shutil

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.reports.gathering import gather
from tests.reports.drawn import drawn
from tests.shapes import THREE, write


def test_a_folder_is_learned_as_by_adapt(learner, examples, test_folder):
    found = gather(learner, examples, test_folder)
    classifier = learner.adapt(examples, leave_one_out=True, false_reject_rate=0.05)
    expected = classifier.leave_one_out
    assert found.class_names == classifier.class_names
    assert str(found.calibration) == str(classifier.calibration)
    assert found.leave_one_out.summary() == expected.summary()
    assert found.answers.numbers[~found.is_test].tolist() == expected.answers.tolist()
    assert np.flatnonzero(found.is_test).tolist() == list(range(12, 24))
    predictions = classifier.predict_classes(found.pictures.files[12:])
    names = [prediction.class_name for prediction in predictions]
    assert found.predicted[12:] == names
    np.testing.assert_allclose(
        found.answers.probabilities[found.is_test],
        [list(prediction.probabilities.values()) for prediction in predictions],
        atol=1e-5,
    )
    report = fsl.evaluation.evaluate_classifier(classifier, test_folder)
    assert found.scores(of_test=True).table() == report.table()


@pytest.mark.parametrize("head", ["ridge", "nearest_neighbor"])
def test_a_classifier_gives_the_same_report_as_its_folder(
    learner, examples, test_folder, head
):
    learner = fsl.models.TransferLearner(learner.backbone, head)
    classifier = learner.adapt(examples, false_reject_rate=0.05)
    of_file = gather(classifier, test=test_folder)
    of_folder = gather(learner, examples, test_folder)
    assert of_file.notes == []
    assert of_file.pictures.files == of_folder.pictures.files
    assert of_file.pictures.thumbnails == of_folder.pictures.thumbnails
    assert of_file.predicted == of_folder.predicted
    np.testing.assert_allclose(
        of_file.answers.probabilities, of_folder.answers.probabilities, atol=1e-4
    )


def test_each_picture_is_embedded_once(learner, examples, test_folder, monkeypatch):
    embedded = []
    features = type(learner).features

    def counted(self, items):
        embedded.append(len(items))
        return features(self, items)

    monkeypatch.setattr(type(learner), "features", counted)
    gather(learner, examples, test_folder)
    assert sum(embedded) == 12 + 12


def test_pictures_of_a_classifier_that_are_gone_or_changed(learner, tmp_path):
    paths = write(tmp_path, *drawn(THREE))
    classifier = learner.adapt(tmp_path)
    paths[0].unlink()
    shutil.copy(paths[2], paths[1])
    found = gather(classifier)
    assert found.pictures.is_seen.tolist() == [False, False] + [True] * 10
    reasons = dict(found.pictures.skipped)
    assert reasons == {
        str(paths[0]): "no such file",
        str(paths[1]): "changed since it was learned",
    }
    assert "2 of 12 are not shown" in found.notes[0]
    # What the classifier holds of them is enough to predict them.
    assert found.answers.given.all()


def test_a_classifier_of_arrays_has_no_pictures(learner, examples):
    classifier = learner.adapt(*drawn(THREE))
    found = gather(classifier)
    assert not found.pictures.is_seen.any()
    assert found.pictures.files[3] == "image of index 3"
    assert found.answers.given.all()
    assert gather(classifier, examples).pictures.is_seen.all()


def test_a_classifier_with_augmented_copies_and_descriptions(learner):
    expansion = fsl.layers.augmentation.SupportExpansion(
        fsl.layers.augmentation.RandomFlip(), copies=2
    )
    images, labels = drawn(THREE)
    classifier = learner.adapt(images, labels, expansion=expansion)
    found = gather(classifier)
    plain = gather(learner.adapt(images, labels))
    np.testing.assert_allclose(found.pictures.features, plain.pictures.features)


def test_classes_that_are_not_known(learner, examples, test_folder):
    found = gather(learner, examples, test_folder)
    count, total = found.rejections()["unknown"]
    assert total == 3
    rows = [i for i, name in enumerate(found.pictures.labels) if name == "frame"]
    assert count == sum(found.predicted[row] == "unknown" for row in rows)
    assert np.isnan(found.own_probabilities[rows]).all()


def test_a_folder_of_one_class(learner, tmp_path):
    write(tmp_path, *drawn(["disk"]))
    found = gather(learner, tmp_path)
    assert "cannot be estimated" in found.summary()[0]
    assert found.class_names == ["disk"]


def test_a_class_of_one_example(learner, tmp_path):
    images, labels = drawn(THREE)
    write(tmp_path, images[3:], labels[3:])
    found = gather(learner, tmp_path)
    assert found.predicted[0] == ""
    assert found.scores(of_test=False).matrix.sum() == 8
    assert np.isnan(found.own_probabilities[0])


def test_one_example_of_each_class_and_a_test(learner, tmp_path, test_folder):
    images, labels = drawn(THREE, count=1)
    write(tmp_path, images, labels)
    found = gather(learner, tmp_path, test_folder)
    assert found.scores(of_test=False) is None
    assert found.calibration is None
    assert found.rejections()["unknown"] == (0, 3)


def test_what_is_planted_is_found(learner, tmp_path):
    images, labels = drawn(THREE, count=6)
    folder, test = tmp_path / "examples", tmp_path / "test"
    paths = write(folder, images, labels)
    write(test, *drawn(THREE, count=2, seed=50))
    wrong = folder / "beam" / "wrong.png"
    shutil.copy(paths[0], wrong)  # a bar
    copy = folder / "disk" / "copy.png"
    shutil.copy(paths[-1], copy)
    leak = test / "bar" / "leak.png"
    shutil.copy(paths[1], leak)
    (folder / "bar" / "broken.png").write_bytes(b"\x89PNG and no more")
    found = gather(learner, folder, test)
    row_of = {file: row for row, file in enumerate(found.pictures.files)}
    groups = found.groups()
    assert groups["conflicts"] == [[row_of[str(paths[0])], row_of[str(wrong)]]]
    assert groups["copies"] == [sorted([row_of[str(copy)], row_of[str(paths[-1])]])]
    assert groups["leaks"] == [[row_of[str(paths[1])], row_of[str(leak)]]]
    assert [name for name, _ in found.pictures.skipped] == [
        str(folder / "bar" / "broken.png")
    ]


def test_an_answer_is_explained_by_other_examples(learner, examples, test_folder):
    found = gather(learner, examples, test_folder)
    row = int(np.flatnonzero(found.is_test)[0])
    explained = found.explanation(row, "disk")
    assert len(explained) == 3
    assert [found.pictures.labels[i] for i, _ in explained] == ["disk"] * 3
    assert not found.is_test[[i for i, _ in explained]].any()
    similarities = [similarity for _, similarity in explained]
    assert similarities == sorted(similarities, reverse=True)
    # Of the four examples of its own class, one is itself.
    assert 0 not in [i for i, _ in found.explanation(0, found.pictures.labels[0])]


def test_mistakes(learner, examples, test_folder, tmp_path):
    with pytest.raises(ValueError, match="give `examples`"):
        gather(learner)
    with pytest.raises(ValueError, match="`projection` must be one of"):
        gather(learner, examples, projection="tsne")
    with pytest.raises(
        ValueError, match=r"classes that the classifier does not: frame"
    ):
        gather(learner.adapt(examples), test_folder)
    write(tmp_path / "other", *drawn(["frame"]))
    with pytest.raises(ValueError, match="None of the labels, frame, is a class"):
        gather(learner, examples, tmp_path / "other")
    (tmp_path / "broken" / "a").mkdir(parents=True)
    (tmp_path / "broken" / "a" / "1.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"No picture can be read of 1: .*1\.png"):
        gather(learner, tmp_path / "broken")


def test_models_of_another_kind(examples):
    texts = fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder(), "ridge")
    classifier = texts.adapt(["a card", "a coin"], ["card", "coin"])
    with pytest.raises(
        ValueError, match=r"images\. Received: a FewShotClassifier of texts"
    ):
        gather(classifier)
    with pytest.raises(ValueError, match=r"images\. Received: a Sequential"):
        gather(keras.Sequential([keras.Input((2,))]), examples)
