"""The command `fsl-keras app`, and what programs call."""

import socket
import threading

import pytest

from fsl_keras.app.serving import check_free, is_local
from tests.app.pictures import COLORS, png, write_archive
from tests.app.server import PATIENCE, serving
from tests.app.texts import QUESTIONS

client = pytest.importorskip("gradio_client", reason="needs the extra app")


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with serving(folder) as address:
        yield address
    assert list(folder.glob("fsl-keras-*")) == []


def connected(address):
    """A client that is patient with a machine that does other work."""
    return client.Client(address, verbose=False, httpx_kwargs={"timeout": PATIENCE})


@pytest.fixture
def program(address):
    return connected(address)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """A ZIP file of a folder for each color."""
    files = {
        f"{color}/{i}.png": png(color, 10 * number + i)
        for number, color in enumerate(COLORS)
        for i in range(5)
    }
    return write_archive(tmp_path_factory.mktemp("archive") / "colors.zip", files)


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    """A file of each color."""
    folder = tmp_path_factory.mktemp("queries")
    for color in COLORS:
        (folder / f"{color}.png").write_bytes(png(color, 99))
    return {color: client.handle_file(folder / f"{color}.png") for color in COLORS}


def test_two_endpoints_are_for_programs(program):
    endpoints = program.view_api(return_format="dict")["named_endpoints"]
    assert endpoints.keys() == {"/predict", "/teach"}


def test_a_program_teaches_and_asks(program, archive, queries):
    told = program.predict("", [client.handle_file(archive)], api_name="/teach")
    assert told == {
        "message": "Learned 15 pictures.",
        "classes": dict.fromkeys(COLORS, 5),
        "accuracy": 1.0,
    }
    for color, query in queries.items():
        answer = program.predict(query, api_name="/predict")
        assert answer["label"] == color
        bars = {bar["label"]: bar["confidence"] for bar in answer["confidences"]}
        assert bars.keys() == {*COLORS, "unknown"}
        assert sum(bars.values()) == pytest.approx(1)


def test_programs_keep_apart(address, archive, queries):
    first, second = (connected(address) for _ in range(2))
    first.predict("", [client.handle_file(archive)], api_name="/teach")
    with pytest.raises(ValueError, match="no classes yet"):
        second.predict(queries["red"], api_name="/predict")


def test_a_program_is_told_what_is_wrong(program, tmp_path):
    path = tmp_path / "diary.png"
    path.write_bytes(b"Dear diary")
    files = [client.handle_file(path)]
    with pytest.raises(ValueError, match=r"diary\.png: not a JPEG"):
        program.predict("red", files, api_name="/teach")
    with pytest.raises(ValueError, match="has no name"):
        program.predict(" ", files, api_name="/teach")


def test_a_program_teaches_texts(program):
    for name, questions in QUESTIONS.items():
        told = program.predict(name, texts=questions, api_name="/teach")
    assert told["message"] == "Learned 5 texts."
    assert told["classes"] == dict.fromkeys(QUESTIONS, 5)
    answer = program.predict(text="where is the card", api_name="/predict")
    assert answer["label"] == "card"
    bars = {bar["label"]: bar["confidence"] for bar in answer["confidences"]}
    assert bars.keys() == {*QUESTIONS, "unknown"}


def test_programs_give_what_the_session_learns(program, archive, queries):
    with pytest.raises(ValueError, match="`texts` must be a list of strings"):
        program.predict("card", texts="where is my card", api_name="/teach")
    with pytest.raises(ValueError, match="Give an image or a text, and not both"):
        program.predict(api_name="/predict")
    program.predict("", [client.handle_file(archive)], api_name="/teach")
    with pytest.raises(ValueError, match="takes texts, and the classes here are of"):
        program.predict("card", texts=["where is my card"], api_name="/teach")
    with pytest.raises(ValueError, match="are of pictures, and this is no picture"):
        program.predict(text="/etc/hostname", api_name="/predict")


def test_eight_programs_at_once_get_right_answers(address, archive, queries):
    wrong = []

    def ask(color):
        program = connected(address)
        program.predict("", [client.handle_file(archive)], api_name="/teach")
        for _ in range(3):
            label = program.predict(queries[color], api_name="/predict")["label"]
            if label != color:
                wrong.append((color, label))

    colors = [*COLORS] * 3
    threads = [threading.Thread(target=ask, args=[color]) for color in colors[:8]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_port_that_is_taken(run_cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = run_cli("app", "--port", port)
    assert status == 1
    assert f"cannot be served at 127.0.0.1:{port} (Address already in use)" in err
    assert "--port" in err
    check_free("127.0.0.1", port)


def test_a_classifier_that_is_none(run_cli, tmp_path):
    status, _, err = run_cli("app", tmp_path / "gone.keras", "--port", 8765)
    assert status == 1
    assert "There is no file" in err


def test_which_addresses_are_of_this_machine():
    assert is_local("localhost")
    assert is_local("::1")
    assert not is_local("0.0.0.0")
    assert not is_local("example")
