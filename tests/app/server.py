"""The command `fsl-keras app` as a process of its own."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).parents[2]
# Seconds in which the server must have started, on a machine that does other work.
PATIENCE = 600


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextlib.contextmanager
def serving(folder, *arguments):
    """Runs the command on a free port; yields its address.

    Args:
        folder: where temporary files and the cache lie.
        *arguments: further ones of the command.
    """
    port = free_port()
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(folder),
        "GRADIO_IS_E2E_TEST": "1",  # a closed page is forgotten after a second
    }
    command = [sys.executable, "-m", "fsl_keras.cli", "app", "--port", str(port)]
    log = pathlib.Path(folder) / "log.txt"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [*command, *map(str, arguments)],
            stdout=file,
            stderr=subprocess.STDOUT,
            env=environment,
        )
    address = f"http://127.0.0.1:{port}/"
    try:
        wait_for(lambda: process.poll() is not None or answers(address), log)
        ended = process.poll()
        assert ended is None, f"{ended}: {log.read_text(encoding='utf-8')}"
        yield address
    finally:
        process.terminate()
        process.wait(PATIENCE)
    printed = log.read_text(encoding="utf-8")
    assert "Traceback" not in printed, printed


def answers(address):
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE):
            return True
    except urllib.error.HTTPError as error:
        # A server that is there and refuses will not change its mind.
        raise AssertionError(f"{address}: {error.code} {error.read()}") from error
    except urllib.error.URLError:
        return False


def wait_for(condition, what):
    """Waits until a condition holds, or fails."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited for {what} in vain"
        time.sleep(0.1)
