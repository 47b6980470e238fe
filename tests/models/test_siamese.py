import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.models import SiameseNetwork
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving

each_similarity = pytest.mark.parametrize("similarity", ["learned", "euclidean"])
PAIR_LOSSES = {
    "learned": "binary_crossentropy",
    "euclidean": fsl.losses.ContrastiveLoss(),
}


def vector_network(similarity="learned", **kwargs):
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(8, activation="relu")]
    )
    return SiameseNetwork(backbone, similarity, **kwargs)


def one(stream):
    return next(iter(stream))


def _sigmoid(logit):
    return 1 / (1 + np.exp(-logit))


class TestPairModel:
    @each_similarity
    def test_one_shot_logits_are_those_of_pairs(self, vectors, similarity):
        model = vector_network(similarity)
        x, _ = one(vectors.episodes(3, 1, 2))
        logits = np.asarray(model(x))[0]
        for place, way in np.ndindex(6, 3):
            example = np.argmax(x["support_labels"][0, :, way])
            a, b = x["query"][:, place], x["support"][:, example]
            expected = logits[place, way]
            expected = -expected if similarity == "euclidean" else _sigmoid(expected)
            np.testing.assert_allclose(
                model.pair_model((a, b)), [[expected]], rtol=1e-4, atol=1e-5
            )

    @each_similarity
    def test_the_order_of_a_pair_does_not_matter(self, vectors, similarity):
        model = vector_network(similarity).pair_model
        (a, b), _ = one(vectors.pairs(8))
        np.testing.assert_allclose(model((a, b)), model((b, a)), rtol=1e-5)
        assert model((a, b)).shape == (8, 1)

    @pytest.mark.slow
    @each_similarity
    def test_training_it_trains_the_network(self, vectors, similarity):
        model = vector_network(similarity)
        pairs = model.pair_model
        assert pairs is model.pair_model
        assert {id(w) for w in pairs.weights} == {id(w) for w in model.weights}
        pairs.compile(
            keras.optimizers.Adam(1e-2), PAIR_LOSSES[similarity], jit_compile=False
        )
        fixed = one(vectors.pairs(64, seed=1))
        before = pairs.evaluate(*fixed, verbose=0)
        x, _ = one(vectors.episodes(3, 1, 2))
        logits = np.asarray(model(x))
        pairs.fit(vectors.pairs(32, count=40), shuffle=False, verbose=0)
        assert pairs.evaluate(*fixed, verbose=0) < before
        assert np.abs(model(x) - logits).max() > 0.01

    def test_both_items_share_statistics_in_training(self, pictures, conv_learner):
        model = SiameseNetwork(conv_learner.backbone)
        (a, b), _ = one(pictures.pairs(8))
        expected = model.embed(np.stack([np.concatenate([a, b])]), training=True)[0]
        expected = keras.ops.sigmoid(
            model.head.pair_similarity(expected[:8], expected[8:])
        )
        np.testing.assert_allclose(
            model.pair_model((a, b), training=True), expected, rtol=1e-4
        )

    def test_a_pair_that_is_surely_wrong_still_teaches(self, vectors):
        # The sigmoid of 1,000 is 1 in float32: the loss must come from the logit.
        model = vector_network()
        model.head.unit.bias.assign([1000.0])
        model.pair_model.compile(
            keras.optimizers.SGD(1.0), "binary_crossentropy", jit_compile=False
        )
        (a, b), _ = one(vectors.pairs(8))
        model.pair_model.train_on_batch((a, b), np.zeros(8))
        np.testing.assert_allclose(model.head.unit.bias, [999.0])

    def test_accuracy_is_the_share_of_pairs_told_right(self, vectors):
        model = vector_network().pair_model
        model.compile(loss="binary_crossentropy", metrics=["accuracy"])
        (a, b), same = one(vectors.pairs(32))
        results = model.evaluate((a, b), same, return_dict=True, verbose=0)
        right = (np.asarray(model((a, b)))[:, 0] > 0.5) == np.asarray(same)
        np.testing.assert_allclose(results["accuracy"], right.mean())

    @each_similarity
    def test_it_can_be_saved_by_itself(self, vectors, tmp_path, similarity):
        model = vector_network(similarity).pair_model
        (a, b), _ = one(vectors.pairs(8))
        inputs = (np.asarray(a), np.asarray(b))
        assert_same_predictions_after_saving(model, inputs, tmp_path / "pairs.keras")


class TestNewClasses:
    def measured(self, model, pictures):
        model.compile()
        test = pictures.subset(range(5, 8)).episodes(3, 1, 5, seed=1, count=40)
        return model.evaluate(test, return_dict=True, verbose=0)

    def network(self, similarity, filters):
        keras.utils.set_random_seed(0)
        backbone = fsl.backbones.Conv4((16, 16, 1), filters=filters)
        return SiameseNetwork(backbone, similarity)

    @pytest.mark.slow
    @each_similarity
    def test_are_told_apart_after_training_on_pairs(self, pictures, similarity):
        model = self.network(similarity, filters=4)
        before = self.measured(model, pictures)
        model.pair_model.compile(
            keras.optimizers.Adam(1e-2), PAIR_LOSSES[similarity], jit_compile=False
        )
        train = pictures.subset(range(5)).pairs(32, count=40)
        model.pair_model.fit(train, shuffle=False, verbose=0)
        after = self.measured(model, pictures)
        gained = after["accuracy"] - before["accuracy"]
        assert gained > after["accuracy_ci95"] + before["accuracy_ci95"]

    def test_are_told_apart_after_training_on_triplets(self, pictures):
        model = self.network("euclidean", filters=8)
        before = self.measured(model, pictures)
        model.backbone.compile(
            keras.optimizers.Adam(1e-2), fsl.losses.TripletLoss(), jit_compile=False
        )
        train = pictures.subset(range(5)).batches(32, count=40)
        model.backbone.fit(train, shuffle=False, verbose=0)
        after = self.measured(model, pictures)
        gained = after["accuracy"] - before["accuracy"]
        assert gained > after["accuracy_ci95"] + before["accuracy_ci95"]


@pytest.mark.slow
@each_similarity
def test_training_on_episodes_lowers_the_loss(vectors, similarity):
    model = vector_network(similarity)
    model.compile(keras.optimizers.Adam(1e-2))
    fixed = vectors.episodes(4, 2, 5, seed=1, tasks=4, count=4)
    before = model.evaluate(fixed, return_dict=True, verbose=0)
    train = vectors.episodes(4, 2, 5, tasks=4, count=160)
    model.fit(train, verbose=0)
    assert model.evaluate(fixed, return_dict=True, verbose=0)["loss"] < before["loss"]


@each_similarity
def test_configuration_and_saving(vectors, tmp_path, similarity):
    model = vector_network(similarity, aggregate="max", name="twins")
    assert_config_round_trip(model)
    assert model.pair_model.name == "twins_pairs"
    if similarity == "learned":
        model.head.unit.bias.assign([7.0])  # as if it had been learned
    x, _ = one(vectors.episodes(3, 2, 4))
    episode = {name: np.asarray(value) for name, value in x.items()}
    path = tmp_path / "twins.keras"
    loaded = assert_same_predictions_after_saving(model, episode, path)
    assert (loaded.name, loaded.head.aggregate) == ("twins", "max")


def test_unknown_arguments_are_refused(vector_learner):
    with pytest.raises(ValueError, match="similarity"):
        SiameseNetwork(vector_learner.backbone, similarity="euclid")
    with pytest.raises(ValueError, match="aggregate"):
        SiameseNetwork(vector_learner.backbone, aggregate="sum")
