import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.layers.augmentation import RandomAffine
from fsl_keras.losses import BarlowTwinsLoss, SupervisedContrastiveLoss
from fsl_keras.pretraining import (
    BarlowTwins,
    RotationPrediction,
    SimCLR,
    SupervisedContrastive,
)
from tests.checks import assert_config_round_trip

METHODS = [SimCLR, SupervisedContrastive, BarlowTwins, RotationPrediction]
each_method = pytest.mark.parametrize("method", METHODS, ids=lambda m: m.__name__)


def network(channels=1, size=12):
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((size, size, channels)),
            keras.layers.Conv2D(8, 3, strides=2, activation="relu"),
            keras.layers.Flatten(),
            keras.layers.Dense(16),
        ]
    )


@pytest.fixture
def shapes():
    """Eight classes of bars at different places and angles, with noise."""
    rng = np.random.default_rng(0)
    images = []
    for number in range(8):
        plain = np.zeros((12, 12), "float32")
        plain[2 + number] = 1.0
        plain[:, 9 - number] = 1.0
        images += [plain + rng.normal(0, 0.2, (12, 12)) for _ in range(10)]
    images = np.clip(images, 0, 1).astype("float32")[..., None]
    return fsl.ClassDataset.from_arrays(images, np.repeat(np.arange(8), 10))


