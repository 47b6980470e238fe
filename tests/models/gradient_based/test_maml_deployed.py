"""How MAML normalizes, what it costs to answer alone, classifiers, saving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.models import MAML
from tests.checks import assert_config_round_trip, run_python
from tests.models.gradient_based.gradient import embedding, episodes, normalized


class TestBatchNorm:
    def answers(self, mode, batch):
        """The logits of the first query, asked with others or alone."""
        model = MAML(normalized(), 2, 0.3, batch_norm=mode)
        x, _ = episodes((8, 8, 1), tasks=1, queries=10)
        return np.asarray(model({**x, "query": x["query"][:, :batch]}))[0, 0]

    @pytest.mark.parametrize("mode", ["support", "running", "per_step_support"])
    def test_answers_do_not_depend_on_the_other_queries(self, mode):
        np.testing.assert_allclose(
            self.answers(mode, 1), self.answers(mode, 30), rtol=1e-4, atol=1e-5
        )

    @pytest.mark.parametrize("mode", ["transductive", "per_step"])
    def test_transductive_answers_do(self, mode):
        alone, together = (self.answers(mode, n) for n in (1, 30))
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
        model.compile()
        x, y = episodes((8, 8, 1))
        before = model.network.get_layer("norm").moving_variance.numpy()
        model.train_on_batch(x, y)
        after = model.network.get_layer("norm").moving_variance.numpy()
        assert np.abs(after - before).max() > 1e-3

    def test_every_step_has_scales_and_offsets_of_its_own(self):
        model = MAML(normalized(), 2, 0.3, batch_norm="per_step")
        model.compile()
        rows = {w.name: w for w in model.weights if w.name.startswith("norm_")}
        shapes = {name: tuple(w.shape) for name, w in rows.items()}
        assert shapes == {"norm_gamma": (3, 4), "norm_beta": (3, 4)}
        x, y = episodes((8, 8, 1))
        model.train_on_batch(x, y)
        # The gradient reaches those of each step, which the inner steps leave alone.
        assert np.abs(rows["norm_beta"].numpy()).max(axis=1).min() > 1e-5
        state = model.adapt_state(x["support"], x["support_labels"])
        assert "norm.gamma" not in state
        assert model.deployable().batch_norm == "per_step_support"

    def test_a_copy_may_normalize_otherwise(self):
        model = MAML(normalized(), 2, 0.3)
        x, _ = episodes((8, 8, 1))
        copy = model.with_batch_norm("support")
        assert (model.kind, copy.kind) == ("transductive", "inductive")
        assert np.abs(np.asarray(model(x)) - np.asarray(copy(x))).max() > 1e-3
        with pytest.raises(ValueError, match="per_step"):
            model.with_batch_norm("per_step")


class TestClassifier:
    def learned(self, **kwargs):
        model = MAML(normalized(), 3, 0.3, **kwargs)
        x, _ = episodes((8, 8, 1), tasks=1, shots=3)
        items = np.clip(x["support"][0] * 0.2 + 0.5, 0, 1)
        return model, items, np.arange(3).repeat(3)

    def test_answers_the_same_alone_and_in_a_batch(self):
        model, items, labels = self.learned()
        classifier = model.adapt(items, labels)
        assert classifier.learner.batch_norm == "support"
        assert model.batch_norm == "transductive"
        many = np.concatenate([items] * 4)[:32]
        together = classifier.predict(many, verbose=0)
        alone = classifier.predict(many[:1], verbose=0)
        np.testing.assert_allclose(alone[0], together[0], rtol=1e-4, atol=1e-6)

    def test_is_saved_and_exported(self, tmp_path):
        model, items, labels = self.learned()
        classifier = model.adapt(items, labels)
        expected = classifier.predict(items, verbose=0)
        classifier.save(tmp_path / "classifier.keras")
        np.save(tmp_path / "items.npy", items)
        np.save(tmp_path / "expected.npy", expected)
        classifier.export(tmp_path / "exported")
        exported = tf.saved_model.load(tmp_path / "exported")
        served = exported.serve_float(items)["probabilities"]
        np.testing.assert_allclose(served, expected, atol=1e-5)
        printed = run_python(
            "import sys, keras, numpy as np, fsl_keras\n"
            "folder = sys.argv[1]\n"
            "model = keras.saving.load_model(folder + '/classifier.keras')\n"
            "items, expected = (np.load(f'{folder}/{n}.npy') for n in"
            " ('items', 'expected'))\n"
            "print(np.abs(model.predict(items, verbose=0) - expected).max() < 1e-6)\n"
            "model.update('0', items[:1] * 0.9)\n"
            "print(np.isfinite(model.predict(items, verbose=0)).all())",
            tmp_path,
        )
        assert printed.split()[-2:] == ["True", "True"]

    def test_the_exported_model_answers_each_query_by_itself(self, tmp_path):
        model = MAML(normalized(), 1, 0.3)
        x, _ = episodes((8, 8, 1), tasks=1)
        model.export(tmp_path / "exported", verbose=False)
        exported = tf.saved_model.load(tmp_path / "exported")
        together = exported.serve(x)
        np.testing.assert_allclose(together, model.deployable()(x), atol=1e-4)
        alone = exported.serve({**x, "query": x["query"][:, :1]})
        np.testing.assert_allclose(alone[:, 0], together[:, 0], atol=1e-4)

    def test_fixed_ways_take_no_further_class(self):
        model, items, labels = self.learned()
        with pytest.raises(ValueError, match=r"fixed number.*adapt"):
            model.adapt(items, labels).add_class("new", items[:2])

    def test_a_shared_head_does(self):
        model = MAML(embedding(), 5, 0.3, shared_head=True)
        x, _ = episodes(tasks=1, shots=3, ways=4)
        items, labels = x["support"][0], np.arange(4).repeat(3)
        classifier = model.adapt(items[:9], labels[:9])
        classifier.add_class("3", items[9:])
        at_once = model.adapt(items, labels)
        np.testing.assert_allclose(
            classifier.predict(items, verbose=0),
            at_once.predict(items, verbose=0),
            atol=1e-5,
        )
        classifier.remove_class("3")
        without = model.adapt(items[:9], labels[:9])
        np.testing.assert_allclose(
            classifier.predict(items, verbose=0),
            without.predict(items, verbose=0),
            atol=1e-5,
        )


@pytest.mark.parametrize(
    "kwargs",
    [
        {"inner_rates": "per_layer_per_step", "batch_norm": "per_step"},
        {"inner_rates": "per_parameter", "adapt_scope": "head"},
        {"inner_loss": "categorical_hinge", "test_steps": 4},
    ],
    ids=str,
)
def test_saving(tmp_path, kwargs):
    model = MAML(normalized(), 2, 0.3, **kwargs)
    # Tracing would take longer than the steps; the loaded model is compiled alike.
    model.compile(run_eagerly=True)
    x, y = episodes((8, 8, 1))
    model.train_on_batch(x, y)
    assert_config_round_trip(model)
    model.save(tmp_path / "learner.keras")
    loaded = keras.saving.load_model(tmp_path / "learner.keras")
    assert loaded.run_eagerly
    np.testing.assert_allclose(
        loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6
    )
    # It trains on with its optimizer's state.
    after = [m.train_on_batch(x, y)[0] for m in (model, loaded)]
    assert after[0] == pytest.approx(after[1], rel=1e-4)


def test_the_report_says_how_it_normalized():
    rng = np.random.default_rng(0)
    data = fsl.ClassDataset.from_arrays(
        rng.random((40, 8, 8, 1), "float32"), np.repeat(np.arange(4), 10)
    )
    model = MAML(normalized(), 1, 0.1)
    stream = data.episodes(3, 1, 2, count=2)
    told = [
        fsl.evaluation.evaluate(m, stream).protocol for m in (model, model.deployable())
    ]
    assert [t["batch_norm"] for t in told] == ["transductive", "support"]
    assert [t["kind"] for t in told] == ["transductive", "inductive"]


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
