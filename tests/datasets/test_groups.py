import numpy as np
import pytest

from fsl_keras.datasets import class_groups, episodes_within
from tests.checks import random_classes


def test_a_rotated_or_mirrored_alphabet_is_a_group_of_its_own():
    names = ["Greek/alpha", "Greek/alpha/rot090", "Greek/beta/rot090/mirrored"]
    assert class_groups(names) == ["Greek", "Greek/rot090", "Greek/rot090/mirrored"]


def test_a_name_without_a_group_is_refused():
    with pytest.raises(ValueError, match="'class 0'"):
        class_groups(["class 0"])


@pytest.fixture(scope="module")
def alphabets():
    data = random_classes(7, 4)
    data.class_names = [*(f"Greek/{i}" for i in range(4)), *"abc"]
    data.class_names[4:] = [f"Latin/{letter}" for letter in "abc"]
    return data


@pytest.fixture(scope="module")
def groups(alphabets):
    return class_groups(alphabets.class_names)


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


class TestRandomGroups:
    def test_all_classes_of_an_episode_are_of_one_group(self, alphabets, groups):
        stream = alphabets.episodes(3, 1, 1, count=20, groups=groups)
        assert set(groups_drawn(stream, alphabets)) == {"Greek", "Latin"}
        assert stream.protocol["dataset"] == "random, within each of 2 groups"


class TestStratified:
    def test_each_group_gets_equally_many_episodes(self, alphabets, groups):
        stream = alphabets.episodes(3, 1, 1, count=8, groups=groups, stratified=True)
        assert groups_drawn(stream, alphabets) == ["Greek"] * 4 + ["Latin"] * 4
        assert stream.protocol["episodes"] == 8
        assert stream.protocol["classes"] == alphabets.class_names
        assert stream.protocol["dataset"] == "random, within each of 2 groups"

    def test_the_count_is_that_of_all_episodes(self, alphabets, groups):
        stream = alphabets.episodes(3, 1, 1, count=7, groups=groups, stratified=True)
        assert groups_drawn(stream, alphabets) == ["Greek"] * 4 + ["Latin"] * 3
        assert stream.protocol["episodes"] == 7
        assert int(stream.cardinality()) == 7

    def test_the_episodes_of_a_group_are_those_of_its_classes(self, alphabets, groups):
        whole = alphabets.episodes(
            3, 1, 1, seed=5, count=5, groups=groups, stratified=True
        )
        latin = alphabets.subset(alphabets.class_names[4:])
        own = latin.episodes(3, 1, 1, seed=5, count=2)
        for (x, y), (x_own, y_own) in zip(whole.skip(3), own, strict=True):
            np.testing.assert_array_equal(x["support"], x_own["support"])
            np.testing.assert_array_equal(x["query"], x_own["query"])
            np.testing.assert_array_equal(y, y_own)

    @pytest.mark.parametrize("count", [1, None])
    def test_fewer_episodes_than_groups_are_refused(self, alphabets, groups, count):
        with pytest.raises(ValueError, match=rf"2 groups.*count={count}"):
            alphabets.episodes(3, 1, 1, count=count, groups=groups, stratified=True)

    def test_a_group_of_too_few_classes_is_refused(self, alphabets, groups):
        with pytest.raises(ValueError, match="Latin"):
            alphabets.episodes(4, 1, 1, count=2, groups=groups, stratified=True)

    @pytest.mark.parametrize(
        "arguments", [{"groups": None}, {"start": 3}, {"tasks": 2}, {"shard": (0, 2)}]
    )
    def test_arguments_that_do_not_go_with_it_are_refused(
        self, alphabets, groups, arguments
    ):
        arguments = {"groups": groups, **arguments}
        with pytest.raises(ValueError, match="`stratified=True` needs `groups`, and"):
            alphabets.episodes(3, 1, 1, count=4, stratified=True, **arguments)


def test_the_former_name_draws_the_same_episodes(alphabets, groups):
    former = episodes_within(alphabets, 3, 1, 1, count=4, seed=2)
    stream = alphabets.episodes(
        3, 1, 1, count=4, seed=2, groups=groups, stratified=True
    )
    assert former.protocol == stream.protocol
    for (x, _), (x_former, _) in zip(stream, former, strict=True):
        np.testing.assert_array_equal(x["support"], x_former["support"])