@each_method
def test_training_lowers_the_loss_and_changes_the_backbone(shapes, method):
    backbone = network()
    before = backbone.get_weights()
    model = method(backbone, RandomAffine(seed=0))
    model.compile(keras.optimizers.Adam(3e-3))
    history = model.fit(
        shapes.batches(32, seed=0), steps_per_epoch=20, epochs=3, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert model.backbone is backbone
    assert all(
        np.any(a != b) for a, b in zip(before, backbone.get_weights(), strict=True)
    )


class OtherNoise(keras.layers.Layer):
    """Replaces all but the first four numbers of a vector by noise."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(0)

    def call(self, items, training=None):
        noise = 2 * keras.random.normal(
            (keras.ops.shape(items)[0], 12), seed=self.seeds
        )
        return keras.ops.concatenate([items[:, :4], noise], axis=-1)


def test_without_labels_it_learns_what_views_have_in_common():
    # The class is in the first four numbers, under twelve of noise that is larger.
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(8), 20)
    signal = rng.normal(size=(8, 4))[labels] + rng.normal(0, 0.05, (160, 4))
    items = np.concatenate([signal, 2 * rng.normal(size=(160, 12))], axis=1)
    data = fsl.ClassDataset.from_arrays(items.astype("float32"), labels)
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential(
        [keras.Input((16,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(8)]
    )
    model = SimCLR(backbone, OtherNoise(), temperature=0.5)
    model.compile(keras.optimizers.Adam(1e-2))
    unlabeled = data.batches(64, seed=0).map(lambda items, labels: items)
    watched = data.batches(160, count=1)
    before = model.evaluate(watched, return_dict=True, verbose=0)
    history = model.fit(unlabeled, steps_per_epoch=150, verbose=0).history
    after = model.evaluate(watched, return_dict=True, verbose=0)
    assert set(history) == {"loss", "spread"}
    assert before["probe_accuracy"] < 0.4
    assert after["probe_accuracy"] > 0.9


def nt_xent(first, second, temperature):
    """The loss of the paper: 2k - 1 and 2k are the views of one item."""
    z = np.stack([first, second], axis=1).reshape(-1, first.shape[-1])
    z = z / np.linalg.norm(z, axis=1, keepdims=True)
    similarities = np.exp(z @ z.T / temperature)
    losses = [
        -np.log(similarities[i, i ^ 1] / (similarities[i].sum() - similarities[i, i]))
        for i in range(len(z))
    ]
    return np.mean(losses)


def test_the_loss_of_simclr_is_nt_xent():
    views = np.random.default_rng(0).normal(size=(2, 7, 5))
    loss = SimCLR(network(), None, temperature=0.3).views_loss(
        tf.constant(views, "float32")
    )
    assert float(loss) == pytest.approx(nt_xent(*views, 0.3), rel=1e-5)


def test_the_loss_with_labels_is_that_of_all_views_of_a_class():
    views = np.random.default_rng(0).normal(size=(2, 6, 5)).astype("float32")
    labels = np.array([0, 0, 1, 2, 2, 2])
    model = SupervisedContrastive(network(), None, temperature=0.2)
    expected = SupervisedContrastiveLoss(0.2)(
        np.concatenate([labels, labels]), np.concatenate(views)
    )
    assert float(model.views_loss(tf.constant(views), labels)) == pytest.approx(
        float(expected)
    )
    with pytest.raises(ValueError, match="needs labels"):
        model.views_loss(tf.constant(views))


def test_the_loss_of_barlow_twins():
    views = np.random.default_rng(0).normal(size=(2, 16, 5)).astype("float32")
    loss = BarlowTwins(network(), None, redundancy_weight=0.1).views_loss(views)
    assert float(loss) == pytest.approx(float(BarlowTwinsLoss(0.1)(*views)))


def test_the_loss_of_rotation_prediction_by_hand():
    # Two images. The logits favor the true rotation by 1 in the first image alone.
    logits = np.zeros((4, 2, 4), "float32")
    logits[:, 0] = np.eye(4)
    loss = RotationPrediction(network(), None).views_loss(tf.constant(logits))
    known, unknown = np.log((np.e + 3) / np.e), np.log(4)
    assert float(loss) == pytest.approx((known + unknown) / 2, rel=1e-6)


def test_the_views_of_rotation_prediction_are_quarter_turns():
    images = np.random.default_rng(0).random((3, 12, 12, 1)).astype("float32")
    views = RotationPrediction(network(), None).make_views(tf.constant(images))
    expected = np.concatenate([np.rot90(images, k, axes=(1, 2)) for k in range(4)])
    np.testing.assert_array_equal(views, expected)


class TestViews:
    def test_they_differ_and_are_as_many_as_asked(self):
        images = np.random.default_rng(0).random((5, 12, 12, 1)).astype("float32")
        model = SimCLR(network(), RandomAffine(seed=0), projection=(6,), views=3)
        found = model(images)
        assert found["embeddings"].shape == (3, 5, 16)
        assert found["projections"].shape == (3, 5, 6)
        assert model.compute_output_shape(images.shape) == {
            "embeddings": (3, 5, 16),
            "projections": (3, 5, 6),
        }
        first, second, third = np.asarray(found["embeddings"])
        assert np.abs(first - second).max() > 1e-3
        assert np.abs(second - third).max() > 1e-3

    def test_view_after_view(self):
        images = np.random.default_rng(0).random((5, 12, 12, 1)).astype("float32")
        model = SimCLR(network(), None, projection=())
        found = model(images)
        expected = np.asarray(model.backbone(images))
        for view in np.asarray(found["embeddings"]):
            np.testing.assert_allclose(view, expected, rtol=1e-4, atol=1e-6)
        np.testing.assert_array_equal(found["projections"], found["embeddings"])


class TestCollapse:
    @pytest.mark.filterwarnings("default:The embeddings collapsed")
    def test_it_is_said_once_and_during_training(self, shapes):
        backbone = network()
        backbone.layers[-1].kernel.assign(backbone.layers[-1].kernel * 0)
        backbone.layers[-1].bias.assign(np.ones(16))
        backbone.trainable = False
        model = SimCLR(backbone, RandomAffine(seed=0))
        model.compile()
        with pytest.warns(UserWarning, match="collapsed in epoch 1") as found:
            model.fit(shapes.batches(16), steps_per_epoch=1, epochs=3, verbose=0)
        assert len(found) == 1


@each_method
def test_saving_keeps_weights_optimizer_and_arguments(shapes, method, tmp_path):
    model = method(network(), RandomAffine(seed=0))
    model.compile(keras.optimizers.Adam(1e-2))
    model.fit(shapes.batches(16), steps_per_epoch=2, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is method
    for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert int(loaded.optimizer.iterations) == 2
    loaded.fit(shapes.batches(16), steps_per_epoch=1, verbose=0)
    assert_config_round_trip(model)


def test_mixed_precision_keeps_projections_and_losses_in_float32(shapes):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = SimCLR(network(), RandomAffine(seed=0))
    finally:
        keras.config.set_dtype_policy("float32")
    found = model(np.zeros((2, 12, 12, 1)))
    assert {str(v.dtype) for v in found.values()} == {"<dtype: 'float32'>"}
    model.compile()
    model.fit(shapes.batches(16), steps_per_epoch=2, verbose=0)


def test_it_compiles_with_xla(shapes):
    model = SimCLR(network(), RandomAffine(seed=0))
    model.compile(jit_compile=True)
    history = model.fit(shapes.batches(16), steps_per_epoch=2, verbose=0)
    assert np.isfinite(history.history["loss"][0])


def test_a_learner_takes_the_backbone(shapes):
    model = SimCLR(network(), RandomAffine(seed=0))
    learner = fsl.models.PrototypicalNetwork(model.backbone)
    images = shapes.class_items("0")[:2], shapes.class_items("1")[:2]
    classifier = learner.adapt(np.concatenate(images), [0, 0, 1, 1])
    assert classifier.predict(images[0], verbose=0).shape == (2, 2)


class TestBadArguments:
    def test_a_backbone_of_feature_maps(self):
        backbone = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(4, 3)])
        with pytest.raises(ValueError, match="must give vectors"):
            SimCLR(backbone, None)

    def test_an_augmentation_that_cannot_be_called(self):
        with pytest.raises(ValueError, match="augmentation='affine'"):
            SimCLR(network(), "affine")

    def test_one_view(self):
        with pytest.raises(ValueError, match="views=1"):
            SimCLR(network(), None, views=1)

    def test_twins_are_two(self):
        with pytest.raises(ValueError, match="views=3"):
            BarlowTwins(network(), None, views=3)

    def test_rotation_of_images_that_are_not_square(self):
        backbone = keras.Sequential(
            [keras.Input((8, 6, 1)), keras.layers.Flatten(), keras.layers.Dense(3)]
        )
        with pytest.raises(ValueError, match="square images"):
            RotationPrediction(backbone, None)
