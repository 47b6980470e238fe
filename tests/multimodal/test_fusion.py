import numpy as np
import pytest

from fsl_keras.multimodal import Fusion

RIGHT = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]] * 4)
LABELS = np.array([0, 1, 2] * 4)


def softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


class TestLogits:
    def test_the_sum_by_hand(self):
        fusion = Fusion(weight=0.25, temperatures=(2.0, 0.5), temperature=0.1)
        found = fusion.logits([[4.0, 2.0]], [[1.0, 3.0]])
        # (0.25 * 4 / 2 + 0.75 * 1 / 0.5) / 0.1 and (0.25 + 4.5) / 0.1
        np.testing.assert_allclose(found, [[20.0, 47.5]], rtol=1e-6)

    def test_equal_weights_are_the_product_of_probabilities(self):
        rng = np.random.default_rng(0)
        first, second = rng.normal(size=(2, 6, 4))
        wanted = softmax(first) * softmax(second)
        wanted /= wanted.sum(axis=-1, keepdims=True)
        found = softmax(np.asarray(Fusion().logits(first, second)))
        np.testing.assert_allclose(found, wanted, rtol=1e-5)

    @pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
    def test_a_class_that_one_has_no_example_of_is_absent(self, weight):
        fusion = Fusion(weight=weight, temperatures=(1000.0, 1.0))
        found = fusion.logits([[1.0, -1e9, 0.0]], [[-1e9, 2.0, 0.0]])
        assert np.asarray(found)[0, :2].tolist() == [-1e9, -1e9]
        assert np.asarray(found)[0, 2] == 0.0

    @pytest.mark.parametrize(("weight", "alone"), [(1.0, 0), (0.0, 1)])
    def test_at_the_ends_one_decides_alone(self, weight, alone):
        pair = np.random.default_rng(1).normal(size=(2, 20, 5))
        found = np.argmax(Fusion(weight=weight).logits(*pair), axis=-1)
        np.testing.assert_array_equal(found, pair[alone].argmax(axis=-1))


class TestFitted:
    def test_noise_and_what_is_wrong_always_have_no_say(self):
        noise = np.random.default_rng(0).normal(0, 5, RIGHT.shape)
        for other in (noise, np.roll(RIGHT, 1, axis=1)):
            for pair in ((RIGHT, other), (other, RIGHT)):
                found = Fusion.fitted(*pair, LABELS, "")
                assert (np.argmax(found.logits(*pair), axis=-1) == LABELS).all()
                least = min(found.log_losses)
                assert found.log_losses[2] == pytest.approx(least, abs=0.01)

    def test_equal_classifiers_have_equal_weights(self):
        assert Fusion.fitted(RIGHT, 5 * RIGHT, LABELS, "").weight == 0.5

    def test_the_scale_of_logits_makes_no_difference(self):
        rng = np.random.default_rng(2)
        first, second = (RIGHT + rng.normal(0, 2, (2, *RIGHT.shape))).astype("f4")
        one = Fusion.fitted(first, second, LABELS, "")
        other = Fusion.fitted(100 * first, 0.01 * second, LABELS, "")
        assert other.weight == one.weight
        np.testing.assert_allclose(
            other.logits(100 * first, 0.01 * second),
            one.logits(first, second),
            rtol=1e-2,
            atol=1e-2,
        )

    def test_few_examples_do_not_move_the_weight_as_many_do(self):
        rng = np.random.default_rng(4)
        labels = rng.integers(0, 3, 3000)
        good, weak = (
            scale * np.eye(3)[labels] + rng.normal(size=(3000, 3)) for scale in (3, 1)
        )
        few = Fusion.fitted(good[:6], weak[:6], labels[:6], "")
        many = Fusion.fitted(good, weak, labels, "")
        assert abs(few.weight - 0.5) <= abs(many.weight - 0.5)

    def test_classifiers_that_err_apart_are_better_together(self):
        first, second = RIGHT.copy(), RIGHT.copy()
        first[:3] = 0.1 * RIGHT[[1, 2, 0]]  # unsure and wrong
        second[-3:] = 0.1 * RIGHT[[2, 0, 1]]
        found = Fusion.fitted(first, second, LABELS, "by hand")
        assert 0.2 < found.weight < 0.8
        assert found.log_losses[2] < min(found.log_losses[:2])
        assert (np.argmax(found.logits(first, second), axis=-1) == LABELS).all()
        assert found.source == "by hand"

    def test_the_loss_is_that_of_the_fused_probabilities(self):
        rng = np.random.default_rng(3)
        pair = RIGHT + rng.normal(0, 1.5, (2, *RIGHT.shape))
        found = Fusion.fitted(*pair, LABELS, "")
        right = softmax(np.asarray(found.logits(*pair)))[np.arange(12), LABELS]
        assert found.log_losses[2] == pytest.approx(-np.log(right).mean(), rel=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weight": 1.2}, r"from 0 to 1\. Received: weight=1\.2"),
        ({"temperatures": (1.0, 0.0)}, "pair of numbers above 0"),
        ({"temperatures": (1.0,)}, "pair of numbers above 0"),
        ({"temperature": -1.0}, r"temperature=-1\.0"),
    ],
)
def test_invalid_numbers(arguments, message):
    with pytest.raises(ValueError, match=message):
        Fusion(**arguments)
