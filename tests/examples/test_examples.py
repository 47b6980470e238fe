"""The examples run, draw what is committed, and return what they tell."""

import importlib.util
import pathlib

import keras
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


def test_why_few_examples_are_hard(tmp_path):
    found = load("06_why_few_examples_are_hard.py").main(
        tmp_path, steps=2, count=5, networks=1
    )
    assert found["on its examples"] == [1.0] * 4
    assert found["pixels"][0] < found["pixels"][-1]
    assert found["from scratch"][0] < 1.0
    assert_draws_what_is_committed(tmp_path, "06")


def glyphs():
    return fsl.datasets.load("glyphs", split="test")
