"""Damaged files give an error or the right answer, never another one in silence."""

import csv
import dataclasses
import io
import os
import shutil
import warnings
import zlib

import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fsl_keras as fsl
from fsl_keras import images, presets
from fsl_keras.app.opening import open_classifier
from fsl_keras.cli.stored import load_model
from fsl_keras.training.options import Options
from fsl_keras.training.run_folder import Run
from tests.checks import random_classes
from tests.shapes import THREE, make_learner, pictures

# How many times the numbers below, which are 2,000 in all.
SHARE = float(os.environ.get("FSL_KERAS_MUTATIONS", "2000")) / 2000
# What is raised for a file that cannot be read.
REFUSED = (ValueError, OSError)


def examples(count):
    """Settings of a test: a number of damaged files, the same in each run."""
    return settings(
        max_examples=max(1, round(count * SHARE)),
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@st.composite
def damages(draw):
    """A function from the bytes of a file to other ones."""
    kind = draw(st.sampled_from(["flip", "cut", "insert", "remove", "zero", "swap"]))
    place = draw(st.floats(0, 1, exclude_max=True))
    length = draw(st.integers(1, 64))
    bits = draw(st.integers(1, 255))

    def damage(content):
        start = int(place * len(content))
        end = min(start + length, len(content))
        head, middle, tail = content[:start], content[start:end], content[end:]
        if kind == "flip":
            return head + bytes([middle[0] ^ bits]) + middle[1:] + tail
        if kind == "cut":
            return head
        if kind == "insert":
            return head + bytes([bits]) * length + middle + tail
        if kind == "remove":
            return head + tail
        if kind == "zero":
            return head + bytes(len(middle)) + tail
        return tail + head + middle

    damage.__qualname__ = f"{kind} at {place} of {length} by {bits}"
    return damage


@dataclasses.dataclass(repr=False)  # as an error message shows it
class Saved:
    """The bytes of a classifier's file, queries and their probabilities."""

    content: bytes
    queries: np.ndarray
    expected: np.ndarray


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    path = tmp_path_factory.mktemp("classifier") / "shapes.keras"
    shown, labels = pictures(THREE, size=(16, 16))
    classifier = make_learner(channels=3).adapt(shown, labels)
    classifier.save(path)
    queries, _ = pictures(THREE, count=2, seed=50, size=(16, 16))
    return Saved(path.read_bytes(), queries, classifier.predict(queries, verbose=0))


@examples(100)
@given(damage=damages())
def test_classifiers(classifier, tmp_path_factory, damage):
    path = tmp_path_factory.mktemp("damaged") / "shapes.keras"
    path.write_bytes(damage(classifier.content))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            loaded = load_model(path)
        except REFUSED:
            return
    assert loaded.class_names == THREE
    np.testing.assert_allclose(
        loaded.predict(classifier.queries, verbose=0),
        classifier.expected,
        rtol=1e-4,
        atol=1e-6,
    )


# Two bytes of the entry of a file in a ZIP archive, after its signature.
FLAGS, METHOD = 4, 6


@pytest.mark.parametrize("load", [load_model, open_classifier])
@pytest.mark.parametrize(
    ("place", "value", "cause"),
    [
        (FLAGS, 1, RuntimeError),  # encrypted
        (METHOD, 99, NotImplementedError),
        (METHOD, 8, zlib.error),  # compressed, which it is not
        (None, 0, IndexError),  # without a name
    ],
)
def test_damaged_archives(classifier, tmp_path, load, place, value, cause):
    content = bytearray(classifier.content)
    entry = content.index(b"PK\x01\x02")
    if place is None:
        place = content.index(b"metadata.json", entry) - entry - 4
    content[entry + 4 + place] = value
    path = tmp_path / "shapes.keras"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(ValueError, match=r"shapes\.keras cannot be") as caught:
            load(path)
    assert "damaged" in str(caught.value)
    assert isinstance(caught.value.__cause__, cause)


@examples(300)
@given(
    name=st.sampled_from(["config.json", "metadata.json", "model.weights.h5"]),
    damage=damages(),
)
def test_presets(tmp_path_factory, name, damage):
    folder = tmp_path_factory.mktemp("damaged") / "preset"
    whole = presets.folders.find("prototypical_conv4_glyphs")
    shutil.copytree(whole, folder)
    path = folder / name
    content = damage(path.read_bytes())
    is_changed = content != path.read_bytes()
    path.write_bytes(content)
    try:
        known = presets.metadata(folder)
        if name != "metadata.json":
            presets.store.config_of(folder)
            presets.from_preset(folder)
    except REFUSED:
        return
    assert known == presets.metadata(whole)
    assert not is_changed or name == "metadata.json"


@pytest.fixture(scope="module")
def backbone():
    return keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Flatten()])


@examples(400)
@given(damage=damages())
def test_caches_of_features(backbone, tmp_path_factory, damage):
    home = tmp_path_factory.mktemp("home")
    data = random_classes(2, 3, (4, 4, 3))
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        patch.setenv("FSL_KERAS_HOME", str(home))
        expected = fsl.features.embed(data, backbone)
        (path,) = home.glob("features-*.npz")
        path.write_bytes(damage(path.read_bytes()))
        found = fsl.features.embed(data, backbone)
    for name in data.class_names:
        np.testing.assert_array_equal(
            found.class_items(name), expected.class_items(name)
        )


@examples(300)
@given(damage=damages())
def test_options_of_runs(tmp_path_factory, damage):
    folder = tmp_path_factory.mktemp("run")
    run = Run.start(folder / "run", Options())
    run.folder.mkdir()
    run.write_options()
    path = run.folder / "options.json"
    path.write_bytes(damage(path.read_bytes()))
    try:
        found = Run.resume(run.folder, {})
    except REFUSED:
        return
    # People may change options, and these are valid ones.
    assert isinstance(found.options, Options)
    found.write_options()
    assert Run.resume(run.folder, {}).options == found.options


ROWS = [(f"text {i}, with a comma", f"class {i % 3}") for i in range(12)]


@examples(500)
@given(damage=damages())
def test_tables(tmp_path_factory, damage):
    path = tmp_path_factory.mktemp("table") / "a.csv"
    file = io.StringIO()
    csv.writer(file, lineterminator="\n").writerows([("text", "label"), *ROWS])
    path.write_bytes(damage(file.getvalue().encode()))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            data = fsl.ClassDataset.from_csv(path)
        except REFUSED:
            return
    content = path.read_text(encoding="utf-8", errors="replace")
    found = [text for name in data.class_names for text in data.class_items(name)]
    assert len(found) == data.class_sizes.sum()
    for text in found:
        for line in text.splitlines():
            assert line.strip() in content.replace('""', '"')
    assert bool(data.skipped) == bool(caught)


@examples(400)
@given(kind=st.sampled_from(["png", "jpeg"]), damage=damages())
def test_pictures(tmp_path_factory, kind, damage):
    path = tmp_path_factory.mktemp("picture") / f"a.{kind}"
    (picture,), _ = pictures(["disk"], count=1, size=(20, 24))
    keras.utils.save_img(path, picture, scale=False)
    content = path.read_bytes()
    expected, _, _ = images.read([content], (20, 24), 3)
    damaged = damage(content)
    found, kept, skipped = images.read([damaged], (20, 24), 3)
    assert len(found) == len(kept) == 1 - len(skipped)
    if kind == "png" and len(found):
        # A chunk of a PNG file has a checksum; one of a JPEG file has none.
        np.testing.assert_array_equal(found, expected)
