import os
import shutil
import unicodedata

import pytest
from PIL import Image

from fsl_keras.datasets.folders import (
    class_files,
    files_by_class,
    warn_of_animations,
    warn_of_skipped,
)
from tests.datasets.conftest import picture


def save(path):
    """Writes an image, and the folders it lies in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(0)).save(path)
    return path


def relative(files, folder):
    """The files of each class as strings below a folder."""
    return {
        name: [str(path.relative_to(folder)) for path in paths]
        for name, paths in files.items()
    }


def test_each_folder_is_a_class(birds):
    files = files_by_class(birds)
    assert list(files) == ["grey heron", "Ägretta", "цапля 鷺"]
    assert [path.name for path in files["Ägretta"]] == [
        "no 0.png",
        "no 1.jpg",
        "no 2.png",
        "no 3.jpg",
    ]


def test_the_home_folder_is_known(birds, monkeypatch):
    monkeypatch.setenv("HOME", str(birds.parent))
    assert files_by_class("~/birds") == files_by_class(birds)
    assert class_files("~/birds/Ägretta") == files_by_class(birds)["Ägretta"]


def test_folders_in_a_class_belong_to_it(birds):
    shutil.copytree(birds / "Ägretta", birds / "Ägretta" / "juveniles")
    assert len(files_by_class(birds)["Ägretta"]) == 8
    assert len(class_files(birds)) == 16


def test_hidden_things_are_passed_over_and_other_files_named(birds):
    before = files_by_class(birds)
    shutil.copytree(birds / "Ägretta", birds / ".cache")
    shutil.copytree(birds / "Ägretta", birds / "Ägretta" / ".thumbnails")
    (birds / "Ägretta" / "._no 0.png").write_text("")
    (birds / "README.txt").write_text("")
    assert files_by_class(birds) == before
    for name in ("no 4.hex", "no 0.png.part"):
        (birds / "Ägretta" / name).write_text("")
    total = sum(map(len, before.values())) + 2
    with pytest.warns(
        UserWarning,
        match=rf"Skipped 2 of {total} files: .*no 0.png.part: not named as an image; "
        r".*no 4.hex: not named as an image\.$",
    ):
        assert files_by_class(birds) == before


@pytest.mark.parametrize(
    "name",
    [
        "__MACOSX",
        "@eaDir",
        "#recycle",
        "$RECYCLE.BIN",
        "lost+found",
        "System Volume Information",
        ".ipynb_checkpoints",
        ".Trash-1000",
    ],
)
def test_folders_that_systems_leave_are_passed_over(birds, name):
    before = files_by_class(birds)
    (birds / name).mkdir()
    assert files_by_class(birds) == before
    shutil.copytree(birds / "Ägretta", birds / "Ägretta" / name)
    shutil.copytree(birds / "Ägretta", birds / name / "Ägretta")
    assert files_by_class(birds) == before
    assert class_files(birds / "Ägretta") == before["Ägretta"]


@pytest.mark.parametrize(
    "name", ["Thumbs.db", "desktop.ini", ".DS_Store", "._no 1.jpg"]
)
def test_files_that_systems_leave_are_passed_over(birds, name):
    before = files_by_class(birds)
    (birds / name).write_bytes(b"\xff\xd8\xff")
    (birds / "Ägretta" / name).write_bytes(b"\xff\xd8\xff")
    assert files_by_class(birds) == before


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "bmp", "webp"])
def test_a_file_without_suffix_is_recognized_by_its_bytes(birds, kind):
    Image.fromarray(picture(7)).save(birds / "Ägretta" / "IMG_0001", kind)
    names = [path.name for path in files_by_class(birds)["Ägretta"]]
    assert names[0] == "IMG_0001"
    assert len(names) == 5


def test_a_text_without_suffix_is_no_image(birds):
    (birds / "Ägretta" / "LICENSE").write_text("None")
    with pytest.warns(UserWarning, match="Skipped 1 of 13 files: .*LICENSE: not named"):
        assert len(files_by_class(birds)["Ägretta"]) == 4


def test_links_are_followed(birds, tmp_path):
    elsewhere = save(tmp_path / "elsewhere" / "a.png").parent
    (birds / "ibis").symlink_to(elsewhere)
    (birds / "Ägretta" / "more").symlink_to(elsewhere)
    (birds / "Ägretta" / "one.png").symlink_to(elsewhere / "a.png")
    files = relative(files_by_class(birds), birds)
    assert files["ibis"] == ["ibis/a.png"]
    assert files["Ägretta"][:1] == ["Ägretta/more/a.png"]
    assert files["Ägretta"][-1:] == ["Ägretta/one.png"]


def test_links_that_form_a_loop_are_followed_once(birds):
    before = files_by_class(birds)
    (birds / "Ägretta" / "loop").symlink_to(birds / "Ägretta")
    (birds / "Ägretta" / "deep").mkdir()
    (birds / "Ägretta" / "deep" / "up").symlink_to(birds / "Ägretta" / "deep")
    assert files_by_class(birds) == before


def test_a_link_to_nothing_is_named(birds):
    (birds / "Ägretta" / "gone.png").symlink_to(birds / "nowhere.png")
    with pytest.warns(UserWarning, match=r"gone\.png: a link to nothing"):
        assert len(files_by_class(birds)["Ägretta"]) == 4


def test_a_pipe_is_named_and_not_read(birds):
    os.mkfifo(birds / "Ägretta" / "pipe.png")
    os.mkfifo(birds / "Ägretta" / "pipe")
    named = r"Skipped 2 of 14 .*pipe: not a regular file.*pipe\.png: not a regular file"
    with pytest.warns(UserWarning, match=named):
        assert len(files_by_class(birds)["Ägretta"]) == 4


def test_images_outside_of_class_folders_are_named(birds):
    save(birds / "group.jpg")
    with pytest.warns(
        UserWarning, match=r"Skipped 1 of 13 .*group\.jpg: not in a class folder"
    ):
        files_by_class(birds)


@pytest.mark.parametrize("splits", [("train", "val"), ("Test", "Valid"), ("images",)])
def test_the_parts_of_a_data_set_are_no_classes(birds, tmp_path, splits):
    for split in splits:
        shutil.copytree(birds, tmp_path / "photos" / split)
    (tmp_path / "photos" / "__MACOSX").mkdir()
    first = tmp_path / "photos" / sorted(splits)[0]
    with pytest.raises(ValueError, match=f"Did you mean {first}\\?"):
        files_by_class(tmp_path / "photos")
    assert relative(files_by_class(first), first) == relative(
        files_by_class(birds), birds
    )


def test_a_part_without_class_folders_does_not_hide_the_others(birds, tmp_path):
    shutil.copytree(birds, tmp_path / "photos" / "train")
    save(tmp_path / "photos" / "test" / "a.png")
    with pytest.raises(ValueError, match=r"holds test, train, .*Did you mean .*train"):
        files_by_class(tmp_path / "photos")


def test_of_the_parts_of_a_data_set_the_training_part_is_named(birds, tmp_path):
    for split in ("test", "train"):
        shutil.copytree(birds, tmp_path / "photos" / split)
    with pytest.raises(ValueError, match=r"Did you mean .*photos/train\?"):
        files_by_class(tmp_path / "photos")


def test_one_folder_around_the_classes_is_no_class(birds, tmp_path):
    shutil.move(birds, tmp_path / "photos" / "birds")
    with pytest.raises(ValueError, match=r"Did you mean .*photos/birds"):
        files_by_class(tmp_path / "photos")


def test_classes_may_be_called_like_the_parts_of_a_data_set(tmp_path):
    for name in ("car/a.png", "plane/a.png", "train/steam/a.png", "train/fast/a.png"):
        save(tmp_path / name)
    assert list(files_by_class(tmp_path)) == ["car", "plane", "train"]
    for name in ("train", "test"):
        save(tmp_path / "flat" / name / "a.png")
    assert list(files_by_class(tmp_path / "flat")) == ["test", "train"]


def test_one_class_may_lie_one_folder_deeper(tmp_path):
    save(tmp_path / "heron" / "2026" / "a.png")
    assert len(files_by_class(tmp_path)["heron"]) == 1


def test_names_of_one_spelling_in_two_unicode_forms_are_one_class(tmp_path):
    for form in ("NFC", "NFD"):
        save(tmp_path / unicodedata.normalize(form, "Ägretta") / f"{form}.png")
    (files,) = files_by_class(tmp_path).items()
    assert files[0] == unicodedata.normalize("NFC", "Ägretta")
    assert sorted(path.name for path in files[1]) == ["NFC.png", "NFD.png"]


def test_names_that_differ_in_case_are_named(tmp_path):
    for name in ("Heron", "egret", "heron"):
        save(tmp_path / name / "a.png")
    with pytest.warns(UserWarning, match=r"only in case.*\['Heron', 'heron'\]"):
        assert list(files_by_class(tmp_path)) == ["Heron", "egret", "heron"]


def test_names_that_differ_by_blanks_are_refused(tmp_path):
    for name in ("heron", "heron "):
        save(tmp_path / name / "a.png")
    with pytest.raises(ValueError, match="'heron' and 'heron ' differ only by blanks"):
        files_by_class(tmp_path)


def test_a_missing_folder_is_named(tmp_path):
    for read in (files_by_class, class_files):
        with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
            read(tmp_path / "nowhere")


def test_a_folder_without_classes_is_named(tmp_path):
    (tmp_path / "a.png").write_text("")
    with pytest.raises(ValueError, match="holds no folders"):
        files_by_class(tmp_path)


def test_an_empty_class_is_named(birds):
    (birds / "ibis").mkdir()
    (birds / "ibis" / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"\['ibis'\].*hold no image.*\.png"):
        files_by_class(birds)
    with pytest.raises(ValueError, match="ibis holds no image"):
        class_files(birds / "ibis")


def test_skipped_files_are_named_ten_at_a_time():
    with pytest.warns(UserWarning, match=r"Skipped 1 of 5 files: a\.png: cut short\."):
        warn_of_skipped([("a.png", "cut short")], 5)
    with pytest.warns(UserWarning, match="Skipped 12 of 99 .*9.png: bad; and 2 more"):
        warn_of_skipped([(f"{i}.png", "bad") for i in range(12)], 99)
    warn_of_animations([])
    warn_of_skipped([], 5)  # a warning would be an error here
