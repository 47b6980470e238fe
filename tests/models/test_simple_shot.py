import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.models import SimpleShot
from tests.checks import assert_same_predictions_after_saving
from tests.models import checks


def test_it_adds_classes_and_keeps_the_others():
    assert SimpleShot(checks.backbone()).incremental == "exact"


class TestCenter:
    def mean(self, model, vectors):
        items = np.concatenate([vectors.class_items(c) for c in vectors.class_names])
        return np.asarray(model.backbone(items)).mean(axis=0)

    def test_is_the_mean_embedding_of_a_data_set(self, vectors):
        model = SimpleShot(checks.backbone())
        model.fit_base(vectors, cache=False)
        np.testing.assert_allclose(
            model.head.center, self.mean(model, vectors), rtol=1e-5, atol=1e-6
        )

    def test_is_the_mean_embedding_of_batches(self, vectors):
        batches = vectors.batches(12, count=6)
        for stream in (batches, batches.map(lambda items, labels: items)):
            model = SimpleShot(checks.backbone())
            model.fit_base(stream)
            np.testing.assert_allclose(
                model.head.center, self.mean(model, vectors), rtol=1e-5, atol=1e-6
            )

    def test_is_set_by_the_earlier_name_too(self, vectors):
        model = SimpleShot(checks.backbone())
        with pytest.warns(UserWarning, match="Use `fit_base`"):
            model.center_on(vectors)
        np.testing.assert_allclose(
            model.head.center, self.mean(model, vectors), rtol=1e-5, atol=1e-6
        )

    def test_is_zero_until_it_is_set(self):
        np.testing.assert_array_equal(SimpleShot(checks.backbone()).head.center, 0)

    def test_counts_in_the_logits(self, vectors):
        model = SimpleShot(checks.backbone())
        x, _ = checks.arrays(vectors.episodes(3, 1, 2))
        before = np.asarray(model(x))
        model.fit_base(vectors, cache=False)

        def normalized(items):
            centred = np.asarray(model.embed(items)[0]) - self.mean(model, vectors)
            return centred / np.linalg.norm(centred, axis=-1, keepdims=True)

        order = np.argmax(x["support_labels"][0], axis=0)
        prototypes = normalized(x["support"])[order]
        differences = normalized(x["query"])[:, None] - prototypes
        expected = -np.square(differences).sum(-1)
        np.testing.assert_allclose(model(x)[0], expected, rtol=1e-3, atol=1e-5)
        assert np.abs(before - np.asarray(model(x))).max() > 0.01

    def test_is_saved_and_goes_into_classifiers(self, vectors, tmp_path):
        model = SimpleShot(checks.backbone())
        model.fit_base(vectors, cache=False)
        x, _ = checks.arrays(vectors.episodes(3, 2, 2))
        path = tmp_path / "model.keras"
        loaded = assert_same_predictions_after_saving(model, x, path)
        np.testing.assert_array_equal(loaded.head.center, model.head.center)
        classifier = model.adapt(x["support"][0], list("aabbcc"))
        center = keras.ops.convert_to_numpy(model.head.center)
        model.fit_base(vectors.subset(range(1)), cache=False)
        assert (keras.ops.convert_to_numpy(model.head.center) != center).any()
        np.testing.assert_array_equal(classifier.learner.head.center, center)

    def test_normalizes_by_running_statistics(self, pictures):
        keras.utils.set_random_seed(0)
        model = SimpleShot(fsl.backbones.Conv4((16, 16, 1), filters=4))
        before = model.get_weights()
        model.fit_base(pictures, cache=False)
        after = model.get_weights()
        changed = [
            np.any(a != b) for a, b in zip(after, before, strict=True)
        ]  # the center alone, which comes last
        assert changed == [False] * (len(after) - 1) + [True]

    def test_of_data_without_end_is_refused(self, vectors):
        with pytest.raises(ValueError, match=r"infinite.*count=100"):
            SimpleShot(checks.backbone()).fit_base(vectors.batches(8))

    def test_of_no_data_is_refused(self, vectors):
        with pytest.raises(ValueError, match="empty"):
            SimpleShot(checks.backbone()).fit_base(vectors.batches(8, count=1).skip(1))
