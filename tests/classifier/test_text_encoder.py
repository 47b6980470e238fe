"""Classes of items that are no texts, described in the space of their embeddings."""

import keras
import numpy as np
import pytest

import fsl_keras as fsl
from tests.texts import counts_of_words

DESCRIPTIONS = {"card": "plastic card", "refund": "cash comes back"}


def vectors(size=64, head=None):
    """A learner of vectors in the space of counts of words."""
    items = keras.Input((size,))
    identity = keras.Model(items, keras.layers.Identity()(items))
    return fsl.models.MetricModel(identity, head or fsl.heads.PrototypeHead("cosine"))


def words(texts, size=64):
    """Where texts are in the space, `[n, size]`."""
    return np.asarray(counts_of_words(size)(np.array(texts, object)))


@pytest.fixture(scope="module")
def encoder():
    return counts_of_words(64)


def test_zero_shot_is_the_softmax_of_cosines(encoder):
    classifier = vectors(head=fsl.heads.PrototypeHead("cosine", scale=5.0)).adapt(
        descriptions=DESCRIPTIONS, text_encoder=encoder
    )
    items = words(["plastic", "cash and cards", "comes back"])
    told = words(list(DESCRIPTIONS.values()))
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (items, told)]
    powers = np.exp(5.0 * unit[0] @ unit[1].T)
    np.testing.assert_allclose(
        classifier.predict(items, verbose=0),
        powers / powers.sum(axis=1, keepdims=True),
        rtol=1e-4,
    )
    assert classifier.descriptions == DESCRIPTIONS


def test_a_description_counts_as_its_weight_of_examples(encoder):
    learner = vectors(head=fsl.heads.PrototypeHead())
    items = words(["card", "lost card", "cash back"])
    classifier = learner.adapt(
        items,
        ["card", "card", "refund"],
        descriptions=DESCRIPTIONS,
        description_weight=3.0,
        text_encoder=encoder,
    )
    told = words(list(DESCRIPTIONS.values()))
    wanted = [(items[0] + items[1] + 3 * told[0]) / 5, (items[2] + 3 * told[1]) / 4]
    np.testing.assert_allclose(
        classifier.task.state["prototypes"][0], wanted, atol=1e-6
    )


def test_a_class_is_added_by_its_description(encoder):
    learner = vectors()
    classifier = learner.adapt(descriptions=DESCRIPTIONS, text_encoder=encoder)
    classifier.add_class("transfer", description="send money", text_encoder=encoder)
    found = classifier.predict_classes(words(["send money to a friend"]))
    assert found[0].class_name == "transfer"


def test_leave_one_out_learns_from_all_descriptions(encoder):
    items = words(["plastic", "card", "cash", "back"])
    classifier = vectors().adapt(
        items,
        ["card", "card", "refund", "refund"],
        descriptions=DESCRIPTIONS,
        text_encoder=encoder,
        leave_one_out=True,
    )
    # No two items share a word: only the descriptions tell their classes.
    assert classifier.leave_one_out.accuracy == 1.0
    assert classifier.leave_one_out.tested.sum() == 4


class TestBadInput:
    def test_encoders_of_other_widths(self):
        with pytest.raises(
            ValueError, match=r"one space, .* shapes \(64,\) and \(8,\)"
        ):
            vectors().adapt(descriptions=DESCRIPTIONS, text_encoder=counts_of_words(8))

    def test_no_encoder_of_texts(self):
        with pytest.raises(ValueError, match=r"takes strings\. Received: .*float32"):
            vectors().adapt(descriptions=DESCRIPTIONS, text_encoder=vectors().backbone)
        with pytest.raises(ValueError, match="must be a built Keras model"):
            vectors().adapt(descriptions=DESCRIPTIONS, text_encoder="clip")

    def test_no_encoder(self):
        with pytest.raises(ValueError, match=r"provide the `text_encoder`"):
            vectors().adapt(descriptions=DESCRIPTIONS)

    def test_an_encoder_without_descriptions(self, encoder):
        with pytest.raises(ValueError, match="provide these too, or leave it out"):
            vectors().adapt(words(["a", "b"]), ["a", "b"], text_encoder=encoder)

    def test_a_learner_of_texts_needs_none(self, encoder):
        learner = fsl.models.TransferLearner(counts_of_words(64))
        with pytest.raises(
            ValueError, match=r"takes texts .* leave `text_encoder` out"
        ):
            learner.adapt(descriptions=DESCRIPTIONS, text_encoder=encoder)

    @pytest.mark.parametrize(
        ("labels", "message"),
        [
            (["card", "loan"], r"\['loan'\] have no description"),
            (["card", "card"], r"\['refund'\] have a description and no example"),
        ],
    )
    def test_classes_of_one_kind_alone(self, encoder, labels, message):
        with pytest.raises(ValueError, match=message):
            vectors().adapt(
                words(["a", "b"]),
                labels,
                descriptions=DESCRIPTIONS,
                text_encoder=encoder,
            )

    def test_a_class_without_both(self, encoder):
        message = r"\['loan'\] have no example that can be read and no description"
        with pytest.raises(ValueError, match=message):
            vectors().adapt(
                class_names=["card", "refund", "loan"],
                descriptions=DESCRIPTIONS,
                text_encoder=encoder,
            )

    def test_a_description_without_a_class(self, encoder):
        with pytest.raises(ValueError, match=r"not in `class_names`: \['refund'\]"):
            vectors().adapt(
                class_names=["card"], descriptions=DESCRIPTIONS, text_encoder=encoder
            )

    def test_a_learner_without_a_backbone(self, encoder):
        network = keras.Sequential([keras.Input((64,)), keras.layers.Dense(2)])
        learner = fsl.models.MAML(network)
        with pytest.raises(ValueError, match="MAML has no backbone"):
            learner.adapt(descriptions=DESCRIPTIONS, text_encoder=encoder)
