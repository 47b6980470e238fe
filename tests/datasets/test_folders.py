import shutil

import pytest

from fsl_keras.datasets.folders import (
    picture_files,
    warn_of_animations,
    warn_of_skipped,
)


def test_each_folder_is_a_class(birds):
    files = picture_files(birds)
    assert list(files) == ["grey heron", "Ägretta", "цапля 鷺"]
    assert [path.name for path in files["Ägretta"]] == [
        "no 0.png",
        "no 1.jpg",
        "no 2.png",
        "no 3.jpg",
    ]


def test_folders_in_a_class_belong_to_it(birds):
    shutil.copytree(birds / "Ägretta", birds / "Ägretta" / "juveniles")
    assert len(picture_files(birds)["Ägretta"]) == 8


def test_hidden_things_are_passed_over_and_other_files_named(birds):
    before = picture_files(birds)
    shutil.copytree(birds / "Ägretta", birds / ".cache")
    shutil.copytree(birds / "Ägretta", birds / "Ägretta" / ".thumbnails")
    (birds / "Ägretta" / "._no 0.png").write_text("")
    (birds / "README.txt").write_text("")
    assert picture_files(birds) == before
    for name in ("no 4.pdf", "no 0.png.part"):
        (birds / "Ägretta" / name).write_text("")
    total = sum(map(len, before.values())) + 2
    with pytest.warns(
        UserWarning,
        match=rf"Skipped 2 of {total} files: .*no 0.png.part: not named as a picture "
        r"\(\.jpg.*no 4.pdf",
    ):
        assert picture_files(birds) == before


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        picture_files(tmp_path / "nowhere")


def test_a_folder_without_classes_is_named(tmp_path):
    (tmp_path / "a.png").write_text("")
    with pytest.raises(ValueError, match="has no folders in it"):
        picture_files(tmp_path)


def test_an_empty_class_is_named(birds):
    (birds / "ibis").mkdir()
    (birds / "ibis" / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"\['ibis'\].*hold no picture.*\.png"):
        picture_files(birds)


def test_skipped_files_are_told_ten_at_a_time():
    with pytest.warns(UserWarning, match=r"Skipped 1 of 5 files: a\.png: cut short\."):
        warn_of_skipped([("a.png", "cut short")], 5)
    with pytest.warns(UserWarning, match="Skipped 12 of 99 .*9.png: bad; and 2 more"):
        warn_of_skipped([(f"{i}.png", "bad") for i in range(12)], 99)
    warn_of_animations([])
    warn_of_skipped([], 5)  # a warning would be an error here
