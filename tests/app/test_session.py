"""What a person does with a session, without a page."""

import contextlib
import itertools
import struct
import tempfile
import threading
import zlib

import keras
import numpy as np
import pytest

from fsl_keras.app import Limits, Session
from fsl_keras.app.pictures import PictureFolder
from fsl_keras.app.uploads import Skipped, Upload
from fsl_keras.classifier import FewShotClassifier
from tests.app.pictures import COLORS, array, encoded, png, teach_colors, uploads


def counts(session):
    names = [example.class_name for example in session.examples]
    return {name: names.count(name) for name in session.class_names}


def ids(session, class_name):
    return [example.id for example in session.examples.of_class(class_name)]


def test_a_class_is_known_after_five_pictures(taught):
    for color in COLORS:
        assert taught.predict(png(color, 99)).class_name == color
    assert counts(taught) == {"red": 5, "green": 5, "blue": 5}


def test_probabilities_with_unknown_add_up_to_one(taught):
    answer = taught.predict(png("red", 99))
    assert answer.probabilities.keys() == {*COLORS, "unknown"}
    assert sum(answer.probabilities.values()) == pytest.approx(1)


def test_unknown_is_the_largest_bar_exactly_if_the_classifier_says_so(taught):
    classifier = taught.fitted.classifier
    pictures = [array(color, seed) for color in COLORS for seed in range(50, 60)]
    pictures += [np.full((64, 64, 3), gray, "uint8") for gray in range(0, 256, 25)]
    expected = [p.class_name for p in classifier.predict_classes(pictures)]
    assert [taught.predict(picture).class_name for picture in pictures] == expected
    assert {"unknown", "red"} <= set(expected)


def test_the_classifier_is_the_one_that_adapt_makes(taught, embedder):
    pictures = [array(c, 10 * i + k) for i, c in enumerate(COLORS) for k in range(5)]
    labels = [color for color in COLORS for _ in range(5)]
    adapted = embedder.learner.adapt(pictures, labels, list(COLORS))
    queries = np.stack([array(color, 70) for color in COLORS])
    mine = taught.fitted.classifier
    np.testing.assert_allclose(
        mine.logits(mine.preprocessing(queries)),
        adapted.logits(adapted.preprocessing(queries)),
        rtol=1e-5,
    )


def test_the_same_picture_counts_once(session):
    session.teach("red", uploads("red", range(3)))
    taught = session.teach("red", uploads("red", [2, 3]))
    assert (taught.added, taught.known) == (1, 1)
    assert str(taught) == "Learned 1 picture. 1 picture known already."


def test_an_archive_teaches_the_classes_of_its_folders(session):
    pictures = [
        Upload("1.png", png(color, seed), color) for color in COLORS for seed in (0, 1)
    ]
    session.teach("", pictures)
    assert counts(session) == {"red": 2, "green": 2, "blue": 2}


def test_pictures_without_a_class_are_refused(session):
    with pytest.raises(ValueError, match="no name: enter one"):
        session.teach(" ", uploads("red", [0]))
    assert session.class_names == []
    assert not session.can_undo


def test_what_is_no_picture_is_left_out_and_named(session):
    more = [Upload("notes.txt", b"Dear diary"), Upload("empty.png", b"")]
    taught = session.teach(
        "red", uploads("red", [0]) + more, [Skipped("x.png", "too large")]
    )
    assert taught.added == 1
    assert [name for name, _ in taught.skipped] == ["x.png", "notes.txt", "empty.png"]
    assert "notes.txt: not a JPEG" in str(taught)
    with pytest.raises(ValueError, match=r"no picture to learn. notes.txt: not a"):
        session.teach("blue", more)
    with pytest.raises(ValueError, match="Choose files, or a ZIP archive"):
        session.teach("blue", [])


def test_a_photograph_of_a_hundred_megapixels_is_learned(session):
    large = encoded(np.full((10_000, 10_000, 3), 90, "uint8"), "JPEG")
    assert session.teach("gray", [Upload("large.jpg", large)]).added == 1
    assert session.examples[0].thumbnail.stat().st_size < 10_000


