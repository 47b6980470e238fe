import pytest

from fsl_keras.names import did_you_mean

KNOWN = ["prototypical", "ridge", "ResNet50", "mini_imagenet"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("prototypcal", "prototypical"),
        ("resnet-50", "ResNet50"),
        ("RESNET_51", "ResNet50"),
        ("miniimagenet", "mini_imagenet"),
    ],
)
def test_the_nearest_name_is_suggested_as_it_is_spelled(name, meant):
    assert did_you_mean(name, KNOWN) == f" Did you mean {meant!r}?"


def test_nothing_is_suggested_without_a_similar_name():
    assert did_you_mean("omniglot", KNOWN) == ""
    assert did_you_mean(None, KNOWN) == ""
    assert did_you_mean("x", []) == ""


def test_a_higher_cutoff_suggests_less():
    assert did_you_mean("ridges", KNOWN, cutoff=0.9) == " Did you mean 'ridge'?"
    assert did_you_mean("bridges", KNOWN, cutoff=0.9) == ""
