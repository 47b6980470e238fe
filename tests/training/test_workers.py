"""Who the workers of `TF_CONFIG` are, and how they meet before they train."""

import concurrent.futures
import json
import socket

import pytest

from fsl_keras.training.workers import Workers

CLUSTER = {"worker": ["localhost:2222", "localhost:2223"]}


@pytest.fixture
def given(monkeypatch):
    def set_config(config):
        text = config if isinstance(config, str) else json.dumps(config)
        monkeypatch.setenv("TF_CONFIG", text)

    return set_config


def free_port():
    with socket.create_server(("localhost", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def pair():
    addresses = tuple(f"localhost:{free_port()}" for _ in range(2))
    return [Workers(addresses, number) for number in range(2)]


def outcomes(workers, facts, seconds=20.0):
    """What each worker is told as they meet: an error, or None."""

    def meet(worker, known):
        try:
            worker.meet(known, seconds)
        except ValueError as error:
            return str(error)
        return None

    with concurrent.futures.ThreadPoolExecutor() as pool:
        return list(pool.map(meet, workers, facts))


def test_the_chief_comes_first(given):
    task = {"type": "worker", "index": 1}
    given({"cluster": {**CLUSTER, "chief": ["[::1]:2221"]}, "task": task})
    workers = Workers.from_environment()
    assert workers.addresses == ("[::1]:2221", *CLUSTER["worker"])
    assert workers.number == 2
    assert not workers.is_chief
    given({"cluster": CLUSTER, "task": {"type": "worker", "index": 0}})
    assert Workers.from_environment().is_chief


@pytest.mark.parametrize(
    "config",
    ["{}", {"cluster": {"worker": ["localhost:2222"]}}, {"task": {"index": 0}}],
)
def test_one_worker_trains_as_without_the_variable(given, config):
    given(config)
    assert Workers.from_environment() is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("", "JSONDecodeError"),
        ("{cluster", "JSONDecodeError"),
        ("[1]", "AttributeError"),
        ({"cluster": CLUSTER}, "KeyError: 'task'"),
        ({"cluster": CLUSTER, "task": {"type": "worker", "index": 2}}, "no task"),
        ({"cluster": {**CLUSTER, "ps": ["h:1"]}}, r"jobs \['ps'\]"),
        (
            {
                "cluster": {"worker": ["localhost", "localhost:2"]},
                "task": {"type": "worker", "index": 0},
            },
            "host:port, and not 'localhost'",
        ),
    ],
)
def test_a_variable_with_a_mistake(given, config, message):
    given(config)
    with pytest.raises(ValueError, match=f"variable TF_CONFIG must .*{message}"):
        Workers.from_environment()


def test_workers_that_know_the_same(pair):
    assert outcomes(pair, [{"version": "3", "steps": [1, 2]}] * 2) == [None, None]


def test_workers_that_differ_are_told_in_what(pair):
    facts = [{"train.ways": 5, "seed": 0}, {"train.ways": 7, "seed": 0}]
    one, other = outcomes(pair, facts)
    assert "train.ways is 5 for worker 0 and 7 for worker 1" in one
    assert one == other


def test_an_absent_worker_is_named(pair):
    (error,) = outcomes(pair[:1], [{}], seconds=0.3)
    assert "1 of 2 workers did not come in 0.3 seconds: worker 1 at " in error
    assert pair[0].addresses[1] in error


def test_an_absent_chief_is_named(pair):
    (error,) = outcomes(pair[1:], [{}], seconds=0.3)
    assert f"The chief at {pair[0].addresses[0]} did not answer" in error


def test_two_processes_with_the_same_number(pair):
    same = Workers(pair[0].addresses, 0)
    port = int(same.addresses[0].split(":")[1])
    taken = socket.create_server(("", port))
    with taken, pytest.raises(OSError, match="in use"):
        same.meet({}, 1)


def test_a_stranger_at_the_port_is_ignored(pair):
    host, port = pair[0].addresses[0].split(":")

    def knock():
        while True:
            try:
                connection = socket.create_connection((host, int(port)), timeout=5)
                break
            except OSError:
                continue
        with connection:
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n")

    with concurrent.futures.ThreadPoolExecutor() as pool:
        chief = pool.submit(pair[0].meet, {}, 20)
        pool.submit(knock).result()
        pool.submit(pair[1].meet, {}, 20).result()
        chief.result()
