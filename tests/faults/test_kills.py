"""Commands that are killed at random moments lose nothing, and end as others do."""

import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import time
import zipfile

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.app.server import answers, free_port, wait_for
from tests.shapes import pictures, write

ROOT = pathlib.Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "fsl_keras.cli"]
TRAINING = [
    "--ways=5",
    "--steps=12",
    "--set=train.steps_per_epoch=2",
    "--set=train.validation_episodes=2",
    "--set=train.queries=1",
    "--set=backbone.filters=2",
    "--set=test.protocols=[[5, 1]]",
    "--set=test.episodes=2",
    "--set=test.calibration_episodes=2",
    "--deterministic",
]
SESSIONS = """
import pathlib, sys
import fsl_keras as fsl, keras
photos, path = map(pathlib.Path, sys.argv[1:])
keras.utils.set_random_seed(0)
if path.exists():
    classifier = keras.saving.load_model(path)
else:
    learner = fsl.from_preset("prototypical_conv4_glyphs")
    classifier = learner.adapt([photos / "bar" / "000.png"], ["bar"])
for folder in sorted(photos.iterdir()):
    if folder.name not in classifier.class_names:
        classifier.add_class(folder.name, sorted(folder.iterdir()))
        classifier.save(path)
"""


class Folder:
    """A folder of inputs and outputs, in which commands run and are killed."""

    def __init__(self, path, inputs):
        self.path, self.inputs = path, inputs
        self.output = path / "output"
        self.temporary = path / "temporary"
        self.temporary.mkdir(parents=True)

    def run(self, scenario, kill_after=None):
        """Runs a command; returns its seconds, or None if it was killed."""
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TMPDIR": str(self.temporary),
            "FSL_KERAS_HOME": str(self.path / "home"),
            "TF_NUM_INTRAOP_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        }
        start = time.monotonic()
        process = subprocess.Popen(
            [str(part) for part in scenario.command(self)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            _, error = process.communicate(timeout=kill_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.communicate()
            return None
        assert process.returncode == 0, error.decode()
        return time.monotonic() - start

    def left(self):
        """The temporary files of this package that are there."""
        # TensorFlow leaves some of its own when it is killed.
        found = [p for p in self.temporary.iterdir() if p.name.startswith("fsl-keras-")]
        places = [*self.path.iterdir()]
        if self.output.is_dir():
            places += self.output.rglob("*")
        found += [
            path
            for path in places
            if path.name.startswith(".") or path.suffix in (".partial", ".lock")
        ]
        return [path.name for path in found]


class Training:
    def command(self, folder):
        command = [*COMMAND, "train", "--output", folder.output, *TRAINING]
        began = (folder.output / "options.json").exists()
        return command + ["--resume"] * began

    def result(self, folder):
        history = json.loads((folder.output / "history.json").read_text())
        history.pop("cpu_seconds")
        yield np.asarray([history[name] for name in sorted(history)])
        yield from weights(folder.output / "learner.keras")


class Adapting:
    def command(self, folder):
        folder.output.mkdir(exist_ok=True)
        return [
            *(*COMMAND, "adapt", folder.inputs / "photos"),
            *("--learner=prototypical_conv4_glyphs", "--output"),
            folder.output / "shapes.keras",
        ]

    def result(self, folder):
        return weights(folder.output / "shapes.keras")


class AddingAClass(Adapting):
    """The classifier is the old one or the new one at each moment."""

    def command(self, folder):
        path = folder.output / "shapes.keras"
        if not path.exists():
            folder.output.mkdir(exist_ok=True)
            path.write_bytes((folder.inputs / "shapes.keras").read_bytes())
        names = keras.saving.load_model(path).class_names
        if names == ["bar", "beam", "disk", "frame"]:
            return [sys.executable, "-c", ""]  # killed when it was done
        assert names == ["bar", "beam", "disk"]
        return [
            *(*COMMAND, "add-class", path, "--name=frame"),
            *sorted((folder.inputs / "photos" / "frame").iterdir()),
        ]


class Embedding:
    def command(self, folder):
        return [
            *(*COMMAND, "embed", folder.inputs / "photos", "--shard=0/1"),
            *("--backbone=mobilenet_v2", "--alpha=0.35"),
            *("--weights", folder.inputs / "random.weights.h5"),
            *("--output", folder.output),
        ]

    def result(self, folder):
        yield np.load(folder.output / "shard-0-of-1.npy")
        yield np.asarray(json.loads((folder.output / "shard-0-of-1.json").read_text()))


class Exporting:
    def command(self, folder):
        return [
            *(*COMMAND, "export", folder.inputs / "shapes.keras"),
            folder.output / "saved_model",
        ]

    def result(self, folder):
        loaded = tf.saved_model.load(folder.output / "saved_model")
        images, _ = pictures(["bar", "disk"], count=2, size=(28, 28))
        signature = loaded.signatures["serving_default"]
        (name,) = signature.structured_input_signature[1]
        found = signature(**{name: tf.constant(images[..., :1])})
        for _, value in sorted(found.items()):
            yield value.numpy()


class Sessions(Adapting):
    def command(self, folder):
        folder.output.mkdir(exist_ok=True)
        code = [sys.executable, "-c", SESSIONS]
        return [*code, folder.inputs / "photos", folder.output / "shapes.keras"]


SCENARIOS = [Training, Adapting, AddingAClass, Embedding, Exporting, Sessions]


def weights(path):
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read("config.json"))
        with archive.open("model.weights.h5") as file, h5py.File(file) as stored:
            found = []
            stored.visititems(
                lambda _, item: (
                    found.append(item[()]) if isinstance(item, h5py.Dataset) else None
                )
            )
    yield np.asarray(str(config))
    yield from found


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Photographs of four shapes, a classifier of three, and weights."""
    folder = tmp_path_factory.mktemp("inputs")
    write(folder / "photos", *pictures(["bar", "beam", "disk", "frame"], count=6))
    keras.utils.set_random_seed(0)
    network = keras.applications.MobileNetV2(
        alpha=0.35, include_top=False, weights=None
    )
    network.save_weights(folder / "random.weights.h5")
    paths = [
        path
        for name in ("bar", "beam", "disk")
        for path in sorted((folder / "photos" / name).iterdir())
    ]
    import fsl_keras as fsl

    learner = fsl.from_preset("prototypical_conv4_glyphs")
    classifier = learner.adapt(paths, [path.parent.name for path in paths])
    classifier.save(folder / "shapes.keras")
    return folder


def check(kind, inputs, tmp_path, kills):
    scenario = kind()
    whole = Folder(tmp_path / "whole", inputs)
    seconds = whole.run(scenario)
    expected = list(scenario.result(whole))
    chance = random.Random(kind.__name__)
    folder, done, completed = Folder(tmp_path / "0", inputs), 0, 0
    while done < kills:
        # Not while Python starts, when nothing is written.
        if folder.run(scenario, chance.uniform(0.4, 1.0) * seconds) is None:
            done += 1
            continue
        found = list(scenario.result(folder))
        compare(found, expected)
        assert folder.left() == []
        completed += 1
        folder = Folder(tmp_path / f"{completed}", inputs)
    folder.run(scenario)
    compare(list(scenario.result(folder)), expected)
    assert folder.left() == []


def compare(found, expected):
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_command_that_is_killed_once(inputs, tmp_path):
    check(AddingAClass, inputs, tmp_path, kills=1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", SCENARIOS, ids=lambda kind: kind.__name__)
def test_a_command_that_is_killed_many_times(kind, inputs, tmp_path):
    check(kind, inputs, tmp_path, kills=8)


def teach(address, path):
    """Teaches a class; returns the names of the classes of a new client."""
    from gradio_client import Client, handle_file

    client = Client(address, verbose=False)
    found = client.predict("bar", [handle_file(path)], None, api_name="/teach")
    return list(found["classes"])


@pytest.mark.slow
def test_the_page_that_is_killed_leaves_no_files_after_the_next_start(inputs, tmp_path):
    pytest.importorskip("gradio_client", reason="needs the extra app")
    path = sorted((inputs / "photos" / "bar").iterdir())[0]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
        "FSL_KERAS_HOME": str(tmp_path / "home"),
    }
    chance = random.Random(0)
    for kill in (True, True, False):
        port = free_port()
        command = [*COMMAND, "app", "--port", str(port)]
        address = f"http://127.0.0.1:{port}/"
        log = tmp_path / "log.txt"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(command, env=environment, stderr=file)
        wait_for(lambda url=address: answers(url), log)
        assert teach(address, path) == ["bar"]
        time.sleep(chance.uniform(0, 1))
        process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        process.wait(60)
    left = [p.name for p in tmp_path.iterdir() if p.name.startswith("fsl-keras-")]
    assert left == []
