"""The meta-gradient by finite differences and by hand; inner steps; training."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

import fsl_keras as fsl
from fsl_keras.models import MAML
from tests.models.gradient_based.gradient import (
    assert_gradient_matches_finite_differences,
    embedding,
    episodes,
    meta_gradients,
    meta_loss,
    mlp,
    normalized,
)


class TestMetaGradient:
    @pytest.mark.parametrize(
        "kwargs",
        [
            {"inner_rates": "fixed"},
            {"inner_rates": "per_parameter"},
            {"inner_rates": "per_layer_per_step"},
            {"multi_step_updates": 10},
        ],
        ids=str,
    )
    def test_matches_finite_differences(self, kwargs):
        assert_gradient_matches_finite_differences(
            lambda: MAML(mlp(), 3, 0.5, **kwargs)
        )

    def test_matches_finite_differences_with_a_shared_head(self):
        assert_gradient_matches_finite_differences(
            lambda: MAML(embedding(), 3, 0.5, shared_head=True)
        )

    @pytest.mark.slow
    @pytest.mark.parametrize("mode", MAML.batch_norm_modes)
    def test_matches_finite_differences_through_batch_normalization(self, mode):
        def make_model():
            return MAML(normalized(activation="tanh"), 2, 0.5, batch_norm=mode)

        assert_gradient_matches_finite_differences(make_model, (8, 8, 1))

    @pytest.mark.slow
    @pytest.mark.parametrize("mode", ["transductive", "support"])
    def test_matches_finite_differences_through_conv4(self, mode):
        def make_model():
            keras.utils.set_random_seed(0)
            backbone = fsl.backbones.Conv4((16, 16, 1), filters=3)
            logits = layers.Dense(3, name="logits")(backbone.output)
            network = keras.Model(backbone.input, logits)
            return MAML(network, 1, 0.1, batch_norm=mode)

        assert_gradient_matches_finite_differences(make_model, (16, 16, 1))

    def test_of_a_quadratic_loss_by_hand(self):
        # The network gives w for x = 1. The inner loss (w - a)^2 leads to
        # w' = w - 2 r (w - a), the outer loss is (w' - b)^2 and its gradient
        # 2 (w' - b) (1 - 2 r); first order leaves the last factor out.
        a, b, w, rate = 3.0, 1.0, 0.5, 0.1
        dense = layers.Dense(1, use_bias=False, name="dense")
        network = keras.Sequential([keras.Input((1,)), dense])
        dense.kernel.assign([[w]])
        ones = np.ones((1, 1, 1), "float32")
        x = {"support": ones, "support_labels": a * ones, "query": ones}
        adapted = w - 2 * rate * (w - a)
        for second_order, factor in ((True, 1 - 2 * rate), (False, 1.0)):
            model = MAML(network, 1, rate, second_order, regression=True)
            model.compile()
            (gradient,) = meta_gradients(model, x, b * ones)
            expected = 2 * (adapted - b) * factor
            np.testing.assert_allclose(gradient, [[expected]], rtol=1e-5)

    def test_second_order_differs_from_first_order(self):
        second, first = (MAML(mlp(), 3, 0.5, order) for order in (True, False))
        x, y = episodes()
        for model in (second, first):
            model.compile()
        differences = [
            np.abs(one - other).max() / np.abs(one).max()
            for one, other in zip(
                meta_gradients(second, x, y), meta_gradients(first, x, y), strict=True
            )
        ]
        assert min(differences) > 0.05

    @pytest.mark.parametrize(
        "reduction", ["mean_with_sample_weight", "sum_over_batch_size", "sum"]
    )
    def test_one_task_at_a_time_gives_the_same(self, reduction):
        x, y = episodes(tasks=3)
        weights = np.array([[1.0] * 12, [1.0] * 8 + [0.0] * 4, [1.0] * 12], "float32")
        loss = keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, reduction=reduction
        )
        found = []
        for one in (False, True):
            network = mlp()
            network.get_layer("body").kernel_regularizer = keras.regularizers.L2(0.1)
            model = MAML(network, 2, 0.3, one_task_at_a_time=one)
            model.compile(loss=loss)
            found.append(model.gradients_of(x, y, weights))
        for one, other in zip(*map(tf.nest.flatten, found), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)

    @pytest.mark.slow
    def test_of_many_tasks_is_the_same_in_a_loop(self):
        # More than 8 go through a loop in a graph, and not when run eagerly.
        model = MAML(normalized(), 2, 0.3)
        model.compile()
        x, y = episodes((8, 8, 1), tasks=9)
        logits, loss, gradients = tf.function(model.gradients_of)(x, y, None)
        expected = meta_gradients(model, x, y)
        assert float(loss) == pytest.approx(float(meta_loss(model, x, y)), rel=1e-5)
        assert logits.shape == (9, 12, 3)
        for gradient, same in zip(gradients, expected, strict=True):
            np.testing.assert_allclose(gradient, same, rtol=1e-3, atol=1e-6)


class TestInnerLoop:
    def test_a_step_follows_the_gradient_and_assigns_nothing(self):
        network = mlp()
        before = network.get_weights()
        model = MAML(network, inner_steps=1, inner_learning_rate=0.2)
        x, _ = episodes(tasks=1)
        state = model.adapt_state(x["support"], x["support_labels"])
        with tf.GradientTape() as tape:
            loss = keras.losses.CategoricalCrossentropy(from_logits=True)(
                x["support_labels"][0], network(x["support"][0])
            )
        weights = [weight.value for weight in network.trainable_weights]
        names = ["body.kernel", "body.bias", "head.kernel", "head.bias"]
        gradients = tape.gradient(loss, weights)
        for name, start, gradient in zip(names, before, gradients, strict=True):
            expected = start - 0.2 * gradient
            np.testing.assert_allclose(state[name][0], expected, rtol=1e-4, atol=1e-6)
        for weight, start in zip(network.get_weights(), before, strict=True):
            np.testing.assert_array_equal(weight, start)

    def test_more_steps_at_test_fit_the_support_set_better(self):
        x, _ = episodes(tasks=1)
        accuracies = []
        for steps in (1, 50):
            model = MAML(mlp(), 1, 0.5, test_steps=steps)
            logits = model({**x, "query": x["support"]})
            right = np.argmax(logits, -1) == np.argmax(x["support_labels"], -1)
            accuracies.append(right.mean())
        assert accuracies[1] == 1.0 > accuracies[0]

    def test_only_the_head_is_adapted(self):
        model = MAML(mlp(), 3, 0.3, adapt_scope="head")
        x, _ = episodes()
        state = model.adapt_state(x["support"], x["support_labels"])
        assert set(state) == {"head.kernel", "head.bias", "-present"}
        model.compile()
        gradients = meta_gradients(model, *episodes())
        assert all(np.abs(gradient).max() > 1e-5 for gradient in gradients)

    def test_a_pattern_selects_the_adapted_weights(self):
        model = MAML(mlp(), 1, 0.3, adapt_scope="kernel$")
        x, _ = episodes()
        state = model.adapt_state(x["support"], x["support_labels"])
        assert set(state) == {"body.kernel", "head.kernel", "-present"}

    @pytest.mark.parametrize(
        ("kind", "shapes"),
        [
            ("per_parameter", [(4, 5), (5,), (5, 3), (3,)]),
            ("per_layer_per_step", [(2,)] * 4),
        ],
    )
    def test_learned_rates_receive_gradients(self, kind, shapes):
        model = MAML(mlp(), 2, 0.3, inner_rates=kind)
        model.compile()
        rates = [w for w in model.trainable_weights if w.name.startswith("rate_of")]
        assert [tuple(rate.shape) for rate in rates] == shapes
        gradients = meta_gradients(model, *episodes())
        ids = [id(weight) for weight in model.trainable_weights]
        for rate in rates:
            assert np.abs(gradients[ids.index(id(rate))]).max() > 1e-5

    def test_padding_and_absent_classes_change_nothing(self):
        model = MAML(embedding(), 3, 0.3, shared_head=True)
        x, _ = episodes(tasks=2)
        logits = np.asarray(model(x))
        labels = np.pad(x["support_labels"], [(0, 0), (0, 2), (0, 1)])
        support = np.concatenate([x["support"], x["support"][:, :2]], axis=1)
        padded = model({**x, "support": support, "support_labels": labels})
        np.testing.assert_allclose(padded[..., :3], logits, rtol=1e-4, atol=1e-5)
        assert (np.asarray(padded)[..., 3] < -1e8).all()

    def test_tasks_in_a_loop_and_unrolled_give_the_same(self):
        model = MAML(mlp(), 2, 0.3)
        x, _ = episodes(tasks=10)
        few = {name: value[:3] for name, value in x.items()}
        run = tf.function(lambda x: model(x), reduce_retracing=True)
        many = run(x)
        np.testing.assert_allclose(run(few), many[:3], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(model(x), many, rtol=1e-4, atol=1e-5)


class TestMultiStepLoss:
    def test_fades_from_the_mean_over_steps_to_the_last(self):
        x, y = episodes()
        model = MAML(mlp(), 3, 0.4, multi_step_updates=10)
        model.compile()
        of_steps = []
        for steps in (1, 2, 3):
            one = MAML(model.network, steps, 0.4)
            one.compile()
            of_steps.append(float(meta_loss(one, x, y)))
        assert float(meta_loss(model, x, y)) == pytest.approx(np.mean(of_steps), 1e-4)
        model.optimizer.iterations.assign(5)
        half = 0.5 * np.mean(of_steps) + 0.5 * of_steps[-1]
        assert float(meta_loss(model, x, y)) == pytest.approx(half, rel=1e-4)
        model.optimizer.iterations.assign(20)
        assert float(meta_loss(model, x, y)) == pytest.approx(of_steps[-1], rel=1e-4)


class TestTraining:
    @pytest.mark.slow
    @pytest.mark.parametrize(
        "kwargs",
        [
            {"second_order": False},
            {"adapt_scope": "head", "inner_rates": "per_parameter"},
            {"inner_rates": "per_layer_per_step", "multi_step_updates": 5},
            {"one_task_at_a_time": True},
        ],
        ids=str,
    )
    def test_fit_lowers_the_loss(self, kwargs):
        model = MAML(mlp(), 2, 0.1, **kwargs)
        model.compile(keras.optimizers.Adam(0.01))
        batch = tf.data.Dataset.from_tensors(episodes(tasks=4)).repeat()
        losses = model.fit(batch, steps_per_epoch=10, epochs=2, verbose=0).history[
            "loss"
        ]
        assert losses[1] < losses[0]

    def test_regression(self):
        keras.utils.set_random_seed(0)
        network = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
        model = MAML(network, 40, 0.1, regression=True)
        model.compile(metrics=["mse"])
        points = np.linspace(-1, 1, 8, dtype="float32").reshape(1, 8, 1)
        x = {"support": points, "support_labels": 3 * points - 1, "query": points}
        assert model.evaluate(x, 3 * points - 1, verbose=0)[0] < 0.05
        with pytest.raises(ValueError, match=r"adapt_state.*score"):
            model.adapt(points[0], np.arange(8))
        exam = fsl.datasets.SinusoidTasks().episodes(2, 2, count=2)
        with pytest.raises(ValueError, match=r"no accuracy.*model.evaluate"):
            fsl.evaluation.evaluate(model, exam)

    def test_mixed_precision_keeps_the_inner_steps_in_float32(self):
        keras.config.set_dtype_policy("mixed_bfloat16")
        try:
            model = MAML(mlp(), 2, 0.1)
        finally:
            keras.config.set_dtype_policy("float32")
        x, _ = episodes()
        state = model.adapt_state(x["support"], x["support_labels"])
        assert {str(value.dtype) for value in state.values()} == {"<dtype: 'float32'>"}


class TestBadInput:
    @pytest.mark.parametrize(
        "kwargs",
        [{"inner_rates": "slow"}, {"adapt_scope": "tail"}],
    )
    def test_unknown_modes(self, kwargs):
        ((name, value),) = kwargs.items()
        with pytest.raises(ValueError, match=rf"{name}.*{value}"):
            MAML(mlp(), **kwargs)

    def test_a_loss_with_one_value_for_all_examples(self):
        def mean_of_all(y_true, y_pred):
            return keras.ops.mean((y_true - y_pred) ** 2)

        model = MAML(mlp(), inner_loss=mean_of_all)
        with pytest.raises(ValueError, match=r"one value for each example.*\(\)"):
            model(episodes()[0])

    def test_episodes_of_other_ways_when_the_graph_knows_no_ways(self):
        model = MAML(mlp(), inner_steps=1)
        x, _ = episodes(ways=5)
        items = tf.TensorSpec((None, None, *x["support"].shape[2:]), "float32")
        labels = tf.TensorSpec((None, None, None), "float32")
        answer = tf.function(model.adapt_state, input_signature=[items, labels])
        with pytest.raises(tf.errors.InvalidArgumentError, match="3 outputs"):
            answer(x["support"], x["support_labels"])

    def test_a_shared_head_on_feature_maps(self):
        network = keras.Sequential([keras.Input((8, 8, 1)), layers.Conv2D(2, 3)])
        with pytest.raises(ValueError, match=r"one vector.*pooling"):
            MAML(network, shared_head=True)
