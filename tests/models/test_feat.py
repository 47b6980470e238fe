import keras
import numpy as np
import pytest

import fsl_keras as fsl
from tests.models import checks


def make_model(**kwargs):
    kwargs = {"temperature": 4.0, "dropout": 0.0, **kwargs}
    return fsl.models.FEAT(checks.backbone(), **kwargs)


def cross_entropy(logits, labels):
    """The mean over items that are not padding, in double precision."""
    logits = np.asarray(logits, "float64")
    largest = logits.max(-1, keepdims=True)
    log_sums = largest + np.log(np.exp(logits - largest).sum(-1, keepdims=True))
    return (labels * (log_sums - logits)).sum() / labels.sum()


@pytest.mark.slow
def test_training_lowers_the_loss(vectors):
    checks.assert_training_lowers_the_loss(make_model(), vectors)


class TestTheSecondTask:
    def test_it_joins_the_loss_of_training_alone(self, vectors):
        x, y = checks.arrays(vectors.episodes(3, 2, 4, tasks=2))
        model = make_model(auxiliary_weight=0.5)
        model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        logits = model(x)
        of_query = np.eye(3)[y]
        first = cross_entropy(logits, of_query)
        support, query = model.embed_episode(x)
        items = np.concatenate([support, query], axis=1)
        labels = np.concatenate([x["support_labels"], of_query], axis=1)
        contrasted = model.head.contrast(items, labels.astype("float32"))
        second = cross_entropy(contrasted, labels)
        trained = model.train_on_batch(x, y, return_dict=True)["loss"]
        assert trained == pytest.approx(first + 0.5 * second, rel=1e-4)
        tested = model.test_on_batch(x, y, return_dict=True)["loss"]
        assert tested == pytest.approx(first, rel=1e-4)

    def test_padding_takes_no_part(self, vectors):
        x, y = checks.arrays(vectors.episodes(3, 2, 4))
        model = make_model(auxiliary_weight=0.5)
        model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        loss = model.train_on_batch(x, y, return_dict=True)["loss"]
        padded = {
            "support": np.concatenate([x["support"], x["query"][:, :2]], axis=1),
            "support_labels": np.pad(x["support_labels"], [(0, 0), (0, 2), (0, 1)]),
            "query": np.concatenate([x["query"], x["query"][:, 6:]], axis=1),
        }
        labels = np.pad(y, [(0, 0), (0, 6)])
        weight = np.pad(np.ones(y.shape, "float32"), [(0, 0), (0, 6)])
        again = model.train_on_batch(padded, labels, weight, return_dict=True)["loss"]
        assert again == pytest.approx(loss, rel=1e-4)

    def test_without_weight_it_is_off(self, vectors):
        x, y = checks.arrays(vectors.episodes(3, 2, 4))
        model = make_model(auxiliary_weight=0.0)
        model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        trained, tested = (
            step(x, y, return_dict=True)["loss"]
            for step in (model.train_on_batch, model.test_on_batch)
        )
        assert trained == pytest.approx(tested, rel=1e-5)

    def test_a_loss_that_is_scaled_takes_the_same_step(self, vectors):
        x, y = checks.arrays(vectors.episodes(3, 2, 4))
        kernels = []
        for scaled in (False, True):
            model = make_model(auxiliary_weight=1.0)
            optimizer = keras.optimizers.SGD(1e-2)
            if scaled:
                optimizer = keras.optimizers.LossScaleOptimizer(
                    optimizer, initial_scale=256.0
                )
            model.compile(optimizer, run_eagerly=True)
            model.train_on_batch(x, y)
            kernels.append(model.backbone.get_weights()[0])
        np.testing.assert_allclose(*kernels, rtol=1e-4, atol=1e-6)


def test_there_is_dropout_in_training(vectors):
    x, y = checks.arrays(vectors.episodes(3, 2, 4))
    model = make_model(dropout=0.5)
    model.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    losses = [model.train_on_batch(x, y, return_dict=True)["loss"] for _ in range(2)]
    assert abs(losses[0] - losses[1]) > 1e-4
    losses = [model.test_on_batch(x, y, return_dict=True)["loss"] for _ in range(2)]
    assert losses[0] == losses[1]


def test_the_head_has_what_was_given():
    model = make_model(num_heads=2, dropout=0.3, temperature=5.0, auxiliary_weight=0.2)
    head = model.head
    assert (head.key_dim, head.num_heads, head.dropout, head.temperature) == (
        8,
        2,
        0.3,
        5,
    )
    assert model.auxiliary_weight == 0.2
    assert model.incremental == "refit"


def test_a_backbone_that_is_none_is_refused():
    with pytest.raises(ValueError, match=r"built Keras model.*'conv4'"):
        fsl.models.FEAT("conv4")
