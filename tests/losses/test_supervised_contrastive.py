import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras import ClassDataset
from fsl_keras.losses import SupervisedContrastiveLoss
from tests.checks import assert_config_round_trip


def reference(labels, embeddings, temperature):
    """The formula, one anchor and one positive at a time."""
    z = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    losses = np.zeros(len(labels))
    for i in range(len(labels)):
        others = [a for a in range(len(labels)) if a != i]
        total = sum(np.exp(z[i] @ z[a] / temperature) for a in others)
        own = [p for p in others if labels[p] == labels[i]]
        for p in own:
            losses[i] -= np.log(np.exp(z[i] @ z[p] / temperature) / total) / len(own)
    return losses


def test_by_hand():
    # Cosines of 1, 0 and 0 with the others: -log(e / (e + 1 + 1)) for the first two.
    # The third has one positive of three, all at a cosine of 0 or -1.
    embeddings = np.array([[2.0, 0], [5.0, 0], [0, 1.0], [0, -3.0]])
    labels = np.array([0, 0, 1, 1])
    e = np.e
    near, far = np.log((e + 2) / e), np.log((2 + 1 / e) / (1 / e))
    each = SupervisedContrastiveLoss(temperature=1.0, reduction=None)(
        labels, embeddings
    )
    np.testing.assert_allclose(each, [near, near, far, far], rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_random_batches(temperature):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 12)
    embeddings = rng.normal(size=(12, 3))
    np.testing.assert_allclose(
        SupervisedContrastiveLoss(temperature, reduction=None)(
            labels[:, None], embeddings
        ),
        reference(labels, embeddings, temperature),
        rtol=1e-5,
        atol=1e-5,
    )


def test_the_length_of_embeddings_does_not_matter():
    rng = np.random.default_rng(0)
    labels, embeddings = np.arange(8) % 3, rng.normal(size=(8, 3))
    loss = SupervisedContrastiveLoss()
    longer = embeddings * rng.uniform(0.1, 10, (8, 1))
    assert float(loss(labels, longer)) == pytest.approx(float(loss(labels, embeddings)))


@pytest.mark.parametrize("labels", [[0, 1, 2], [4]], ids=["no own", "one item"])
def test_a_batch_without_positives_costs_nothing(labels):
    embeddings = tf.Variable(np.ones((len(labels), 2)), dtype="float32")
    with tf.GradientTape() as tape:
        loss = SupervisedContrastiveLoss()(np.array(labels), embeddings)
    assert float(loss) == 0
    np.testing.assert_array_equal(tape.gradient(loss, embeddings), 0)


def test_an_item_without_a_positive_is_a_negative_of_the_others():
    embeddings = np.array([[1.0, 0], [1.0, 0.1], [1.0, 0.2]])
    labels = np.array([0, 0, 1])
    loss = SupervisedContrastiveLoss(temperature=0.1, reduction=None)
    first, second, third = np.asarray(loss(labels, embeddings))
    assert min(first, second) > 0.5  # 0 without the third
    assert third == 0


def test_vectors_of_zeros_have_finite_losses_and_gradients():
    embeddings = tf.Variable([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    with tf.GradientTape() as tape:
        loss = SupervisedContrastiveLoss()(np.array([0, 0, 1]), embeddings)
    # Two of three, each with two others at a cosine of 0.
    assert float(loss) == pytest.approx(2 / 3 * np.log(2))
    assert np.isfinite(tape.gradient(loss, embeddings)).all()


def test_a_backbone_learns_on_labelled_batches():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 12)
    items = rng.normal(size=(6, 4))[labels] * 2 + rng.normal(size=(72, 4))
    vectors = ClassDataset.from_arrays(items.astype("float32"), labels)
    keras.utils.set_random_seed(0)
    backbone = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8)])
    loss = SupervisedContrastiveLoss()
    backbone.compile(keras.optimizers.Adam(3e-2), loss, jit_compile=False)
    fixed = next(iter(vectors.batches(72)))
    before = backbone.evaluate(*fixed, batch_size=72, verbose=0)
    stream = vectors.batches(24, seed=1, count=40, per_class=4)
    backbone.fit(stream, shuffle=False, verbose=0)
    assert backbone.evaluate(*fixed, batch_size=72, verbose=0) < 0.8 * before


def test_configuration():
    assert_config_round_trip(
        SupervisedContrastiveLoss(temperature=0.3, reduction="sum", name="s")
    )


def test_a_temperature_of_zero_is_refused():
    with pytest.raises(ValueError, match=r"`temperature` must be positive.*e=0"):
        SupervisedContrastiveLoss(temperature=0)
