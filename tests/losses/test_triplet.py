import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.losses import TripletLoss
from tests.checks import assert_config_round_trip


def reference(labels, embeddings, margin):
    """The formula, one anchor at a time."""
    losses = np.zeros(len(labels))
    for anchor, (label, embedding) in enumerate(zip(labels, embeddings, strict=True)):
        distances = np.linalg.norm(embeddings - embedding, axis=1)
        own = (labels == label) & (np.arange(len(labels)) != anchor)
        if own.any() and (labels != label).any():
            hardest = distances[own].max() - distances[labels != label].min()
            losses[anchor] = max(hardest + margin, 0)
    return losses


def test_by_hand():
    # Class 0 at 0, 1 and 4, class 1 at 6 and 7: near - far + 3 is 4 - 6, 3 - 5 and
    # 4 - 2, then 1 - 2 and 1 - 3.
    embeddings = np.array([[0.0], [1.0], [4.0], [6.0], [7.0]])
    labels = np.array([0, 0, 0, 1, 1])
    each = TripletLoss(margin=3.0, reduction=None)(labels, embeddings)
    np.testing.assert_allclose(each, [1, 1, 5, 2, 1])


@pytest.mark.parametrize("seed", range(4))
def test_random_batches(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 12)
    embeddings = rng.normal(size=(12, 3))
    np.testing.assert_allclose(
        TripletLoss(margin=0.5, reduction=None)(labels[:, None], embeddings),
        reference(labels, embeddings, 0.5),
        rtol=1e-5,
        atol=1e-6,
    )


@pytest.mark.parametrize("labels", [[0, 1, 2], [4, 4, 4]], ids=["no own", "no other"])
def test_a_batch_without_triplets_costs_nothing(labels):
    embeddings = np.random.default_rng(0).normal(size=(3, 2))
    assert float(TripletLoss()(np.array(labels), embeddings)) == 0


def test_the_gradient_is_finite_where_embeddings_are_the_same():
    embeddings = tf.Variable(tf.ones((4, 2)))
    with tf.GradientTape() as tape:
        loss = TripletLoss()(np.array([0, 0, 1, 1]), embeddings)
    assert float(loss) == 1.0  # the margin
    assert np.isfinite(tape.gradient(loss, embeddings)).all()


def test_a_backbone_learns_on_labelled_batches():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 12)
    items = rng.normal(size=(6, 4))[labels] * 2 + rng.normal(size=(72, 4))
    vectors = ClassDataset.from_arrays(items.astype("float32"), labels)
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    backbone.compile(keras.optimizers.Adam(3e-2), TripletLoss(), jit_compile=False)
    fixed = next(iter(vectors.batches(72)))
    before = backbone.evaluate(*fixed, batch_size=72, verbose=0)
    backbone.fit(vectors.batches(24, seed=1, count=40), shuffle=False, verbose=0)
    assert backbone.evaluate(*fixed, batch_size=72, verbose=0) < 0.8 * before


def test_configuration():
    assert_config_round_trip(TripletLoss(margin=0.3, reduction="sum", name="t"))


def test_a_margin_below_zero_is_refused():
    with pytest.raises(ValueError, match=r"`margin` must be positive.*margin=-1"):
        TripletLoss(margin=-1)
