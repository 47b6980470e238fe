import keras
import numpy as np
import pytest
from PIL import Image

import fsl_keras as fsl
from fsl_keras.evaluation import evaluate, one_shot_runs

WAYS = 5
# Which character each of the drawings to classify is of, in each run.
ANSWERS = {"run01": [3, 0, 4, 1, 2], "run02": [1, 2, 0, 4, 3]}


def draw(path, place, thickness):
    """A black bar on white, 105 x 105, as the drawings of the original."""
    values = np.full((105, 105), 255, "uint8")
    values[15 * place : 15 * place + thickness + 5, 10:95] = 0
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).convert("1").save(path)


@pytest.fixture
def folder(tmp_path):
    for run, answers in ANSWERS.items():
        lines = []
        for number in range(WAYS):
            draw(tmp_path / run / "training" / f"class{number + 1:02d}.png", number, 3)
        for item, answer in enumerate(answers, start=1):
            draw(tmp_path / run / "test" / f"item{item:02d}.png", answer, 4)
            training = f"{run}/training/class{answer + 1:02d}.png"
            lines.append(f"{run}/test/item{item:02d}.png {training}")
        (tmp_path / run / "class_labels.txt").write_text("\n".join(lines) + "\n")
    return tmp_path


def pixels(kind=fsl.heads.PrototypeHead):
    network = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten()])
    return fsl.models.MetricModel(network, kind())


def test_a_run_is_an_episode_and_ink_is_one(folder):
    episodes = list(one_shot_runs(folder))
    assert len(episodes) == len(ANSWERS)
    for (x, y), answers in zip(episodes, ANSWERS.values(), strict=True):
        assert x["support"].shape == x["query"].shape == (1, WAYS, 28, 28, 1)
        np.testing.assert_array_equal(x["support_labels"][0], np.eye(WAYS))
        np.testing.assert_array_equal(y[0], answers)
        # The first character is drawn at the top: paper is 0, ink is near 1.
        rows = x["support"][0, 0, :, :, 0].numpy().max(axis=1)
        assert rows[0] > 0.8
        assert (rows[4:] < 0.01).all()


def test_an_error_rate_with_its_interval(folder):
    report = evaluate(pixels(), one_shot_runs(folder))
    assert report.error == 0.0
    assert report.ci95 == 0.0
    assert report.protocol["ways"] == WAYS
    assert report.protocol["episodes"] == len(ANSWERS)
    # One of the ten answers is wrong.
    file = folder / "run02" / "class_labels.txt"
    first, second, *others = file.read_text().splitlines()
    first, second = (
        f"{pair.split()[0]} {other.split()[1]}"
        for pair, other in ((first, second), (second, first))
    )
    file.write_text("\n".join([first, second, *others]))
    assert evaluate(pixels(), one_shot_runs(folder)).error == pytest.approx(0.2)


def test_a_transductive_learner_is_refused(folder):
    learner = pixels(fsl.heads.SoftKMeansHead)
    with pytest.raises(ValueError, match="independent prediction"):
        evaluate(learner, one_shot_runs(folder))


def test_missing_drawings_are_named(folder):
    (folder / "run02" / "test" / "item03.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"1 drawings .*run02/test/item03\.png"):
        one_shot_runs(folder)


def test_a_folder_without_runs(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no runs"):
        one_shot_runs(tmp_path)


def test_a_line_that_is_no_pair(folder):
    (folder / "run01" / "class_labels.txt").write_text("run01/test/item01.png\n")
    with pytest.raises(ValueError, match="lines of two paths"):
        one_shot_runs(folder)


def test_a_damaged_drawing_is_named(folder):
    (folder / "run01" / "test" / "item02.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"cannot be read: .*item02\.png"):
        one_shot_runs(folder)


def test_runs_of_different_sizes(folder):
    file = folder / "run01" / "class_labels.txt"
    file.write_text("\n".join(file.read_text().splitlines()[1:]))
    with pytest.raises(ValueError, match="differ in the number"):
        one_shot_runs(folder)


def test_the_command_measures_a_preset_by_the_runs(folder, run_cli):
    status, out, err = run_cli(
        "evaluate", "prototypical_conv4_glyphs", "--one-shot-runs", folder
    )
    assert status == 0, err
    assert "5-way 1-shot" in out
    report = evaluate(
        fsl.from_preset("prototypical_conv4_glyphs"), one_shot_runs(folder)
    )
    assert f"error {100 * report.error:.2f} ± {100 * report.ci95:.2f} %" in out
