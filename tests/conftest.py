"""What all tests share: where real data lies, and a cache of their own."""

import contextlib
import gc
import importlib
import io
import os
import pathlib
import sys
import tempfile
import urllib.request
import warnings

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# A graph of a test runs a few times on little: making it fast takes longer than it
# saves. One thread each, as there is a worker for each core.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")
# Before the package is imported, so that no test reads a cache of an older version.
# The workers of a parallel run share the one of the process that started them.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["FSL_KERAS_HOME"] = tempfile.mkdtemp(prefix="fsl-keras-tests-")
# Before a test file imports TensorFlow, as it turns on oneDNN.
importlib.import_module("fsl_keras")


# The tests in these folders compare numbers that an optimizer of graphs may change.
PRODUCTION_GRAPHS = ("classifier/exporting", "images", "layers")


def pytest_collection_modifyitems(items):
    folders = [pathlib.Path(__file__).parent / name for name in PRODUCTION_GRAPHS]
    for item in items:
        if any(folder in item.path.parents for folder in folders):
            item.add_marker("production_graphs")


def pytest_collection_finish():
    _rewrite_graphs(False)
    # What importing made stays to the end: no collection need look at it again.
    gc.collect()
    gc.freeze()


def pytest_runtest_setup(item):
    if item.get_closest_marker("production_graphs"):
        _rewrite_graphs(True)


def pytest_runtest_teardown(item):
    if item.get_closest_marker("production_graphs"):
        _rewrite_graphs(False)


def _rewrite_graphs(enabled):
    """Turns TensorFlow's optimizer of graphs on or off, which users have on."""
    import tensorflow as tf

    options = {"disable_meta_optimizer": not enabled}
    tf.config.optimizer.set_experimental_options(options)


@pytest.fixture
def no_network(monkeypatch):
    """Every download is refused, as by a machine without a network."""
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://localhost:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    # The first download of a process keeps the proxies that it found. Later ones must
    # not use these, and this one none of before.
    monkeypatch.setattr(urllib.request, "_opener", None)


@pytest.fixture(scope="session")
def omniglot_dir():
    """The folder of prepared TensorFlow Datasets that holds Omniglot."""
    folder = os.environ.get("TFDS_DATA_DIR")
    if not folder or not pathlib.Path(folder, "omniglot").is_dir():
        pytest.skip("needs Omniglot as TensorFlow Datasets prepares it: TFDS_DATA_DIR")
    return folder


@pytest.fixture(scope="session")
def data_dir():
    """The folder of real data that is not part of the package."""
    folder = os.environ.get("FSL_KERAS_DATA")
    if not folder or not pathlib.Path(folder).is_dir():
        pytest.skip("needs a folder of real data: FSL_KERAS_DATA")
    return pathlib.Path(folder)


@pytest.fixture(scope="session")
def run_cli():
    """Runs the command in this process: its exit status, output and errors."""
    from fsl_keras import cli

    def run(*arguments):
        out, err = io.StringIO(), io.StringIO()
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            warnings.catch_warnings(),
        ):
            patch.setattr(sys, "argv", ["fsl-keras", *map(str, arguments)])
            # `main` turns warnings into lines, and quiets TensorFlow by a variable.
            patch.setenv("TF_CPP_MIN_LOG_LEVEL", "2")
            patch.setattr(warnings, "showwarning", warnings.showwarning)
            warnings.simplefilter("always")
            with pytest.raises(SystemExit) as stop:
                cli.main()
        return stop.value.code or 0, out.getvalue(), err.getvalue()

    return run
