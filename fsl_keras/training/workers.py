"""The workers of a run: who they are, and that all are there and alike."""

import contextlib
import dataclasses
import json
import os
import socket
import time
from collections.abc import Mapping
from typing import Any, Self

VARIABLE = "TF_CONFIG"
# How long workers wait for one another at the start, in seconds.
WAIT = 300.0
# The longest message, in characters, and the time that one may take, in seconds.
LONGEST, MESSAGE = 2**20, 5.0


@dataclasses.dataclass(frozen=True)
class Workers:
    """The workers that train together, and which of them this process is.

    Args:
        addresses: tuple of strings `"host:port"`, that of the chief first.
        number: integer, the place of this process in `addresses`.
    """

    addresses: tuple[str, ...]
    number: int

    @classmethod
    def from_environment(cls) -> Self | None:
        """Returns the workers that `TF_CONFIG` names, or None if there is one at most.

        Raises:
            ValueError: if the variable does not have the form that TensorFlow reads.
        """
        text = os.environ.get(VARIABLE)
        if text is None:
            return None
        try:
            return cls._of(json.loads(text))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"The environment variable {VARIABLE} must name the workers and which "
                f"of them this process is, as JSON such as "
                f'{{"cluster": {{"worker": ["host1:2222", "host2:2222"]}}, '
                f'"task": {{"type": "worker", "index": 0}}}}. Remove it to train '
                f"without other workers. Received: {text!r} "
                f"({type(error).__name__}: {error})"
            ) from error

    @classmethod
    def _of(cls, config):
        cluster = dict(config.get("cluster", {}))
        places = [
            (job, index)
            for job in ("chief", "worker")
            for index in range(len(cluster.get(job, ())))
        ]
        others = sorted(cluster.keys() - {"chief", "worker"})
        if others:
            raise ValueError(f"there are jobs {others}, and only workers train")
        if len(places) < 2:
            return None
        task = config["task"]["type"], int(config["task"]["index"])
        if task not in places:
            raise ValueError(f"the cluster has no task {task}")
        addresses = tuple(str(cluster[job][index]) for job, index in places)
        for address in addresses:
            _parts(address)
        return cls(addresses, places.index(task))

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files of the run."""
        return self.number == 0

    def meet(self, facts: Mapping[str, Any], seconds: float = WAIT) -> None:
        """Waits until all workers are there, and compares what they know.

        TensorFlow waits without limit, so this comes before it. The chief listens at
        its address, which TensorFlow uses afterwards.

        Args:
            facts: dictionary of JSON values that must be the same for all workers.
            seconds: float, how long to wait.

        Raises:
            ValueError: if workers are missing after this time, or a fact differs.
        """
        deadline = time.monotonic() + seconds
        own = {"number": self.number, "facts": dict(facts)}
        if self.is_chief:
            error = self._received(own, deadline, seconds)
        else:
            error = self._answer(own, deadline, seconds)
        if error:
            raise ValueError(error)

    def _received(self, own, deadline, seconds):
        """Collects the facts of the other workers, and tells them the result."""
        found, lines = {0: own["facts"]}, []
        with contextlib.ExitStack() as stack:
            port = _parts(self.addresses[0])[1]
            server = stack.enter_context(socket.create_server(("", port)))
            while len(found) < len(self.addresses):
                server.settimeout(max(deadline - time.monotonic(), 1e-3))
                try:
                    connection = stack.enter_context(server.accept()[0])
                except TimeoutError:
                    break
                connection.settimeout(MESSAGE)
                line = connection.makefile("rw", encoding="utf-8")
                message = _message(stack.enter_context(line))
                if message is not None:
                    lines.append(line)
                    found[message["number"]] = message["facts"]
            error = self._missing(found, seconds) or _difference(found)
            for line in lines:
                _send(line, {"error": error})
        return error

    def _answer(self, own, deadline, seconds):
        """Sends the facts of this worker to the chief, and returns its answer."""
        chief = self.addresses[0]
        while True:
            try:
                connection = socket.create_connection(_parts(chief), timeout=1)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    return (
                        f"The chief at {chief} did not answer in {seconds:g} seconds: "
                        f"{error}. Start all workers at about the same time, with the "
                        f"same addresses in {VARIABLE}."
                    )
                time.sleep(0.2)
        # The chief answers when its own time is over, if not before.
        connection.settimeout(seconds + 10)
        with connection, connection.makefile("rw", encoding="utf-8") as line:
            _send(line, own)
            answer = _message(line)
        if answer is None:
            return f"The chief at {chief} ended before all workers were there."
        return answer["error"]

    def _missing(self, found, seconds):
        absent = [
            f"worker {number} at {address}"
            for number, address in enumerate(self.addresses)
            if number not in found
        ]
        if not absent:
            return None
        return (
            f"{len(absent)} of {len(self.addresses)} workers did not come in "
            f"{seconds:g} seconds: {', '.join(absent)}. Start all workers at about the "
            f"same time, with the same addresses in {VARIABLE} and another index each."
        )


def _difference(found):
    """Returns an error that names a fact that differs among workers, or None."""
    chief = found[0]
    for number, facts in sorted(found.items()):
        for name in sorted(chief.keys() | facts.keys()):
            one, other = chief.get(name), facts.get(name)
            if one != other:
                return (
                    f"All workers must train the same run with the same versions: "
                    f"{name} is {one!r} for worker 0 and {other!r} for worker "
                    f"{number}."
                )
    return None


def _parts(address):
    host, _, port = address.rpartition(":")
    if not host:
        raise ValueError(f"an address is host:port, and not {address!r}")
    return host.strip("[]"), int(port)


def _send(line, message):
    line.write(json.dumps(message) + "\n")
    line.flush()


def _message(line):
    """Returns the message of another worker, or None where it is none."""
    try:
        return json.loads(line.readline(LONGEST))
    except (OSError, ValueError):
        return None
