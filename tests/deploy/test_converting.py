"""The converter's own process: what it says, and how it may end."""

import os
import signal

import keras
import numpy as np
import pytest

from keras_artkd.deploy.export import export_tflite
from keras_artkd.deploy.formats import converting
from tests.deploy.networks import flat_network


@pytest.mark.parametrize(
    "quantize", [pytest.param("none", marks=pytest.mark.exhaustive), "int8"]
)
def test_files_are_those_of_this_process(tmp_path, quantize, monkeypatch):
    """Also where the process alone has TensorFlow, as in a run by JAX."""
    network = flat_network()
    here, there, by_jax = (tmp_path / f"{i}.tflite" for i in range(3))
    shape = (8, *network.input_shape[1:])
    images = np.random.default_rng(0).integers(0, 256, shape, "uint8")
    export_tflite(network, here, quantize, images)
    with converting.converter_process():
        export_tflite(network, there, quantize, images)
        assert converting._worker.get()._process.poll() is None
        monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
        export_tflite(network, by_jax, quantize, images)
    assert there.read_bytes() == here.read_bytes()
    assert by_jax.read_bytes() == here.read_bytes()


# The processes of the tests below convert nothing: without TensorFlow they
# start in a moment.
PROGRAM = """
import os, signal, sys
from keras_artkd.deploy.formats import converting

def task(folder, path, quantize):
    if folder == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if folder == "ended":
        os._exit(3)
    if folder == "refused":
        raise KeyError("no such operation")

converting.import_tensorflow = lambda: None
converting._convert = task
converting.serve(int(sys.argv[1]))
"""


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr(converting, "_SERVE", PROGRAM)
    with converting.converter_process():
        yield converting._worker.get()


def test_an_error_comes_back_with_its_type(worker):
    with pytest.raises(
        converting.ConversionError, match="^KeyError: 'no such operation'$"
    ):
        worker.run("convert", "refused", "", "none")
    # It goes on.
    worker.run("convert", "", "", "none")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("killed", "was ended by SIGKILL, as for lack of memory"),
        ("ended", "ended with status 3"),
    ],
)
def test_a_process_that_ends_is_an_error_and_another_starts(
    worker, how, message
):
    with pytest.raises(converting.ConversionError, match=message):
        worker.run("convert", how, "", "none")
    worker.run("convert", "", "", "none")


def test_it_ends_with_what_it_was_started_for(monkeypatch):
    monkeypatch.setattr(converting, "_SERVE", PROGRAM)
    with pytest.raises(ValueError), converting.converter_process():
        worker = converting._worker.get()
        worker.run("convert", "", "", "none")
        pid = worker._process.pid
        raise ValueError
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIG_DFL)
    assert converting._worker.get() is None
