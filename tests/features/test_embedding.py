import keras
import numpy as np
import pytest

import fsl_keras as fsl
from fsl_keras.features import embed, embed_with_labels
from tests.checks import random_classes
from tests.texts import counts_of_words

ITEM = (16, 16, 3)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("FSL_KERAS_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def data():
    return random_classes(3, 5, ITEM)


def network(bias=0.0):
    """The mean color of a picture, plus a number."""
    model = keras.Sequential(
        [
            keras.Input(ITEM),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(3),
        ]
    )
    model.set_weights([np.eye(3, dtype="float32"), np.full(3, bias, "float32")])
    return model


def counted(model, monkeypatch):
    """Counts the items that go through a model."""
    seen = []
    predict = model.predict_on_batch

    def count(batch):
        seen.append(len(batch))
        return predict(batch)

    monkeypatch.setattr(model, "predict_on_batch", count)
    return seen


@pytest.mark.usefixtures("home")
def test_features_are_those_of_the_backbone_class_by_class(data):
    features = embed(data, network(), batch_size=2)
    assert features.class_names == data.class_names
    assert features.item_shape == (3,)
    for name in data.class_names:
        expected = data.class_items(name).mean(axis=(1, 2)) / 255
        np.testing.assert_allclose(features.class_items(name), expected, atol=1e-6)


@pytest.mark.usefixtures("home")
def test_an_item_is_computed_once_wherever_it_comes(data, monkeypatch):
    backbone = network()
    seen = counted(backbone, monkeypatch)
    first = embed(data.subset([0, 1]), backbone)
    assert sum(seen) == 10
    images = np.concatenate([data.class_items(n) for n in reversed(data.class_names)])
    again = fsl.ClassDataset.from_arrays(
        images, np.repeat([0, 1, 2], 5), ["c", "b", "a"]
    )
    features = embed(again, backbone)
    assert sum(seen) == 15  # of the third class alone
    np.testing.assert_array_equal(
        features.class_items("a"), first.class_items("class 0")
    )


def test_what_another_process_keeps_meanwhile_is_not_lost(data, home, monkeypatch):
    backbone = network()
    embed(data.subset([0]), backbone)
    predict = backbone.predict_on_batch

    def slow(batch):
        # Another call, that ends before this one.
        with monkeypatch.context() as patch:
            patch.setattr(backbone, "predict_on_batch", predict)
            embed(data.subset([1]), backbone)
        return predict(batch)

    with monkeypatch.context() as patch:
        patch.setattr(backbone, "predict_on_batch", slow)
        embed(data.subset([2]), backbone)
    (path,) = home.glob("features-*.npz")
    with np.load(path) as stored:
        assert len(stored["digests"]) == 15


def test_other_weights_or_layers_have_features_of_their_own(data, home):
    plain, shifted = embed(data, network()), embed(data, network(bias=1.0))
    name = data.class_names[0]
    difference = shifted.class_items(name) - plain.class_items(name)
    np.testing.assert_allclose(difference, 1.0, atol=1e-6)
    inverted = keras.Sequential(
        [keras.Input(ITEM), keras.layers.Rescaling(-1.0, 1.0), *network().layers]
    )
    inverted.set_weights(network().get_weights())
    summed = embed(data, inverted).class_items(name) + plain.class_items(name)
    np.testing.assert_allclose(summed, 1.0, atol=1e-6)
    assert len(list(home.iterdir())) == 3


def test_without_a_cache_nothing_is_kept(data, home):
    embed(data, network(), cache=False)
    assert list(home.iterdir()) == []


def test_a_damaged_cache_is_computed_again(data, home):
    embed(data, network())
    (path,) = home.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.warns(UserWarning, match="cannot be read .* made again"):
        embed(data, network())
    embed(data, network())  # with no warning


@pytest.mark.usefixtures("home")
def test_episodes_of_features_are_scored_as_those_of_pictures(data):
    learner = fsl.models.TransferLearner(network(), "cosine")
    plain = {"ways": 3, "shots": 1, "queries": 4, "count": 5}
    of_pictures = fsl.evaluation.evaluate(learner, data.episodes(**plain))
    of_features = fsl.evaluation.evaluate(
        learner.on_features(), embed(data, learner.backbone).episodes(**plain)
    )
    np.testing.assert_array_equal(of_features.accuracies, of_pictures.accuracies)


def test_items_of_another_shape_are_refused(data):
    backbone = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Flatten()])
    with pytest.raises(
        ValueError, match=r"\(8, 8, 3\).*`image_size=\(8, 8\)`.*\(16, 16, 3\)"
    ):
        embed(data, backbone)


class TestTexts:
    TEXTS = (
        "to be",
        "or",
        "not to be",
        "or",
        "to be, that is",
        "what is the end?",
    )

    @pytest.fixture
    def texts(self):
        return fsl.ClassDataset.from_arrays(list(self.TEXTS), ["a", "b"] * 3)

    @pytest.mark.usefixtures("home")
    def test_each_text_is_embedded_once_and_the_longest_first(self, texts, monkeypatch):
        backbone = counts_of_words()
        given = []
        predict = backbone.predict_on_batch

        def record(batch):
            given.append([text.decode() for text in batch.numpy()])
            return predict(batch)

        monkeypatch.setattr(backbone, "predict_on_batch", record)
        features = embed(texts, backbone, batch_size=2)
        assert given == [
            ["what is the end?", "to be, that is"],
            ["not to be", "to be"],
            ["or"],
        ]
        assert features.item_shape == (8,)
        for name in ("a", "b"):
            sums = features.class_items(name).sum(axis=1)
            words = [len(text.split()) for text in texts.class_items(name)]
            np.testing.assert_array_equal(sums, words)
        other = fsl.ClassDataset.from_arrays(["or", "not to be", "new"], [0, 0, 0])
        again = embed(other, backbone).class_items("0")
        assert given[3:] == [["new"]]
        np.testing.assert_array_equal(again[0], features.class_items("b")[0])
        np.testing.assert_array_equal(again[1], features.class_items("a")[1])

    def test_progress_counts_sentences(self, texts, capsys):
        embed(texts, counts_of_words(), cache=False, verbose=1)
        assert capsys.readouterr().err == "sentences: 6 of 6\n"

    def test_a_stream_of_texts_is_embedded_as_the_data_set_is(self, texts):
        backbone = counts_of_words()
        expected, numbers = embed_with_labels(texts, backbone, cache=False)
        stream = texts.batches(2, count=3)
        features, labels = embed_with_labels(stream, backbone)
        for number in (0, 1):
            rows, whole = features[labels == number], expected[numbers == number]
            assert sorted(rows.tolist()) == sorted(whole.tolist())

    def test_images_and_texts_are_not_confused(self, texts, data):
        with pytest.raises(ValueError, match=r"takes texts, and .* \(16, 16, 3\)"):
            embed(data, counts_of_words())
        with pytest.raises(ValueError, match=r"\(16, 16, 3\), .* 'arrays' are texts"):
            embed(texts, network())
        vectors = fsl.ClassDataset.from_arrays(np.eye(2), [0, 1])
        with pytest.raises(ValueError, match=r"takes texts, and .* shape \(2,\)"):
            embed(vectors, counts_of_words())
