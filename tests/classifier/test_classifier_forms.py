"""Every method of a classifier takes images in any form."""

import io

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from PIL import Image

from fsl_keras.evaluation import evaluate_classifier
from fsl_keras.layers import ImagePreprocessing
from tests.shapes import NAMES, THREE, names, pictures, prototypes, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Twelve files: a folder for each of the three shapes."""
    folder = tmp_path_factory.mktemp("shapes")
    write(folder, *pictures(THREE))
    return folder


@pytest.fixture
def paths(folder):
    return sorted(folder.rglob("*.png"))


def frames(folder):
    """Files of the class that the classifier does not know, in a nested folder."""
    images, labels = pictures(["frame"])
    return write(folder / "2026", images, labels)


class TestPredict:
    def test_a_series_is_predicted_in_its_order(self, classifier, paths):
        series = pd.Series([str(path) for path in paths]).sample(frac=1, random_state=0)
        expected = [path.split("/")[-2] for path in series]
        assert names(classifier, series) == expected
        found, skipped = classifier.predict_files(series)
        assert [path for path, _ in found] == list(series)
        assert [answer.class_name for _, answer in found] == expected
        assert skipped == []
        assert names(classifier, series[3:7]) == expected[3:7]

    def test_a_folder(self, classifier, folder, paths):
        assert names(classifier, folder) == names(classifier, paths)
        found, _ = classifier.predict_files(folder)
        assert [path for path, _ in found] == paths

    def test_one_image(self, classifier, paths):
        expected = classifier.predict_classes(paths[:1])
        contents = paths[0].read_bytes()
        with Image.open(paths[0]) as image:
            for given in (paths[0], str(paths[0]), contents, image, np.asarray(image)):
                assert classifier.predict_classes(given) == expected
        assert classifier.predict_classes(io.BytesIO(contents)) == expected

    def test_files_that_cannot_be_read(self, classifier, paths, tmp_path):
        bad = [tmp_path, tmp_path / "nowhere.png"]
        found, skipped = classifier.predict_files([*bad, *paths[:2]])
        assert [path for path, _ in found] == paths[:2]
        assert [path for path, _ in skipped] == [str(path) for path in bad]
        with pytest.raises(ValueError, match=r"Cannot read 2 files: .*nowhere\.png"):
            classifier.predict_classes([*bad, *paths[:2]])

    def test_uploads_are_named(self, classifier, paths):
        with open(paths[0], "rb") as file:
            given = [file, io.BytesIO(paths[5].read_bytes()), b"no image"]
            found, skipped = classifier.predict_files(given)
        assert [(source, answer.class_name) for source, answer in found] == [
            (str(paths[0]), "bar"),
            (1, "beam"),
        ]
        assert skipped[0][0] == "image of index 2"

    def test_a_dataset_with_labels(self, classifier):
        images, labels = pictures(THREE)
        dataset = tf.data.Dataset.from_tensor_slices((images, labels)).batch(5)
        assert names(classifier, dataset) == labels


class TestAdapt:
    def test_a_table(self, learner, classifier, folder, paths):
        lines = [f"{p.relative_to(folder.parent)},{p.parent.name}" for p in paths]
        table = folder.parent / "labels.csv"
        table.write_text("\n".join(["file,class", *lines]), "utf-8")
        given = learner.adapt(table)
        assert given.class_names == THREE
        np.testing.assert_array_equal(prototypes(given), prototypes(classifier))
        assert evaluate_classifier(given, table).accuracy == 1.0

    def test_a_generator_with_its_labels(self, learner, classifier):
        images, labels = pictures(THREE)
        given = learner.adapt(iter(images), iter(labels), verbose=1)
        np.testing.assert_array_equal(prototypes(given), prototypes(classifier))

    def test_one_name_for_all(self, learner, folder):
        given = learner.adapt(folder.glob("bar/*.png"), "bar", verbose=1)
        assert given.class_names == ["bar"]
        assert len(given.task.examples()) == 4

    def test_negatives_in_a_folder(self, learner, tmp_path):
        values = np.random.default_rng(0).integers(0, 256, (12, 4, 4, 3), "uint8")
        images = values.repeat(4, axis=1).repeat(4, axis=2)
        negatives = write(tmp_path, images[8:], ["none"] * 4)
        given, expected = (
            learner.adapt(
                images[:8], [0] * 4 + [1] * 4, false_reject_rate=0.3, negatives=form
            )
            for form in (tmp_path, negatives)
        )
        assert given.calibration == expected.calibration

    def test_one_image_in_two_forms_counts_once(self, learner, paths):
        with Image.open(paths[0]) as image:
            given = [paths[0], image, paths[0].read_bytes(), paths[1]]
            classifier = learner.adapt(given, ["bar"] * 4)
        assert len(classifier.task.examples()) == 2

    @pytest.mark.parametrize("resize", ["crop", "pad"])
    def test_how_images_are_resized(self, learner, folder, resize, tmp_path):
        images, _ = pictures(THREE)
        classifier = learner.adapt(folder, resize=resize)
        items = ImagePreprocessing((16, 16), 1, resize=resize)(images)
        embedded = np.asarray(learner.backbone(items)).reshape(3, 4, -1)
        np.testing.assert_allclose(
            prototypes(classifier), embedded.mean(axis=1), atol=1e-5
        )
        classifier.save(tmp_path / "c.keras")
        loaded = keras.saving.load_model(tmp_path / "c.keras")
        assert loaded.preprocessing.resize == resize


class TestGrowth:
    def test_a_folder_is_added(self, learner, classifier, tmp_path):
        frames(tmp_path)
        classifier.add_class("frame", tmp_path)
        at_once = learner.adapt(*pictures(NAMES))
        np.testing.assert_allclose(
            prototypes(classifier), prototypes(at_once), atol=1e-5
        )
        before = prototypes(classifier)
        classifier.update("frame", str(tmp_path / "2026"))  # known already
        np.testing.assert_array_equal(prototypes(classifier), before)

    def test_one_image_is_added(self, classifier, tmp_path):
        path, *_ = frames(tmp_path)
        classifier.add_class("frame", path)
        classifier.update("frame", Image.open(path))
        assert len(classifier.task.examples()) == 13

    def test_integers_become_names(self, classifier):
        images = pictures(["frame"])[0]
        classifier.add_class(3, images[:2])
        classifier.update(np.int64(3), images[2:])
        assert classifier.class_names == [*THREE, "3"]
        classifier.remove_class(3)
        assert classifier.class_names == THREE

    @pytest.mark.parametrize("name", [None, float("nan"), "", " ", 1.5])
    def test_invalid_names_are_refused(self, classifier, name):
        for change in (classifier.add_class, classifier.update):
            with pytest.raises(ValueError, match="name of a class must be a string"):
                change(name, pictures(["frame"])[0])

    def test_labels_are_not_ignored(self, classifier):
        dataset = tf.data.Dataset.from_tensor_slices(pictures(NAMES))
        with pytest.raises(ValueError, match="Dataset holds labels"):
            classifier.add_class("frame", dataset)


class TestEvaluate:
    @pytest.fixture
    def named(self, learner):
        """Knows the three shapes in an order that is not that of their names."""
        return learner.adapt(*pictures(THREE), class_names=["disk", "bar", "beam"])

    def test_integers_are_positions_as_in_adapt(self, named):
        images, labels = pictures(THREE)
        numbers = [named.class_names.index(label) for label in labels]
        for given in (
            labels,
            [label.encode() for label in labels],
            tf.constant(labels),
            pd.Series(labels, index=range(12, 0, -1)),
            numbers,
            np.asarray(numbers, "uint8"),
            tf.constant(numbers),
            keras.utils.to_categorical(numbers),
        ):
            report = evaluate_classifier(named, images, given)
            assert report.accuracy == 1.0
            assert report.recalls == dict.fromkeys(THREE, 1.0)

    def test_images_that_contain_their_labels(self, named, folder):
        images, labels = pictures(THREE)
        numbers = [named.class_names.index(label) for label in labels]
        for given in (
            folder,
            tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(12).batch(5),
            tf.data.Dataset.from_tensor_slices((images, numbers)),
        ):
            report = evaluate_classifier(named, given)
            assert report.recalls == dict.fromkeys(THREE, 1.0)

    # `pytest.warns` issues other warnings again, here one of Keras.
    @pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
    def test_files_that_cannot_be_read_are_skipped_with_their_labels(
        self, named, paths
    ):
        labels = [path.parent.name for path in paths]
        with pytest.warns(UserWarning, match=r"Skipped 1 of 13 files: nowhere\.png"):
            report = evaluate_classifier(
                named, ["nowhere.png", *paths], ["bar", *labels]
            )
        assert report.recalls == dict.fromkeys(THREE, 1.0)

    def test_labels_of_no_class(self, named, paths):
        report = evaluate_classifier(named, paths[:2], ["bar", "ibis"])
        assert report.recalls == {"bar": 1.0, "ibis": 0.0}
        with pytest.raises(ValueError, match=r"labels, egret; ibis, .*disk; bar; beam"):
            evaluate_classifier(named, paths[:2], ["ibis", "egret"])
        report = evaluate_classifier(named, paths[:2], ["unknown", "unknown"])
        assert report.accuracy == 0.0

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            ([0.0, 1.0], "Received floats"),
            ([0, 3], "Label 3 has no name"),
            (["bar", None], r"rows \[1\]"),
            (["bar"], r"shape \(1,\) for 2 items"),
            (None, "`labels` are missing"),
        ],
    )
    def test_errors(self, named, paths, labels, message):
        with pytest.raises(ValueError, match=message):
            evaluate_classifier(named, paths[:2], labels)
