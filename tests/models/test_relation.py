import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.models import RelationNetwork
from tests.checks import assert_config_round_trip, assert_same_predictions_after_saving


@pytest.fixture
def make_network():
    def make(dtype=None, **kwargs):
        keras.utils.set_random_seed(0)
        backbone = fsl.backbones.Conv4(
            (16, 16, 1), filters=4, pooling=None, pooled_blocks=2, dtype=dtype
        )
        return RelationNetwork(backbone, filters=4, **kwargs)

    return make


def one(stream):
    return next(iter(stream))


@pytest.mark.slow
def test_training_lowers_the_loss_and_tells_new_classes_apart(pictures, make_network):
    model = make_network()
    model.compile(keras.optimizers.Adam(1e-2))
    assert isinstance(model.loss, fsl.losses.OneHotSquaredError)
    seen, new = (pictures.subset(classes) for classes in (range(5), range(5, 8)))
    streams = [data.episodes(3, 1, 5, seed=1, count=40) for data in (seen, new)]
    before = [model.evaluate(x, return_dict=True, verbose=0) for x in streams]
    train = seen.episodes(4, 1, 3, tasks=2)
    model.fit(train, steps_per_epoch=60, verbose=0)
    after = [model.evaluate(x, return_dict=True, verbose=0) for x in streams]
    assert after[0]["loss"] < 0.5 * before[0]["loss"]
    gained = after[1]["accuracy"] - before[1]["accuracy"]
    assert gained > after[1]["accuracy_ci95"] + before[1]["accuracy_ci95"]


def test_the_loss_is_that_of_the_sigmoids(pictures, make_network):
    model = make_network()
    model.compile()
    x, y = one(pictures.episodes(3, 2, 4))
    likeness = keras.ops.sigmoid(model(x))
    expected = np.square(likeness - np.eye(3)[y]).sum(axis=-1).mean()
    loss = model.evaluate(x, y, return_dict=True, verbose=0)["loss"]
    np.testing.assert_allclose(loss, expected, rtol=1e-4)


def test_statistics_move_in_training_alone(pictures, make_network):
    model = make_network()
    x, _ = one(pictures.episodes(3, 2, 4))
    mean = model.head.normalizations[0].moving_mean
    model(x)
    assert not np.any(mean)
    model(x, training=True)
    assert np.all(mean)


def test_a_query_is_answered_the_same_whatever_the_others(pictures, make_network):
    model = make_network()
    x, _ = one(pictures.episodes(3, 2, 4))
    model(x, training=True)  # moves the running statistics
    alone = {**x, "query": x["query"][:, :1]}
    np.testing.assert_allclose(model(x)[:, :1], model(alone), atol=1e-5)


def test_configuration_and_saving(pictures, make_network, tmp_path):
    model = make_network(units=5, momentum=0.8, name="relation")
    assert_config_round_trip(model)
    x, y = one(pictures.episodes(3, 2, 4))
    model.compile(run_eagerly=True)  # tracing would take longer than the steps
    model.train_on_batch(x, y)
    episode = {name: np.asarray(value) for name, value in x.items()}
    path = tmp_path / "relation.keras"
    loaded = assert_same_predictions_after_saving(model, episode, path)
    assert loaded.name == "relation"
    assert (loaded.head.units, loaded.head.momentum) == (5, 0.8)
    np.testing.assert_allclose(
        loaded.train_on_batch(x, y), model.train_on_batch(x, y), rtol=1e-4
    )


@pytest.mark.slow
def test_mixed_precision_under_xla(pictures, make_network):
    model = make_network(dtype="mixed_bfloat16")
    model.compile(jit_compile=True)
    x, y = one(pictures.episodes(3, 2, 4))
    assert np.isfinite(model.train_on_batch(x, y)[0])
    assert keras.backend.standardize_dtype(model(x).dtype) == "float32"


def test_a_backbone_of_vectors_is_refused(conv_learner):
    with pytest.raises(ValueError, match=r"feature maps.*\(4,\).*pooling=None"):
        RelationNetwork(conv_learner.backbone)
