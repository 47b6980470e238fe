import numpy as np
import pytest

from fsl_keras import ClassDataset, cli, datasets
from fsl_keras.datasets.tfds import open_tfds


@pytest.fixture
def mocked():
    """Sets of TensorFlow Datasets whose 40 examples are made up."""
    import tensorflow_datasets as tfds

    with tfds.testing.mock_data(num_examples=40):
        yield


def test_omniglot_is_read_with_its_names(omniglot_dir):
    data = ClassDataset.from_tfds(
        "omniglot",
        "small1",
        image_size=(28, 28),
        channels=1,
        data_dir=omniglot_dir,
        invert=True,
    )
    assert data.summary() == (
        "omniglot: 136 classes of 20 items, 2720 in all, shape (28, 28, 1)"
    )
    assert data.class_items(data.class_names[0]).dtype == "uint8"
    assert data.class_items(data.class_names[0]).mean() < 64  # ink is high on 0


def test_the_alphabet_may_be_the_label(omniglot_dir):
    data = ClassDataset.from_tfds(
        "omniglot",
        "small1",
        image_size=(8, 8),
        channels=1,
        data_dir=omniglot_dir,
        label_key="alphabet",
    )
    assert len(data) == 5
    assert data.class_sizes.sum() == 2720


@pytest.mark.usefixtures("mocked")
@pytest.mark.filterwarnings("ignore")  # the mock's own
class TestOtherSets:
    def test_a_set_keeps_its_size_channels_and_names(self):
        data = ClassDataset.from_tfds("cifar10", "train+test")
        assert data.item_shape == (32, 32, 3)
        assert data.name == "cifar10"
        assert len(data) <= 10
        assert data.class_sizes.sum() == 40
        x, y = next(data.episodes(2, 1, 1, seed=1).as_numpy_iterator())
        assert x["support"].shape == (1, 2, 32, 32, 3)
        assert x["support"].max() <= 1
        assert sorted(y[0]) == [0, 1]

    def test_images_of_many_sizes_need_one(self):
        with pytest.raises(ValueError, match=r"tf_flowers differ in size.*image_size="):
            ClassDataset.from_tfds("tf_flowers")
        data = ClassDataset.from_tfds("tf_flowers", image_size=(9, 8), channels=1)
        assert data.item_shape == (9, 8, 1)

    def test_a_set_without_images_and_texts_is_refused(self):
        with pytest.raises(ValueError, match=r"no feature \['image'\].*`image_key`"):
            ClassDataset.from_tfds("iris")

    def test_a_label_that_is_no_class_is_refused(self):
        with pytest.raises(ValueError, match="`image` of mnist is not a class label"):
            ClassDataset.from_tfds("mnist", label_key="image")

    def test_classes_without_images_are_skipped(self):
        data = ClassDataset.from_tfds("cifar100")
        assert len(data) < 40
        assert data.class_sizes.min() >= 1
        assert np.concatenate(data.class_rows).size == 40


@pytest.fixture(scope="module")
def talk_dir(tmp_path_factory):
    """The folder of a prepared set of 20 sentences of 10 classes."""
    import tensorflow as tf
    import tensorflow_datasets as tfds

    classes = tfds.features.ClassLabel(names=[f"class {name}" for name in range(10)])
    texts = [f"sentence {row} of class {row % 10}" for row in range(20)]
    examples = {
        "sentence": texts,
        "source": texts[::-1],
        "idx": tf.range(20),
        "label": tf.range(20, dtype="int64") % 10,
    }
    folder = tmp_path_factory.mktemp("tfds")
    tfds.dataset_builders.store_as_tfds_dataset(
        "small_talk",
        "1.0.0",
        features=tfds.features.FeaturesDict(
            {
                "sentence": tfds.features.Text(),
                "source": tfds.features.Text(),
                "idx": tf.int32,
                "label": classes,
            }
        ),
        split_datasets={"train": tf.data.Dataset.from_tensor_slices(examples)},
        data_dir=folder,
    )
    return folder


