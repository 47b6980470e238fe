import numpy as np
import pytest

from fsl_keras.datasets import class_groups, episodes_within
from tests.checks import random_classes


def test_a_turned_or_mirrored_alphabet_is_a_group_of_its_own():
    names = ["Greek/alpha", "Greek/alpha/rot090", "Greek/beta/rot090/mirrored"]
    assert class_groups(names) == ["Greek", "Greek/rot090", "Greek/rot090/mirrored"]


def test_names_without_a_group():
    with pytest.raises(ValueError, match="'class 0'"):
        episodes_within(random_classes(4, 4), 2, 1, 1, count=1)


@pytest.fixture
def alphabets():
    data = random_classes(7, 4)
    data.class_names = [*(f"Greek/{i}" for i in range(4)), *"abc"]
    data.class_names[4:] = [f"Latin/{letter}" for letter in "abc"]
    return data


def groups_drawn(stream, data):
    """The group of each episode, whose classes must be of one."""
    # Each class is known by its items.
    groups = {
        item.tobytes(): name.split("/")[0]
        for name in data.class_names
        for item in data.class_items(name)
    }
    found = []
    for x, _ in stream:
        items = np.round(255 * x["support"][0].numpy()).astype("uint8")
        (group,) = {groups[item.tobytes()] for item in items}
        found.append(group)
    return found


def test_classes_of_an_episode_are_of_one_alphabet(alphabets):
    stream = episodes_within(alphabets, 3, 1, 1, count=8, seed=0)
    assert groups_drawn(stream, alphabets) == ["Greek"] * 4 + ["Latin"] * 4
    assert stream.protocol["episodes"] == 8
    assert stream.protocol["classes"] == alphabets.class_names


def test_the_count_is_that_of_all_episodes(alphabets):
    stream = episodes_within(alphabets, 3, 1, 1, count=7, seed=0)
    assert groups_drawn(stream, alphabets) == ["Greek"] * 4 + ["Latin"] * 3
    assert stream.protocol["episodes"] == 7
    assert int(stream.cardinality()) == 7
    with pytest.raises(ValueError, match=r"2 groups.*count=1"):
        episodes_within(alphabets, 3, 1, 1, count=1)


def test_an_alphabet_of_too_few_characters(alphabets):
    with pytest.raises(ValueError, match="Latin"):
        episodes_within(alphabets, 4, 1, 1, count=2)


def test_training_episodes_are_of_alphabets_at_random(alphabets):
    groups = class_groups(alphabets.class_names)
    stream = alphabets.episodes(3, 1, 1, count=20, groups=groups)
    assert set(groups_drawn(stream, alphabets)) == {"Greek", "Latin"}
    assert stream.protocol["dataset"] == "random, within each of 2 groups"
