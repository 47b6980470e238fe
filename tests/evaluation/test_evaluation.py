import json

import numpy as np
import pytest
import tensorflow as tf

import fsl_keras as fsl
from fsl_keras.evaluation import (
    EpisodeReport,
    evaluate,
    paired_differences,
)
from tests.checks import random_classes


@pytest.fixture(scope="module")
def data():
    return random_classes(classes=6, items=8)


@pytest.fixture(scope="module")
def model():
    return fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((16, 16, 1), filters=4))


def test_a_report_agrees_with_keras_evaluate(model, data):
    model.compile()
    episodes = data.episodes(5, 1, 3, seed=4, count=20)
    report = evaluate(model, episodes)
    measured = model.evaluate(episodes, return_dict=True, verbose=0)
    assert len(report.accuracies) == 20
    assert report.accuracy == pytest.approx(measured["accuracy"], abs=1e-6)
    assert report.ci95 == pytest.approx(measured["accuracy_ci95"], abs=1e-6)


def test_a_report_on_padded_episodes_leaves_padding_out(model, data):
    model.compile()
    episodes = data.episodes((2, 5), (1, 3), 3, seed=4, count=20, tasks=4)
    measured = model.evaluate(episodes, return_dict=True, verbose=0)
    assert evaluate(model, episodes).accuracy == pytest.approx(
        measured["accuracy"], abs=1e-6
    )


def test_a_report_carries_its_protocol(model, data):
    episodes = data.episodes(5, 1, 3, seed=4, count=8, tasks=2)
    training_classes = [*data.class_names[:2], "another"]
    protocol = evaluate(model, episodes, training_classes=training_classes).protocol
    assert protocol["dataset"] == data.name
    assert (protocol["ways"], protocol["shots"], protocol["queries"]) == (5, 1, 3)
    assert (protocol["episodes"], protocol["seed"]) == (8, 4)
    assert (protocol["kind"], protocol["batch_norm"]) == ("inductive", "running")
    assert (protocol["training_classes"], protocol["overlap"]) == (3, 2)


def test_the_protocol_survives_what_leaves_episodes_as_they_are(model, data):
    whole = data.episodes(5, 1, 3, seed=4, tasks=2)
    options = tf.data.Options()
    options.deterministic = True
    for part in (
        whole.take(3),
        whole.with_options(options).take(3).prefetch(1).cache(),
    ):
        protocol = evaluate(model, part).protocol
        assert (protocol["dataset"], protocol["seed"], protocol["episodes"]) == (
            data.name,
            4,
            6,
        )
        assert protocol["tested_classes"] == 6
    same = evaluate(model, data.episodes(5, 1, 3, seed=4, count=6))
    assert (
        evaluate(model, whole.take(3)).accuracies.tolist() == same.accuracies.tolist()
    )


def test_methods_that_change_episodes_are_named_in_the_protocol(model, data):
    whole = data.episodes((2, 4), 1, 3, seed=4, count=8)
    for changed, names in (
        (whole.skip(2), "skip"),
        (whole.shard(2, 1), "shard"),
        (
            whole.map(lambda *batch: batch, num_parallel_calls=2).repeat(2),
            "map, repeat",
        ),
    ):
        protocol = evaluate(model, changed.take(6).prefetch(1)).protocol
        assert protocol["dataset"] == f"{data.name}, after {names}"
        assert protocol["seed"] == 4
        assert protocol["tested_classes"] == 6
        assert 2 <= protocol["ways"][0] <= protocol["ways"][1] <= 4


def test_reports_of_changed_and_unchanged_episodes_are_not_compared(model, data):
    whole = data.episodes(5, 1, 3, seed=4, count=8)
    first, skipped = evaluate(model, whole.take(6)), evaluate(model, whole.skip(2))
    with pytest.raises(ValueError, match=r"not measured on the same.*after skip"):
        paired_differences([first, skipped])


def test_of_any_stream_of_episodes_the_sizes_are_known(model, data):
    x, y = next(iter(data.episodes(5, 2, 3)))
    stream = tf.data.Dataset.from_tensors((x, y))
    report = evaluate(model, stream)
    protocol = report.protocol
    assert (protocol["ways"], protocol["shots"], protocol["queries"]) == (5, 2, 3)
    assert "data ? | task 5-way 2-shot | queries 3 | episodes 1 | seed ?" in str(report)


def test_sizes_of_padded_episodes_of_any_stream(model, data):
    padded = data.episodes((2, 4), (1, 3), 3, seed=4, count=40)
    stream = padded.map(lambda *batch: batch)
    protocol = evaluate(model, stream).protocol
    assert protocol["ways"] == [2, 4]
    assert protocol["shots"] == [1, 3]
    assert protocol["queries"] == 3


def test_a_stream_without_end_is_refused(model, data):
    with pytest.raises(ValueError, match="count=600"):
        evaluate(model, data.episodes(5, 1, 3))


def test_a_report_survives_a_file(tmp_path):
    report = EpisodeReport("m", np.array([0.2, 1 / 3]), {"ways": 5, "shots": [1, 3]})
    report.save(tmp_path / "report.json")
    loaded = EpisodeReport.load(tmp_path / "report.json")
    assert loaded.protocol == report.protocol
    np.testing.assert_allclose(loaded.accuracies, report.accuracies, atol=1e-9)
    assert json.loads((tmp_path / "report.json").read_text())["accuracy"] == (
        pytest.approx(report.accuracy)
    )


def test_a_report_prints_as_a_row(model, data):
    report = evaluate(model, data.episodes(5, 1, 3, seed=4, count=4), "tiny")
    text = str(report)
    for part in ("tiny", "5-way 1-shot", "±", "seed 4", "inductive, running BatchNorm"):
        assert part in text


def test_paired_differences_are_taken_episode_by_episode():
    protocol = {"seed": 1}
    first = EpisodeReport("a", np.array([0.2, 0.8]), protocol)
    second = EpisodeReport("b", np.array([0.3, 0.9]), protocol)
    (difference,) = paired_differences([first, second])
    assert difference.difference == pytest.approx(0.1)
    assert difference.ci95 == pytest.approx(0.0, abs=1e-12)
    assert str(difference) == "b minus a: +10.00 ± 0.00 points"


@pytest.mark.parametrize(
    ("protocol", "count"),
    [({"seed": 2}, 2), ({"seed": 1}, 3), ({"seed": 1, "ways": 5}, 2)],
)
def test_reports_of_other_episodes_are_not_compared(protocol, count):
    first = EpisodeReport("a", np.array([0.2, 0.8]), {"seed": 1})
    with pytest.raises(ValueError, match="not measured on the same episodes"):
        paired_differences([first, EpisodeReport("b", np.full(count, 0.5), protocol)])
