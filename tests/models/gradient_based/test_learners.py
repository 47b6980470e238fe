"""What holds for every gradient-based learner."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from fsl_keras.models import MAML, GradientBasedLearner, ProtoMAML, Reptile
from tests.checks import assert_config_round_trip
from tests.models.gradient_based.gradient import embedding, episodes, mlp, normalized

CLASSES = {"MAML": MAML, "ProtoMAML": ProtoMAML, "Reptile": Reptile}
each_class = pytest.mark.parametrize("cls", CLASSES.values(), ids=CLASSES)

LEARNERS = {
    "MAML": lambda: MAML(mlp(), 3, 0.3),
    "MAML with a shared head": lambda: MAML(embedding(), 9, 0.5, shared_head=True),
    "ProtoMAML": lambda: ProtoMAML(embedding(), 3, 0.1),
    "Reptile": lambda: Reptile(mlp(), 10, 0.05),
}

SAVED = {
    "MAML per step": lambda: MAML(
        normalized(), 2, 0.3, inner_rates="per_layer_per_step", batch_norm="per_step"
    ),
    "MAML per parameter": lambda: MAML(
        normalized(), 2, 0.3, inner_rates="per_parameter", adapt_scope="head"
    ),
    "MAML with a loss": lambda: MAML(
        normalized(), 2, 0.3, inner_loss="categorical_hinge", test_steps=4
    ),
    "ProtoMAML": lambda: ProtoMAML(
        normalized(), 2, 0.1, inner_rates="per_layer_per_step"
    ),
    "Reptile": lambda: Reptile(normalized(), 3, 0.02, inner_batch_size=3),
}


@each_class
def test_shares_a_base(cls):
    assert issubclass(cls, GradientBasedLearner)


class TestSaving:
    @pytest.mark.slow
    @pytest.mark.parametrize("make", SAVED.values(), ids=SAVED)
    def test_a_loaded_learner_predicts_the_same_and_trains_on(self, make, tmp_path):
        model = make()
        # Tracing takes longer than the steps; the loaded model is compiled alike.
        model.compile(run_eagerly=True)
        x, y = episodes((8, 8, 1))
        model.train_on_batch(x, y)
        assert_config_round_trip(model)
        model.save(tmp_path / "learner.keras")
        loaded = keras.saving.load_model(tmp_path / "learner.keras")
        assert loaded.run_eagerly
        for weight, same in zip(model.weights, loaded.weights, strict=True):
            np.testing.assert_array_equal(weight, same, weight.path)
        np.testing.assert_allclose(
            loaded.predict(x, verbose=0), model.predict(x, verbose=0), atol=1e-6
        )
        # With the state of its optimizer.
        after = [m.train_on_batch(x, y)[0] for m in (model, loaded)]
        assert after[0] == pytest.approx(after[1], rel=1e-4)

    @pytest.mark.parametrize(
        ("cls", "names"),
        [
            (MAML, {"inner_rate": "inner_learning_rate"}),
            (ProtoMAML, {"inner_rate": "inner_learning_rate"}),
            (
                Reptile,
                {
                    "inner_rate": "inner_learning_rate",
                    "inner_batch": "inner_batch_size",
                },
            ),
        ],
    )
    def test_old_names_of_arguments_warn_and_old_files_load(self, cls, names):
        config = cls(mlp()).get_config()
        for old, new in names.items():
            with pytest.warns(UserWarning, match=f"`{old}` of .*Use `{new}`"):
                model = cls(mlp(), **{old: 2})
            assert getattr(model, new) == 2
            loaded = cls.from_config({**config, old: config[new]})
            assert getattr(loaded, new) == config[new]


class TestClassifier:
    def examples(self):
        """Four classes of three vectors each."""
        x, _ = episodes(tasks=1, shots=3, ways=4)
        return x["support"][0], np.arange(4).repeat(3)

    @pytest.mark.slow
    @pytest.mark.parametrize("make", LEARNERS.values(), ids=LEARNERS)
    def test_is_saved_and_learns_further_examples(self, make, tmp_path):
        items, labels = self.examples()
        classifier = make().adapt(items[:9], labels[:9])
        expected = classifier.predict(items, verbose=0)
        assert (expected[:9].argmax(-1) == labels[:9]).mean() > 0.6
        classifier.save(tmp_path / "classifier.keras")
        loaded = keras.saving.load_model(tmp_path / "classifier.keras")
        np.testing.assert_allclose(
            loaded.predict(items, verbose=0), expected, atol=1e-6
        )
        loaded.update("0", items[:1] * 0.9)
        assert np.isfinite(loaded.predict(items, verbose=0)).all()

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["MAML with a shared head", "ProtoMAML"])
    def test_a_head_of_each_task_takes_and_drops_classes(self, name):
        model = LEARNERS[name]()
        items, labels = self.examples()

        def probabilities(classifier):
            return classifier.predict(items, verbose=0)

        classifier = model.adapt(items[:9], labels[:9])
        three = probabilities(classifier)
        classifier.add_class("3", items[9:])
        four = probabilities(model.adapt(items, labels))
        np.testing.assert_allclose(probabilities(classifier), four, atol=1e-5)
        classifier.remove_class("3")
        np.testing.assert_allclose(probabilities(classifier), three, atol=1e-5)

    @pytest.mark.parametrize("name", ["MAML", "Reptile"])
    def test_fixed_ways_take_no_further_class(self, name):
        items, labels = self.examples()
        classifier = LEARNERS[name]().adapt(items[:9], labels[:9])
        with pytest.raises(ValueError, match=r"fixed number.*adapt"):
            classifier.add_class("new", items[9:])

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["MAML", "Reptile"])
    def test_is_exported(self, name, tmp_path):
        items, labels = self.examples()
        classifier = LEARNERS[name]().adapt(items[:9], labels[:9])
        classifier.export(tmp_path / "exported")
        exported = tf.saved_model.load(tmp_path / "exported")
        np.testing.assert_allclose(
            exported.serve(items)["probabilities"],
            classifier.predict(items, verbose=0),
            atol=1e-5,
        )


class TestBadInput:
    @each_class
    def test_a_network_without_trainable_weights(self, cls):
        network = mlp()
        network.trainable = False
        with pytest.raises(ValueError, match="no trainable weights"):
            cls(network)

    @each_class
    def test_a_network_that_is_not_built(self, cls):
        with pytest.raises(ValueError, match=r"built Keras model.*keras.Input"):
            cls(keras.Sequential([keras.layers.Dense(2)]))

    @each_class
    @pytest.mark.parametrize("name", ["inner_steps", "test_steps"])
    def test_no_steps(self, cls, name):
        with pytest.raises(ValueError, match=rf"`{name}` must be at least 1.*{name}=0"):
            cls(mlp(), **{name: 0})

    @each_class
    def test_an_unknown_mode_of_batch_normalization(self, cls):
        with pytest.raises(ValueError, match=r"one of \('transductive'.*'batch'"):
            cls(mlp(), batch_norm="batch")

    @pytest.mark.parametrize(
        ("cls", "argument"),
        [
            (ProtoMAML, "regression"),
            (ProtoMAML, "shared_head"),
            (Reptile, "shared_head"),
            (Reptile, "second_order"),
        ],
    )
    def test_an_argument_of_another_learner(self, cls, argument):
        with pytest.raises((TypeError, ValueError), match=rf"keyword.*{argument}"):
            cls(mlp(), **{argument: True})

    @pytest.mark.parametrize("cls", [MAML, Reptile])
    def test_episodes_of_other_ways(self, cls):
        with pytest.raises(ValueError, match=r"3 outputs.*5 columns.*shared_head"):
            cls(mlp())(episodes(ways=5)[0])

    @pytest.mark.parametrize("cls", [MAML, Reptile])
    def test_xla_is_refused(self, cls):
        with pytest.raises(ValueError, match=rf"{cls.__name__}.*jit_compile=False"):
            cls(mlp()).compile(jit_compile=True)
