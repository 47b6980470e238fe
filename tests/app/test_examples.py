"""Changes of a set of examples."""

import pathlib

import numpy as np
import pytest

from fsl_keras.app.examples import Example, ExampleSet, checked_name

FEATURES = np.zeros((1, 2))


def example(id, class_name, digest=None, file=None):
    digest = id if digest is None else digest
    return Example(id, class_name, f"{id}.png", digest, FEATURES, original=file)


def pairs(examples):
    return [(e.id, e.class_name) for e in examples]


@pytest.fixture
def birds():
    return ExampleSet([example(0, "heron"), example(1, "egret"), example(2, "heron")])


def test_classes_are_in_the_order_of_teaching(birds):
    assert birds.class_names == ["heron", "egret"]
    assert birds.with_more([example(3, "bittern")]).class_names[-1] == "bittern"


def test_the_same_item_counts_once_for_a_class(birds):
    more = [example(3, "heron", digest=2), example(4, "egret", digest=2)]
    assert pairs(birds.with_more(more))[3:] == [(4, "egret")]


def test_an_example_without_a_picture_gets_that_of_the_same_item(birds):
    file = pathlib.Path("2.png")
    (found,) = [
        e for e in birds.with_more([example(9, "heron", 2, file)]) if e.digest == 2
    ]
    assert (found.id, found.original) == (2, file)


def test_a_class_is_renamed_in_its_place(birds):
    assert birds.renamed("heron", " grey  heron").class_names == ["grey heron", "egret"]


def test_two_classes_cannot_have_one_name(birds):
    with pytest.raises(ValueError, match="or merge the two classes"):
        birds.renamed("heron", "egret")


def test_merging_keeps_the_same_item_once():
    examples = ExampleSet([example(0, "heron", 7), example(1, "egret", 7)])
    assert pairs(examples.merged("egret", "heron")) == [(0, "heron")]


def test_a_class_is_not_merged_into_itself(birds):
    with pytest.raises(ValueError, match="into itself"):
        birds.merged("heron", "heron")


def test_the_last_example_of_a_class_takes_the_class_with_it(birds):
    assert birds.without([1]).class_names == ["heron"]
    assert birds.without_class("heron").class_names == ["egret"]
    assert birds.moved([1], "heron").class_names == ["heron"]


def test_what_is_not_there_is_named(birds):
    with pytest.raises(ValueError, match=r"no class 'ibis'. The classes are: heron, e"):
        birds.without_class("ibis")
    with pytest.raises(ValueError, match="no example 9"):
        birds.without([1, 9])
    with pytest.raises(ValueError, match="no example 9"):
        birds.moved([9], "heron")


def test_a_change_leaves_the_old_set_as_it_was(birds):
    before = pairs(birds)
    birds.merged("egret", "heron")
    birds.without([0])
    assert pairs(birds) == before


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "no name"),
        ("  \n ", "no name"),
        (None, "no name"),
        ("x" * 81, "81 characters"),
        ("a\x00b", "control characters"),
        ("unknown", "of no class"),
    ],
)
def test_names_that_are_refused(name, reason):
    with pytest.raises(ValueError, match=reason):
        checked_name(name)


def test_a_name_in_another_form_of_unicode_is_the_same():
    assert checked_name("cafe\u0301") == checked_name("caf\u00e9")
