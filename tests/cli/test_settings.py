import pytest

from fsl_keras.cli.settings import parsed, tables_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a=0.5", 0.5),
        ("a=true", True),
        ("a=cosine", "cosine"),
        ("a=null", None),
        ("a=[[5, 1]]", [[5, 1]]),
        ('a={"pooled_blocks": 3}', {"pooled_blocks": 3}),
        ('a=["rotations"]', ["rotations"]),
        ('a={ pooling = "avg" }', {"pooling": "avg"}),
    ],
)
def test_the_value_of_a_setting(text, value):
    assert parsed(text) == ("a", value)


def test_a_list_that_is_none():
    with pytest.raises(ValueError, match=r"value of a is not a list.*\[rotations\]"):
        parsed("a=[rotations]")


def test_a_setting_wins_over_a_flag():
    assert tables_of(["train.ways=3"], train_ways=5) == {"train": {"ways": 3}}


@pytest.mark.parametrize("text", ["ways=3", "tarin.ways=3", "train.=3", ".ways=3"])
def test_a_setting_has_a_table(text):
    with pytest.raises(ValueError, match=r"such as train\.ways=20. Received"):
        tables_of([text])
