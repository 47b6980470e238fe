"""Old argument names of learners, which saved files hold."""

import keras
import pytest

from fsl_keras import models
from tests.models import checks

# The class, arguments by their old names and by their new ones.
RENAMED = [
    ("BaselinePlusPlus", {"temperature": 3.0}, {"scale": 3.0}),
    (
        "FEAT",
        {"heads": 2, "temperature": 3.0, "regularization": 0.2},
        {"num_heads": 2, "temperature": 3.0, "auxiliary_weight": 0.2},
    ),
    ("MatchingNetwork", {"temperature": 3.0}, {"scale": 3.0}),
    ("MetaBaseline", {"temperature": 3.0}, {"scale": 3.0}),
    ("PrototypicalNetwork", {"temperature": 3.0}, {"scale": 3.0}),
    ("RidgeRegressionNetwork", {"temperature": 3.0}, {"scale": 3.0}),
    ("SiameseNetwork", {"comparison": "sigmoid"}, {"similarity": "learned"}),
    ("SiameseNetwork", {"comparison": "distance"}, {"similarity": "euclidean"}),
]


@pytest.mark.parametrize(("name", "old", "new"), RENAMED)
def test_old_names_are_read_silently_and_warn_in_a_call(name, old, new):
    cls, backbone = getattr(models, name), checks.backbone()
    expected = cls(backbone, **new, name="net").get_config()
    config = {"backbone": keras.saving.serialize_keras_object(backbone), **old}
    read = cls.from_config({**config, "name": "net"}).get_config()
    assert {name: read[name] for name in new} == {name: expected[name] for name in new}
    with pytest.warns(UserWarning, match="is deprecated. Use `"):
        assert cls(backbone, **old, name="net").get_config() == expected
