"""Serves the page."""

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import socket
from collections.abc import Callable, Iterator

from fsl_keras.app.learners import Learners
from fsl_keras.files.temporary import TemporaryFolder
from fsl_keras.typing import Model

# The maximum size of an uploaded file, which may be an archive.
MAX_FILE_SIZE = "200mb"
# The number of people whose sessions are kept, those who came back last.
MOST_SESSIONS = 100
# Predictions and changes that run at a time; more wait in a queue.
AT_A_TIME = 4
# Seconds in which requests must end when the server is stopped.
STOP_WITHIN = 2
LOCAL = "127.0.0.1"


def serve(
    learners: Learners,
    classifier: Model | None = None,
    name: str = "that of the classifier",
    host: str = LOCAL,
    port: int = 7860,
    on_start: Callable[[], None] = lambda: None,
) -> None:
    """Serves the page until it is interrupted.

    Uploads are in a temporary folder, which is removed at the end.

    Args:
        learners: `Learners` that are offered.
        classifier: optional `FewShotClassifier`, with which each session begins.
        name: string, the name of its learner for people.
        host: string, the address to listen on.
        port: integer.
        on_start: function that is called when the learner is loaded.

    Raises:
        ImportError: if Gradio is not installed.
        OSError: if the address cannot be listened on.
    """
    check_free(host, port)
    # Services are ended by this signal. Files are removed then as after Ctrl+C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with _temporary_folder():
        try:
            # Gradio reads variables of the environment when it is imported.
            import fastapi
            import gradio
            import uvicorn
        except ImportError as error:
            raise ImportError(
                'The page needs Gradio: pip install "fsl-keras[app]"'
            ) from error
        from fsl_keras.app import handlers, page

        learners[learners.names[0]]  # before the first person has to wait for it
        blocks = page.build(handlers.Handlers(learners, classifier, name))
        blocks.queue(default_concurrency_limit=AT_A_TIME, api_open=False)
        blocks.state_session_capacity = MOST_SESSIONS
        application = gradio.mount_gradio_app(
            fastapi.FastAPI(),
            blocks,
            path="/",
            server_name=host,
            server_port=port,
            show_error=False,
            max_file_size=MAX_FILE_SIZE,
            footer_links=[],
            run_history=False,
            ssr_mode=False,
            **page.look(),
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)
        on_start()
        # Not `launch`, which asks its own server first, and gives up if that is slow.
        uvicorn.run(
            application,
            host=host,
            port=port,
            log_level="warning",
            timeout_graceful_shutdown=STOP_WITHIN,
        )


def _is_no_cancellation(record):
    """Returns whether a message is not of a request that the end of the server cut."""
    error = record.exc_info and record.exc_info[1]
    return not isinstance(error, asyncio.CancelledError)


def is_local(host: str) -> bool:
    """Returns whether an address is reached from this machine alone.

    Example:

    >>> is_local("127.0.0.1"), is_local("0.0.0.0")
    (True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_free(host: str, port: int) -> None:
    """Raises an error if a port cannot be listened on.

    Raises:
        OSError: if it is taken, or the address is not one of this machine.
    """
    try:
        with socket.create_server((host, port)):
            pass
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise OSError(
            f"The page cannot be served at {host}:{port} ({reason}). Choose another "
            f"port with --port, or another address with --host."
        ) from error


@contextlib.contextmanager
def _temporary_folder() -> Iterator[None]:
    """A context in which Gradio keeps uploads in a folder that is removed after it."""
    with TemporaryFolder("uploads") as folder:
        os.environ["GRADIO_TEMP_DIR"] = str(folder)
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        yield
