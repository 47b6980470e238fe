"""The modes of batch normalization, and dropout."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.models import MAML, ProtoMAML, Reptile
from tests.models.gradient_based.gradient import episodes, normalized


class TestBatchNorm:
    def first_logits(self, mode, batch):
        """The logits of the first query in a batch of queries."""
        model = MAML(normalized(), 2, 0.3, batch_norm=mode)
        x, _ = episodes((8, 8, 1), tasks=1, queries=10)
        return np.asarray(model({**x, "query": x["query"][:, :batch]}))[0, 0]

    @pytest.mark.parametrize("mode", ["support", "running", "per_step_support"])
    def test_answers_do_not_depend_on_the_other_queries(self, mode):
        np.testing.assert_allclose(
            self.first_logits(mode, 1),
            self.first_logits(mode, 30),
            rtol=1e-4,
            atol=1e-5,
        )

    @pytest.mark.parametrize("mode", ["transductive", "per_step"])
    def test_transductive_answers_do(self, mode):
        alone, together = (self.first_logits(mode, n) for n in (1, 30))
        assert np.abs(alone - together).max() > 1e-2

    def test_the_statistics_of_the_support_set_are_those_of_the_last_step(self):
        model = MAML(normalized(), 1, 0.3, batch_norm="support")
        x, _ = episodes((8, 8, 1), tasks=1)
        state = model.adapt_state(x["support"], x["support_labels"])
        maps = keras.ops.conv(x["support"][0], state["conv.kernel"][0])
        np.testing.assert_allclose(
            state["norm.moving_mean"][0], np.mean(maps, axis=(0, 1, 2)), rtol=1e-3
        )
        np.testing.assert_allclose(
            state["norm.moving_variance"][0], np.var(maps, axis=(0, 1, 2)), rtol=1e-3
        )

    @pytest.mark.parametrize("mode", ["transductive", "support", "running"])
    def test_training_moves_the_running_statistics(self, mode):
        model = MAML(normalized(), 1, 0.3, batch_norm=mode)
        model.compile(run_eagerly=True)  # tracing takes longer
        x, y = episodes((8, 8, 1))
        before = model.network.get_layer("norm").moving_variance.numpy()
        model.train_on_batch(x, y)
        after = model.network.get_layer("norm").moving_variance.numpy()
        assert np.abs(after - before).max() > 1e-3

    def test_every_step_has_scales_and_offsets_of_its_own(self):
        model = MAML(normalized(), 2, 0.3, batch_norm="per_step")
        model.compile(run_eagerly=True)  # tracing takes longer
        rows = {w.name: w for w in model.weights if w.name.startswith("norm_")}
        shapes = {name: tuple(w.shape) for name, w in rows.items()}
        assert shapes == {"norm_gamma": (3, 4), "norm_beta": (3, 4)}
        x, y = episodes((8, 8, 1))
        model.train_on_batch(x, y)
        # The gradient reaches those of each step, which the inner steps do not adapt.
        assert np.abs(rows["norm_beta"].numpy()).max(axis=1).min() > 1e-5
        state = model.adapt_state(x["support"], x["support_labels"])
        assert "norm.gamma" not in state
        assert model.deployable().batch_norm == "per_step_support"

    def test_a_copy_may_have_another_mode(self):
        model = MAML(normalized(), 2, 0.3)
        x, _ = episodes((8, 8, 1))
        copy = model.with_batch_norm("support")
        assert (model.kind, copy.kind) == ("transductive", "inductive")
        assert np.abs(np.asarray(model(x)) - np.asarray(copy(x))).max() > 1e-3
        with pytest.raises(ValueError, match="per_step"):
            model.with_batch_norm("per_step")


class TestInductiveCopy:
    @pytest.mark.parametrize("cls", [MAML, ProtoMAML, Reptile])
    def test_uses_the_statistics_of_the_support_set(self, cls):
        model = cls(normalized(), 1)
        copy = model.deployable()
        assert (model.kind, model.batch_norm) == ("transductive", "transductive")
        assert (copy.kind, copy.batch_norm) == ("inductive", "support")

    def test_is_in_a_classifier(self):
        model = MAML(normalized(), 3, 0.3)
        x, _ = episodes((8, 8, 1), tasks=1, shots=3)
        items = np.clip(x["support"][0] * 0.2 + 0.5, 0, 1)
        classifier = model.adapt(items, np.arange(3).repeat(3))
        assert classifier.learner.batch_norm == "support"
        many = np.concatenate([items] * 4)[:32]
        together = classifier.predict(many, verbose=0)
        alone = classifier.predict(many[:1], verbose=0)
        np.testing.assert_allclose(alone[0], together[0], rtol=1e-4, atol=1e-6)

    def test_is_exported(self, tmp_path):
        model = MAML(normalized(), 1, 0.3)
        x, _ = episodes((8, 8, 1), tasks=1)
        model.export(tmp_path / "exported", verbose=False)
        exported = tf.saved_model.load(tmp_path / "exported")
        together = exported.serve(x)["logits"]
        np.testing.assert_allclose(together, model.deployable()(x), atol=1e-4)
        alone = exported.serve({**x, "query": x["query"][:, :1]})["logits"]
        np.testing.assert_allclose(alone[:, 0], together[:, 0], atol=1e-4)


def test_the_report_says_how_it_normalized():
    rng = np.random.default_rng(0)
    data = fsl.ClassDataset.from_arrays(
        rng.random((40, 8, 8, 1), "float32"), np.repeat(np.arange(4), 10)
    )
    model = MAML(normalized(), 1, 0.1)
    stream = data.episodes(3, 1, 2, count=2)
    protocols = [
        fsl.evaluation.evaluate(m, stream).protocol for m in (model, model.deployable())
    ]
    assert [p["batch_norm"] for p in protocols] == ["transductive", "support"]
    assert [p["kind"] for p in protocols] == ["transductive", "inductive"]


class TestDropout:
    """Layers that draw random numbers do so in training alone."""

    def networks(self):
        """A network with dropout, and the same without."""
        networks = [
            keras.Sequential(
                [
                    keras.Input((4,)),
                    keras.layers.Dense(8, "relu", name="hidden"),
                    keras.layers.BatchNormalization(name="norm"),
                    keras.layers.Dropout(rate, name="drop"),
                    keras.layers.Dense(3, name="logits"),
                ]
            )
            for rate in (0.5, 0.0)
        ]
        networks[1].set_weights(networks[0].get_weights())
        return networks

    @pytest.mark.parametrize("mode", ["transductive", "support", "running"])
    def test_it_is_off_in_evaluation(self, mode):
        x, _ = episodes((4,))
        dropping, plain = (MAML(n, 2, 0.3, batch_norm=mode) for n in self.networks())
        np.testing.assert_allclose(dropping(x), plain(x), rtol=1e-5, atol=1e-6)
        run = tf.function(lambda x: dropping(x))
        np.testing.assert_allclose(run(x), plain(x), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("mode", ["transductive", "support", "running"])
    def test_it_is_on_in_training(self, mode):
        x, _ = episodes((4,))
        dropping, plain = (MAML(n, 2, 0.3, batch_norm=mode) for n in self.networks())
        trained = np.asarray(dropping(x, training=True))
        assert np.abs(trained - np.asarray(plain(x, training=True))).max() > 1e-2
        np.testing.assert_allclose(dropping(x), dropping(x))  # and off again

    def test_a_network_without_statistics_is_inductive(self):
        network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
        assert MAML(network).kind == "inductive"
        assert MAML(self.networks()[0]).kind == "transductive"
