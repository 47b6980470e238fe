import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.multimodal import FusedClassifier, Fusion, LateFusion
from tests.checks import run_python
from tests.multimodal.learners import COLORS, fusion, items, texts, vectors


@pytest.fixture(scope="module")
def adapted():
    """A classifier of three colors and its examples."""
    given, labels = items(9)
    return fusion(fusion=Fusion(weight=0.4)).adapt(given, labels, COLORS), given


class TestPredictions:
    def test_the_fused_logits_of_both(self, adapted):
        classifier, given = adapted
        logits = [
            part.logits(tf.constant(some))
            for part, some in zip(classifier.classifiers, given, strict=True)
        ]
        powers = np.exp(np.asarray(classifier.fusion.logits(*logits)))
        np.testing.assert_allclose(
            classifier.predict(given, verbose=0),
            powers / powers.sum(axis=-1, keepdims=True),
            rtol=1e-4,
            atol=1e-6,
        )

    def test_every_way_to_predict(self, adapted):
        classifier, (points, names) = adapted
        wanted = classifier.predict((points, names), batch_size=4, verbose=0)
        stream = tf.data.Dataset.from_tensor_slices(((points, names),)).batch(2)
        for found in (
            classifier((points, names)),
            classifier.predict([points.tolist(), np.array(names)], verbose=0),
            classifier.predict((points, tf.constant(names)), verbose=0),
            classifier.predict(stream, verbose=0),
            [
                list(prediction.probabilities.values())
                for prediction in classifier.predict_classes((iter(points), names))
            ],
        ):
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-6)

    def test_names_of_classes(self, adapted):
        classifier, given = adapted
        found = [x.class_name for x in classifier.predict_classes(given)]
        places = classifier.predict(given, verbose=0).argmax(axis=-1)
        assert found == [COLORS[place] for place in places]

    def test_evaluate(self, adapted):
        classifier, given = adapted
        labels = np.arange(9) % 3
        loss, accuracy = classifier.evaluate(given, labels, verbose=0)
        right = classifier.predict(given, verbose=0)[np.arange(9), labels]
        assert accuracy == 1.0
        assert loss == pytest.approx(-np.log(right).mean(), rel=1e-3)

    def test_images_are_preprocessed(self):
        learner = LateFusion(
            [fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1))), texts()]
        )
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (4, 40, 30, 3), dtype="uint8")
        names = ["red", "blue", "red one", "blue one"]
        classifier = learner.adapt((images, names), names[:2] * 2)
        wanted = classifier.predict((images, names), verbose=0)
        found = classifier.predict_classes((list(images), names))
        np.testing.assert_allclose(
            [list(x.probabilities.values()) for x in found], wanted, rtol=1e-3
        )


class TestFiles:
    @pytest.mark.slow
    def test_saved_and_loaded_in_a_new_process(self, adapted, tmp_path):
        classifier, (points, names) = adapted
        # Its layer of texts is one of the tests, which a new process does not have.
        learner = LateFusion(
            [
                vectors(),
                fsl.models.TransferLearner(fsl.backbones.HashedTextEncoder(64)),
            ],
            Fusion(weight=0.6),
        )
        classifier = learner.adapt((points, names), np.arange(9) % 3, COLORS)
        classifier.save(tmp_path / "colors.keras")
        np.save(tmp_path / "points.npy", points)
        printed = run_python(
            "import sys, keras, numpy as np, fsl_keras\n"
            "folder, *names = sys.argv[1:]\n"
            "classifier = keras.saving.load_model(folder + '/colors.keras')\n"
            "points = np.load(folder + '/points.npy')\n"
            "found = classifier.predict((points, names), verbose=0)\n"
            "print(classifier.fusion.weight, classifier.class_names)\n"
            "np.save(folder + '/found.npy', found)\n",
            tmp_path,
            *names,
        )
        assert printed.strip() == f"0.6 {COLORS}"
        np.testing.assert_array_equal(
            np.load(tmp_path / "found.npy"),
            classifier.predict((points, names), verbose=0),
        )

    def test_a_loaded_one_adds_a_class(self, adapted, tmp_path):
        classifier, given = adapted
        classifier.save(tmp_path / "colors.keras")
        loaded = keras.saving.load_model(tmp_path / "colors.keras")
        before = loaded.predict(given, verbose=0)
        loaded.add_class("pink", (np.array([[9.0, 9.0]]), ["pink"]))
        assert loaded.class_names == [*COLORS, "pink"]
        found = loaded.predict((np.array([[9.0, 8.0]], "f4"), ["pink 3"]), verbose=0)
        assert found.argmax() == 3
        loaded.remove_class("pink")
        np.testing.assert_array_equal(loaded.predict(given, verbose=0), before)


class TestBadInput:
    def test_more_items_of_one_kind(self, adapted):
        classifier, (points, names) = adapted
        for predict in (
            classifier,
            classifier.predict,
            classifier.evaluate,
            classifier.predict_classes,
        ):
            with pytest.raises(ValueError, match="are 1 items and 9 sentences"):
                predict((points[:1], names))

    def test_no_pair(self, adapted):
        classifier, (points, names) = adapted
        with pytest.raises(ValueError, match="must be a pair"):
            classifier.predict((points, names, names))
        with pytest.raises(ValueError, match="must be a pair"):
            classifier.predict_classes(points)

    def test_a_class_that_one_kind_refuses_is_added_to_neither(self, adapted):
        classifier, _ = adapted
        with pytest.raises(ValueError, match="red"):
            classifier.add_class("red", (np.zeros((1, 2)), ["red"]))
        # Texts first: these are learned before the vectors are refused.
        swapped = FusedClassifier(classifier.classifiers[::-1])
        with pytest.raises(ValueError, match=r"NaN or infinite"):
            swapped.add_class("pink", (["pink"], np.full((1, 2), np.nan)))
        assert classifier.class_names == COLORS
        assert classifier.classifiers[1].class_names == COLORS

    def test_other_classes(self):
        given, labels = items(6)
        one = vectors().adapt(given[0], labels)
        other = texts().adapt(given[1], labels, COLORS)
        with pytest.raises(ValueError, match="must have the same classes"):
            FusedClassifier([one, other])
        with pytest.raises(ValueError, match="must be a pair"):
            FusedClassifier([one])
