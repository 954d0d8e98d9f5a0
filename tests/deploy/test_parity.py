"""A file is compared with its network, and a bad one is not kept."""

import functools

import numpy as np
import pytest

from keras_artkd.deploy import export
from tests.deploy.classifiers import INFO, make_colour_network

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), "uint8")


def test_verify_errors(classifiers):
    path = classifiers["c.tflite"]
    with pytest.raises(ValueError, match="same shape"):
        export.verify(path, IMAGES[:2], np.zeros((1, 3)))
    with pytest.raises(ValueError, match="one class index"):
        export.verify(path, IMAGES[:2], np.zeros((2, 3)), [0])


def test_gate():
    report = {"agreement": 0.97, "accuracy": 0.80}
    export.ParityGate(0.97, 0.05).check(report, 0.84)
    # Exactly at both thresholds, where floats would say otherwise.
    export.ParityGate(0.97, 0.01).check(report, 0.81)
    export.ParityGate(0.95, 0.01).check(
        {"agreement": 0.95, "accuracy": 0.84}, 0.85
    )
    with pytest.raises(ValueError, match="80.00%, 5.00% below.*than 1.00%"):
        export.ParityGate(0.95, 0.01).check(report, 0.85)
    with pytest.raises(ValueError, match="97.00%, less than 98.00%"):
        export.ParityGate(0.98, 0.01).check(report, 0.80)
    with pytest.raises(ValueError, match="min_agreement=95"):
        export.ParityGate(95)


def test_a_file_that_falls_short_is_not_kept(tmp_path):
    network = make_colour_network()
    path = tmp_path / "c.onnx"
    deliver = functools.partial(
        export.deliver,
        functools.partial(export.export_onnx, network),
        path,
        lambda report: INFO,
        IMAGES,
    )
    logits = network.predict(IMAGES.astype("float32"), verbose=0)
    labels = logits.argmax(axis=1)
    path.write_text("what was there before")
    with pytest.raises(ValueError, match="not kept: it agrees .* on 0.00%"):
        deliver(np.roll(logits, 1, axis=1), labels, export.ParityGate())
    assert path.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [path]
    # Without a gate it is measured all the same.
    assert deliver(np.roll(logits, 1, axis=1), labels)["agreement"] == 0.0
    report = deliver(logits, labels, export.ParityGate())
    assert report["agreement"] == report["accuracy"] == 1.0
    assert report["size_bytes"] == path.stat().st_size