def test_a_picture_that_is_a_bomb_is_named(session):
    side = 60_000
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(side // 8 + 1) * side)
    bomb = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")):
        checked = kind + data
        bomb += struct.pack(">I", len(data)) + checked
        bomb += struct.pack(">I", zlib.crc32(checked))
    assert len(bomb) < 10**6
    with pytest.raises(ValueError, match="a PNG of 3600 megapixels; at most 179 are"):
        session.teach("black", [Upload("bomb.png", bomb)])


def test_classes_are_renamed_merged_and_removed(taught):
    taught.rename("red", "rouge")
    assert counts(taught) == {"rouge": 5, "green": 5, "blue": 5}
    taught.merge("rouge", "green")
    assert counts(taught) == {"green": 10, "blue": 5}
    assert taught.predict(png("red", 99)).class_name == "green"
    taught.remove_class("green")
    assert counts(taught) == {"blue": 5}
    taught.remove_class("blue")
    with pytest.raises(ValueError, match="no classes yet"):
        taught.predict(png("red", 99))


def test_single_pictures_are_removed_and_moved(taught):
    first, second, *_ = ids(taught, "red")
    taught.remove([first])
    taught.move([second], "blue")
    assert counts(taught) == {"red": 3, "green": 5, "blue": 6}


def test_every_change_is_undone(taught):
    before, logits = counts(taught), taught.predict(png("red", 9)).probabilities
    taught.rename("red", "rouge")
    taught.merge("rouge", "green")
    taught.remove(ids(taught, "blue")[:2])
    taught.teach("red", uploads("red", [77]))
    for _ in range(4):
        taught.undo()
    assert counts(taught) == before
    assert taught.predict(png("red", 9)).probabilities == logits
    for _ in range(3):
        taught.undo()
    assert counts(taught) == {}
    with pytest.raises(ValueError, match="nothing to undo"):
        taught.undo()


def test_what_changes_nothing_is_nothing_to_undo(session):
    session.teach("red", uploads("red", [0]))
    session.rename("red", "red")
    session.teach("red", uploads("red", [0]))
    session.undo()
    assert not session.can_undo


def test_changes_of_classes_embed_nothing(taught, monkeypatch):
    def fail(_):
        raise AssertionError("embedded again")

    monkeypatch.setattr(taught.embedder, "features", fail)
    taught.rename("red", "rouge")
    taught.merge("rouge", "green")
    taught.remove(ids(taught, "green")[:1])
    assert counts(taught) == {"green": 9, "blue": 5}
    taught.undo()
    assert counts(taught) == {"green": 10, "blue": 5}


def test_a_wrong_answer_is_corrected(taught):
    taught.predict(np.full((64, 64, 3), 240, "uint8"))
    taught.correct("white")
    assert taught.predict(np.full((64, 64, 3), 238, "uint8")).class_name == "white"
    taught.predict(png("red", 33))
    taught.correct("blue")
    assert counts(taught) == {"red": 5, "green": 5, "blue": 6, "white": 1}


def test_there_is_nothing_to_correct_before_a_picture(taught):
    with pytest.raises(ValueError, match="Show a picture first"):
        taught.correct("red")


def test_the_picture_that_is_shown_can_be_the_first_example(session):
    with pytest.raises(ValueError, match="no classes yet"):
        session.predict(array("red", 0))
    session.correct("red")
    assert counts(session) == {"red": 1}


def test_a_picture_that_cannot_be_read_has_no_answer(taught):
    with pytest.raises(ValueError, match="cannot be read: not a JPEG"):
        taught.predict(b"Dear diary")


def test_accuracy_and_confusions_change_with_teaching(taught):
    assert taught.fitted.report.accuracy == 1
    taught.teach("red", uploads("blue", range(60, 63)))
    assert taught.fitted.report.accuracy < 1
    report = taught.fitted.confusion
    assert report.class_names == list(COLORS)
    assert report.matrix.sum() == 18


def test_copies_and_odd_ones_out_are_marked(taught):
    copy = encoded(array("red", 0), "JPEG", quality=90)
    taught.teach("red", [Upload("copy.jpg", copy)])
    taught.teach("red", uploads("blue", [60]))
    remarks = taught.fitted.remarks()
    by_name = {e.name: remarks.get(e.id, "") for e in taught.examples}
    assert by_name["copy.jpg"] == "nearly the same as red_0.png"
    assert by_name["red_0.png"] == "nearly the same as copy.jpg"
    assert by_name["blue_60.png"].startswith("looks like blue")


def test_one_class_and_one_picture_have_no_accuracy(session):
    session.teach("red", uploads("red", [0]))
    assert "cannot be estimated" in session.fitted.report.summary()
    assert session.fitted.confusion is None
    assert session.predict(png("red", 1)).probabilities == {"red": 1.0}


def test_another_learner_learns_the_same_pictures(taught, learners):
    other = learners["simple_shot_conv4_mini_imagenet"]
    taught.use(other)
    assert counts(taught) == {"red": 5, "green": 5, "blue": 5}
    assert taught.fitted.classifier.learner is other.learner
    assert taught.predict(png("red", 99)).class_name == "red"
    taught.undo()
    assert taught.embedder is not other


def test_a_saved_classifier_is_opened_and_taught_more(taught, tmp_path, embedder):
    taught.fitted.classifier.save(tmp_path / "colors.keras")
    loaded = keras.saving.load_model(tmp_path / "colors.keras")
    session = Session(embedder, classifier=loaded)
    assert counts(session) == counts(taught)
    assert not session.can_undo
    assert (
        session.predict(png("red", 99)).probabilities
        == taught.predict(png("red", 99)).probabilities
    )
    # Its pictures are not in the file. They are known when they are taught again.
    assert session.teach("red", uploads("red", range(6))).added == 1
    session.remove_class("blue")
    session.teach("blue", uploads("blue", [1]))
    assert counts(session) == {"red": 6, "green": 5, "blue": 1}
    session.close()


def test_another_learner_needs_the_pictures(taught, learners, embedder):
    session = Session(embedder)
    session.open(taught.fitted.classifier, "saved")
    with pytest.raises(ValueError, match="15 examples of a classifier that was opened"):
        session.use(learners["simple_shot_conv4_mini_imagenet"])
    session.undo()
    assert counts(session) == {}
    session.close()


def test_learners_whose_memory_is_the_features_can_be_opened_too(session, learners):
    session.use(learners["matching_conv4_omniglot"])
    teach_colors(session)
    before = session.predict(png("red", 3)).probabilities
    session.open(session.fitted.classifier, "saved")
    assert session.predict(png("red", 3)).probabilities == before


def test_limits_of_a_session(embedder):
    session = Session(embedder, Limits(examples=2))
    with pytest.raises(ValueError, match="room for 2 pictures, and there would be 3"):
        session.teach("red", uploads("red", range(3)))
    session.close()
    session = Session(embedder, Limits(session_bytes=2**10))
    with pytest.raises(ValueError, match="more than 0 MB"):
        session.teach("red", uploads("red", range(9)))
    session.close()


def test_names_are_kept_as_they_are(session):
    name = "<script>alert(1)</script> & 'x'"
    session.teach(name, uploads("red", [0]))
    assert session.class_names == [name]
    assert session.predict(png("red", 0)).class_name == name


def test_pictures_are_kept_until_the_session_is_closed(embedder):
    session = Session(embedder)
    session.teach("red", uploads("red", range(2)))
    (first, _) = session.examples
    assert first.original.read_bytes() == png("red", 0)
    session.close()
    assert not session.folder.exists()


def test_answers_during_changes_are_of_before_or_after(taught):
    pictures = {color: png(color, 99) for color in COLORS}
    allowed = {color: {color} for color in COLORS}
    allowed["red"] = {"red", "rouge"}
    wrong, stop = [], threading.Event()

    def ask(color):
        while not stop.is_set():
            answer = taught.predict(pictures[color])
            if answer.class_name not in allowed[color]:
                wrong.append(answer)

    threads = [threading.Thread(target=ask, args=[color]) for color in COLORS]
    for thread in threads:
        thread.start()
    for seed in range(6):
        taught.rename("red", "rouge")
        taught.teach("blue", uploads("blue", [100 + seed]))
        taught.rename("rouge", "red")
    stop.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_download_is_a_classifier_of_the_package(taught, tmp_path):
    taught.fitted.classifier.save(tmp_path / "colors.keras")
    loaded = keras.saving.load_model(tmp_path / "colors.keras")
    assert isinstance(loaded, FewShotClassifier)
    assert loaded.class_names == list(COLORS)
    assert loaded.predict_classes(array("blue", 99))[0].class_name == "blue"


def test_a_session_that_is_closed_while_it_learns_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = PictureFolder()
    contents = png("red", 0)

    def write():
        with contextlib.suppress(FileNotFoundError):
            for number in itertools.count():
                folder.add(number, "a.png", contents)

    thread = threading.Thread(target=write)
    thread.start()
    while not any(folder.path.glob("9_small.jpg")):
        pass
    folder.close()
    thread.join()
    assert list(tmp_path.iterdir()) == []
