"""Two logical CPU devices, for distribution tests without GPUs."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import pytest
import tensorflow as tf

_CPU = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    _CPU, [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(autouse=True)
def fixed_seed():
    keras.utils.set_random_seed(0)


def pytest_collection_finish():
    """Looks for cycles less often: traced graphs are millions of objects."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_addoption(parser):
    parser.addoption(
        "--exhaustive",
        action="store_true",
        help="run every combination of networks and methods",
    )


def pytest_collection_modifyitems(config, items):
    if not config.getoption("exhaustive"):
        skip = pytest.mark.skip(reason="needs --exhaustive")
        for item in items:
            if "exhaustive" in item.keywords:
                item.add_marker(skip)
    if tf.config.list_physical_devices("GPU"):
        return
    skip = pytest.mark.skip(reason="needs a GPU")
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)