@pytest.mark.filterwarnings("ignore")  # of TensorFlow Datasets
class TestTexts:
    def test_a_set_of_texts_is_read_with_its_names(self, talk_dir):
        data = ClassDataset.from_tfds("small_talk", data_dir=talk_dir)
        assert data.summary() == "small_talk: 10 classes of 2 texts, 20 in all"
        assert sorted(data.class_items("class 3")) == [
            "sentence 13 of class 3",
            "sentence 3 of class 3",
        ]
        other = ClassDataset.from_tfds(
            "small_talk", data_dir=talk_dir, text_key="source"
        )
        assert "sentence 16 of class 6" in other.class_items("class 3")

    def test_its_classes_are_divided_without_overlap(self, talk_dir):
        parts = [
            datasets.load("small_talk", split, data_dir=talk_dir)
            for split in ("train", "validation", "test")
        ]
        assert [len(part) for part in parts] == [6, 2, 2]
        assert len({name for part in parts for name in part.class_names}) == 10
        for part in parts:
            for name in part.class_names:
                assert {text[-7:] for text in part.class_items(name)} == {name}

    def test_what_is_no_text_is_refused(self, talk_dir):
        with pytest.raises(ValueError, match="`idx` of small_talk is not a text"):
            ClassDataset.from_tfds("small_talk", data_dir=talk_dir, text_key="idx")
        with pytest.raises(ValueError, match="are texts: leave out `image_size`"):
            ClassDataset.from_tfds("small_talk", image_size=(8, 8), data_dir=talk_dir)


def test_data_that_is_not_there_is_reported_with_where_to_put_it(tmp_path):
    with pytest.raises(
        FileNotFoundError,
        match=rf"(?s)mnist is not prepared in {tmp_path}.*`mnist/<version>` there, or "
        r"set TFDS_DATA_DIR",
    ):
        ClassDataset.from_tfds("mnist", data_dir=tmp_path, download=False)


@pytest.fixture
def without_network(no_network, monkeypatch, tmp_path):
    """No way out, and an empty folder of data; TFDS does not try ten times."""
    from tensorflow_datasets.core.download import downloader

    monkeypatch.setattr(downloader, "MAX_RETRIES", 0)
    monkeypatch.setenv("FSL_KERAS_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


@pytest.mark.filterwarnings("ignore")  # of TensorFlow Datasets
class TestDataThatCannotBeDownloaded:
    @pytest.mark.parametrize("name", ["mnist", "omniglot"])
    def test_is_reported_with_where_to_put_it(self, without_network, name):
        with pytest.raises(
            FileNotFoundError,
            match=rf"{name} is not prepared in {without_network} and was not "
            rf"downloaded.*Put.*`{name}/<version>`",
        ):
            datasets.load(name, data_dir=str(without_network))

    def test_is_one_line_of_the_command(self, without_network, monkeypatch, capsys):
        arguments = ["train", "--dataset=omniglot", f"--data-dir={without_network}"]
        monkeypatch.setattr("sys.argv", ["fsl-keras", *arguments])
        with pytest.raises(SystemExit, match="1"):
            cli.main()
        errors = capsys.readouterr().err
        (line,) = [text for text in errors.splitlines() if text.startswith("Error")]
        assert "Put the prepared folder `omniglot/<version>` there" in line
        assert "Traceback" not in errors


def test_an_unknown_set_names_the_nearest_one():
    with pytest.raises(ValueError, match=r"'cifar1000'\. Did you mean 'cifar100'"):
        open_tfds("cifar1000", "train")
    with pytest.raises(ValueError, match=r"no data set 'nothing_of_the_kind'\.$"):
        open_tfds("nothing_of_the_kind", "train")


def test_an_unknown_split_names_the_others(omniglot_dir):
    with pytest.raises(ValueError, match=r"'trian'. Should be one of \['train'"):
        open_tfds("omniglot", "trian", omniglot_dir)
