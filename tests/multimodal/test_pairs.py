import numpy as np
import PIL.Image
import pytest

import fsl_keras as fsl
from fsl_keras.multimodal import LateFusion
from fsl_keras.multimodal.pairs import pair_of
from tests.multimodal.learners import texts


def test_folders_and_files_of_lines(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in "ab":
        PIL.Image.new("L", (9, 9)).save(folder / f"{name}.png")
    (tmp_path / "names.txt").write_text("first\nsecond\n", encoding="utf-8")
    images, names = pair_of((folder, tmp_path / "names.txt"), ("image", "text"))
    assert [path[-5:] for path in map(str, images)] == ["a.png", "b.png"]
    assert names.tolist() == ["first", "second"]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_a_file_that_cannot_be_read_is_no_example_to_leave_out(tmp_path):
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{number}.png" for number in range(6)]
    for file in files:
        PIL.Image.fromarray(rng.integers(0, 256, (28, 28), dtype="uint8")).save(file)
    files[2].write_bytes(b"no image")
    learner = LateFusion(
        [fsl.models.PrototypicalNetwork(fsl.backbones.Conv4((28, 28, 1))), texts()]
    )
    names = ["red 1", "red 2", "red 3", "blue 1", "blue 2", "blue 3"]
    labels = ["red"] * 3 + ["blue"] * 3
    with pytest.warns(UserWarning, match=r"2\.png"):
        classifier = learner.adapt((files, names), labels)
    assert classifier.fusion.source == "leave-one-out of 5 examples"
    with pytest.raises(ValueError, match=r"Cannot read 1 file: .*2\.png"):
        classifier.predict_classes((files, names))
