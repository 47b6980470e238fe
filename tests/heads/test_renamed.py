"""Old argument names of heads, which saved files hold."""

import pytest

from fsl_keras import heads

# The class, arguments by their old names and by their new ones.
RENAMED = [
    ("BDCSPNHead", {"temperature": 3.0}, {"scale": 3.0}),
    ("FEATHead", {"key_dim": 4, "heads": 2}, {"key_dim": 4, "num_heads": 2}),
    (
        "LinearHead",
        {"distance": "linear", "temperature": 3.0},
        {"similarity": "dot", "scale": 3.0},
    ),
    ("LinearHead", {"distance": "cosine"}, {"similarity": "cosine"}),
    ("MatchingHead", {"temperature": 3.0}, {"scale": 3.0}),
    ("PTMAPHead", {"rate": 0.3}, {"learning_rate": 0.3}),
    ("PrototypeHead", {"temperature": 3.0}, {"scale": 3.0}),
    ("ReconstructionHead", {"temperature": 3.0}, {"scale": 3.0}),
    ("RidgeHead", {"temperature": 3.0}, {"scale": 3.0}),
    ("SiameseHead", {"comparison": "sigmoid"}, {"similarity": "learned"}),
    ("SiameseHead", {"comparison": "distance"}, {"similarity": "euclidean"}),
    ("TIMHead", {"temperature": 3.0}, {"scale": 3.0}),
    ("TransductiveFinetuningHead", {"temperature": 3.0}, {"scale": 3.0}),
]
each_class = pytest.mark.parametrize(("name", "old", "new"), RENAMED)


@each_class
def test_a_configuration_with_old_names_is_read_silently(name, old, new):
    cls = getattr(heads, name)
    expected = cls(**new, name="head").get_config()
    assert cls.from_config({**old, "name": "head"}).get_config() == expected


@each_class
def test_a_call_with_old_names_warns(name, old, new):
    cls = getattr(heads, name)
    with pytest.warns(UserWarning, match="is deprecated. Use `"):
        head = cls(**old, name="head")
    assert head.get_config() == cls(**new, name="head").get_config()


def test_a_temperature_that_divides_keeps_its_name():
    head = heads.FEATHead.from_config({"key_dim": 4, "temperature": 3.0})
    assert head.get_config()["temperature"] == 3.0
