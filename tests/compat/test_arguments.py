import keras
import pytest

from fsl_keras.compat import (
    renamed_arguments,
    renamed_parameters,
    renamed_values,
)


@renamed_arguments(alpha="negative_slope")
class Slope(keras.layers.Layer):
    def __init__(self, negative_slope=0.3, **kwargs):
        super().__init__(**kwargs)
        self.negative_slope = negative_slope

    def get_config(self):
        return {**super().get_config(), "negative_slope": self.negative_slope}


class Steep(Slope):
    pass


@pytest.mark.parametrize("kind", [Slope, Steep])
def test_an_old_name_warns_and_is_understood(kind):
    with pytest.warns(UserWarning, match="`alpha` of `Slope` is deprecated. Use `n"):
        layer = kind(alpha=0.1)
    assert layer.negative_slope == 0.1
    assert layer.get_config()["negative_slope"] == 0.1


@pytest.mark.parametrize("kind", [Slope, Steep])
def test_a_configuration_with_an_old_name_is_read_without_a_warning(kind):
    assert kind.from_config({"alpha": 0.2, "name": "a"}).negative_slope == 0.2


def test_the_new_name_does_not_warn_by_keyword_or_position():
    assert Slope(negative_slope=0.2).negative_slope == Slope(0.2).negative_slope == 0.2


def test_both_names_at_once_are_refused():
    with pytest.raises(TypeError, match="both `negative_slope` and `alpha`"):
        Slope(alpha=0.1, negative_slope=0.2)


@renamed_arguments(degrees=("factor", lambda degrees: degrees / 360))
class Turn(keras.layers.Layer):
    def __init__(self, factor=0.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor


def test_an_old_value_is_converted():
    with pytest.warns(UserWarning, match="`degrees` of `Turn` is deprecated. Use `f"):
        assert Turn(degrees=90).factor == 0.25
    assert Turn.from_config({"degrees": 90}).factor == 0.25
    assert Turn.from_config({"factor": 0.5}).factor == 0.5


@renamed_arguments(reduce="pooling")
@renamed_values(pooling={"average": "avg"})
class Pooled(keras.layers.Layer):
    def __init__(self, size=1, pooling="avg", **kwargs):
        super().__init__(**kwargs)
        self.size = size
        self.pooling = pooling


@pytest.mark.parametrize(
    ("args", "kwargs"), [((2, "average"), {}), ((2,), {"pooling": "average"})]
)
def test_an_old_value_warns_and_is_understood(args, kwargs):
    with pytest.warns(UserWarning, match="'average' of the arg.*`pooling`.* 'avg'"):
        layer = Pooled(*args, name="mean", **kwargs)
    assert (layer.size, layer.pooling, layer.name) == (2, "avg", "mean")


@pytest.mark.parametrize("config", [{"pooling": "average"}, {"reduce": "average"}])
def test_a_configuration_with_an_old_value_is_read_without_a_warning(config):
    assert Pooled.from_config(config).pooling == "avg"


@pytest.mark.parametrize("value", ["max", None, ["average"]])
def test_other_values_stay_as_they_are(value):
    assert Pooled(pooling=value).pooling == value
    assert Pooled.from_config({"pooling": value}).pooling == value


class Reader:
    @classmethod
    @renamed_parameters(size="image_size")
    def read(cls, path, image_size=(1, 1)):
        return cls, path, image_size


class TestFunctions:
    def test_an_old_name_warns_and_is_understood(self):
        with pytest.warns(UserWarning, match="`size` of `Reader.read` is deprecated"):
            assert Reader.read("a", size=(2, 3)) == (Reader, "a", (2, 3))

    def test_the_new_name_does_not_warn_by_keyword_or_position(self):
        assert Reader.read("a", image_size=(2, 3)) == Reader.read("a", (2, 3))

    def test_both_names_at_once_are_refused(self):
        with pytest.raises(TypeError, match="both `image_size` and `size`"):
            Reader.read("a", image_size=(2, 3), size=(2, 3))
