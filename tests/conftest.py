"""TensorFlow as all tests use it: two CPU devices, graphs made quickly."""

import contextlib
import gc
import os

# oneDNN makes kernels for every shape, and others for another processor, which
# round differently. A test of them has a process of its own.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import filelock
import keras
import numpy as np
import pytest
import tensorflow as tf

WORKER = "PYTEST_XDIST_WORKER" in os.environ
if WORKER:
    # Each of several workers has a core: more threads would only wait.
    tf.config.threading.set_intra_op_parallelism_threads(1)
# Two logical devices, for distribution tests without GPUs.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


def pytest_addoption(parser):
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="run every combination of networks and methods, in graphs that "
        "TensorFlow optimizes",
    )


def pytest_configure(config):
    """Leaves graphs as they are traced: tests run them a few times only."""
    if not config.getoption("exhaustive"):
        tf.config.optimizer.set_experimental_options(
            {"disable_meta_optimizer": True}
        )


def pytest_collection_modifyitems(config, items):
    skipped = {}
    if not config.getoption("exhaustive"):
        skipped["exhaustive"] = "needs --exhaustive"
    if not tf.config.list_physical_devices("GPU"):
        skipped["gpu"] = "needs a GPU"
    for item in items:
        for mark, reason in skipped.items():
            if mark in item.keywords:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish():
    """Looks for cycles less often: traced graphs are millions of objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="session", autouse=True)
def conversions_in_this_process():
    """Runs do not start TensorFlow once more for their files; some tests do."""
    from keras_artkd.runs import delivery

    delivery.converter_process = contextlib.nullcontext


@pytest.fixture(scope="session")
def finished_run(tmp_path_factory):
    """A `FinishedRun`, one for all processes of the tests; not to be changed.

    It has everything that a run leaves, of a method with both teachers.
    """
    from tests.runs.finished import make_or_read

    root = tmp_path_factory.getbasetemp()
    if WORKER:
        root = root.parent
    with filelock.FileLock(root / "finished_run.lock"):
        return make_or_read(root / "finished_run")


@pytest.fixture(scope="session")
def npm_files(tmp_path_factory):
    """A function: files of a package of npm, fetched once for all processes."""
    from tests.browser import unpacked

    root = tmp_path_factory.getbasetemp()
    if WORKER:
        root = root.parent

    def get(package, *members):
        name = package.replace("/", "_")
        with filelock.FileLock(root / f"{name}.lock"):
            return unpacked(package, members, root / name)

    return get


@pytest.fixture(name="short_runs")
def fixture_of_short_runs():
    """Makes runs short: not traced, not timed, no exports and no report."""
    from tests.runs.short import short_runs

    with short_runs():
        yield


@pytest.fixture
def arrays(tmp_path):
    """An .npz file of four colours, 64 images to train on and 16 to test."""
    random = np.random.default_rng(0)
    sets = {}
    for split, count in (("train", 64), ("test", 16)):
        labels = np.arange(count) % 4
        images = random.integers(0, 120, (count, 16, 16, 3))
        images[np.arange(count), :, :, labels % 3] += 60
        sets[f"x_{split}"] = images.astype("uint8")
        sets[f"y_{split}"] = labels
    np.savez(tmp_path / "colours.npz", **sets)
    return tmp_path / "colours.npz"
