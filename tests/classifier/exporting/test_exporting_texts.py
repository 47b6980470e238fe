"""SavedModels of classifiers of texts, in processes without this package."""

import json

import numpy as np
import pytest

import fsl_keras as fsl
from tests.checks import run_python

TEXTS = ["where is my card", "lost card", "send money", "transfer money abroad"]
LABELS = ["card", "card", "transfer", "transfer"]
QUERIES = ["My CARD", "money", "\U0001f600", "a" * 5000, "no\nlines \a", ""]

CODE = """
import json, sys
import tensorflow as tf
{}
model = tf.saved_model.load(sys.argv[1])
answer = model.serve(tf.constant(json.loads(sys.argv[2])))
bad = model.serve(tf.constant([b"card \\xff"]))  # not UTF-8
assert "fsl_keras" not in sys.modules
print(json.dumps({{
    "probabilities": answer["probabilities"].numpy().tolist(),
    "names": [name.decode() for name in answer["class_name"].numpy()],
    "known": answer["known"].numpy().tolist(),
    "bad": bad["class_name"].numpy()[0].decode(),
}}))
"""


def hashed():
    return fsl.backbones.HashedTextEncoder(features=256)


def language_model():
    """A network of keras-hub with random weights and a small vocabulary."""
    keras_hub = pytest.importorskip("keras_hub", reason="needs fsl-keras[text]")
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    words = sorted({word for text in TEXTS for word in text.split()})
    bert = keras_hub.models.BertBackbone(
        vocabulary_size=len(special) + len(words),
        num_layers=1,
        num_heads=2,
        hidden_dim=8,
        intermediate_dim=16,
        max_sequence_length=16,
    )
    tokenizer = keras_hub.models.BertTokenizer([*special, *words], lowercase=True)
    return fsl.backbones.SentenceEncoder(bert, tokenizer=tokenizer, max_length=16)


@pytest.fixture(
    scope="module",
    params=[(hashed, ""), (language_model, "import tensorflow_text")],
    ids=["hashed", "language_model"],
)
def exported(request, tmp_path_factory):
    """The classifier, the folder of its SavedModel and the import that it needs."""
    make_backbone, needed = request.param
    learner = fsl.models.TransferLearner(make_backbone())
    classifier = learner.adapt(
        TEXTS, LABELS, unknown_threshold=0.6, descriptions={"refund": "money back"}
    )
    classifier.add_class("joke", "tell me a joke")
    folder = tmp_path_factory.mktemp("exported") / "texts"
    classifier.export(folder)
    return classifier, folder, needed


def test_a_process_with_tensorflow_alone(exported):
    classifier, folder, needed = exported
    printed = run_python(CODE.format(needed), folder, json.dumps(QUERIES))
    found = json.loads(printed.strip().split("\n")[-1])
    expected = np.asarray(classifier(QUERIES[:5]))
    np.testing.assert_allclose(found["probabilities"][:5], expected, atol=1e-5)
    predictions = classifier.predict_classes(QUERIES[:5])
    assert found["names"][:5] == [p.class_name for p in predictions]
    assert found["known"][:5] == [p.class_name != "unknown" for p in predictions]
    # An exported graph has no way to refuse a blank text: its answer is a number too.
    assert np.isfinite(found["probabilities"]).all()
    assert found["bad"] in ("unknown", *classifier.class_names)


def test_tokens_need_the_operations_of_tensorflow_text(exported):
    _, folder, needed = exported
    if not needed:
        pytest.skip("operations of TensorFlow alone")
    with pytest.raises(AssertionError, match=r"tensorflow_text|Op type not registered"):
        run_python(CODE.format(""), folder, json.dumps(QUERIES))
