"""The standard streams of the command, without the logs of TensorFlow."""

import contextlib
import io
import logging
import os
import sys
import tempfile

from fsl_keras.imports import around_import


def prepare() -> None:
    """Prepares the streams of a process that runs the command.

    TensorFlow is silent unless `TF_CPP_MIN_LOG_LEVEL` is set.
    """
    sys.stdout, sys.stderr = _robust(sys.stdout), _robust(sys.stderr)
    if "TF_CPP_MIN_LOG_LEVEL" not in os.environ:
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        around_import("tensorflow", _without_native_logs)
        for name in ("tensorflow", "absl", "tf2onnx"):
            logging.getLogger(name).setLevel(logging.ERROR)


class _ForgivingFile(io.FileIO):
    """A file descriptor that drops output after its reader has closed the pipe."""

    def write(self, data):
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


def _robust(stream):
    """Returns a stream in UTF-8 that takes any text and may be a closed pipe."""
    if stream not in (sys.__stdout__, sys.__stderr__) or stream is None:
        return stream  # replaced, such as by a test
    how = {"encoding": "utf-8", "errors": "backslashreplace"}
    if stream.isatty():
        stream.reconfigure(**how)
        return stream
    file = _ForgivingFile(stream.fileno(), "w", closefd=False)
    buffered = io.BufferedWriter(file)
    return io.TextIOWrapper(buffered, **how, line_buffering=stream.line_buffering)


@contextlib.contextmanager
def _without_native_logs():
    """Captures the standard error of native code, and shows it only after an error.

    TensorFlow logs before it reads the log level, while its libraries are loaded.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as kept:
        os.dup2(kept.fileno(), 2)
        try:
            yield
        except BaseException:
            kept.seek(0)
            os.write(saved, kept.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)
