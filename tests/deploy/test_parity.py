"""A file is compared with its network, and a bad one is not kept."""

import functools

import numpy as np
import pytest

from keras_artkd.deploy import export
from keras_artkd.deploy.formats import open_model
from tests.deploy.classifiers import INFO, make_colour_network

IMAGES = np.random.default_rng(0).integers(0, 256, (8, 8, 8, 3), "uint8")


def test_verify_errors(classifiers):
    path = classifiers["c.tflite"]
    with pytest.raises(ValueError, match="same shape"):
        export.verify(path, IMAGES[:2], np.zeros((1, 3)))
    with pytest.raises(ValueError, match="one class index"):
        export.verify(path, IMAGES[:2], np.zeros((2, 3)), [0])


def report_of(agree, drop, agree_high=None, drop_low=None):
    """What `verify` measures; by default as if of very many images."""
    low = drop if drop_low is None else drop_low
    return {
        "agreement": agree,
        "agreement_interval": (agree, agree_high or agree),
        "accuracy": 0.8,
        "accuracy_drop": drop,
        "accuracy_drop_interval": (low, drop),
    }


def test_gate():
    report = report_of(0.97, 0.05)
    export.ParityGate(0.97, 0.05).check(report)
    # At a threshold, where floats would say otherwise.
    export.ParityGate(0.95, 0.01).check(report_of(0.95, 0.85 - 0.84))
    with pytest.raises(ValueError, match="80.00%, 5.00% below.*than 1.00%"):
        export.ParityGate(0.95, 0.01).check(report)
    with pytest.raises(ValueError, match="97.00% .*, less than 98.00%"):
        export.ParityGate(0.98, 0.05).check(report)
    # Beyond both thresholds, but not as far as the images can tell.
    export.ParityGate(0.98, 0.01).check(report_of(0.97, 0.05, 0.98, 0.01))
    with pytest.raises(ValueError, match="min_agreement=95"):
        export.ParityGate(95)


def test_two_images_of_139_are_no_reason(classifiers):
    """The same file is refused where a tenth of many images is worse."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (139, 8, 8, 3), "uint8")
    path = classifiers["c.tflite"]
    answers = open_model(path).predict(images)
    labels = answers.argmax(axis=1)
    # The network would be right about two images, or forty, that the file
    # has wrong.
    for wrong, refused in ((2, False), (40, True)):
        truth = labels.copy()
        truth[:wrong] = (truth[:wrong] + 1) % answers.shape[1]
        network = np.eye(answers.shape[1])[truth]
        report = export.verify(path, images, network, truth)
        assert report["accuracy_drop"] == pytest.approx(wrong / 139)
        low, high = report["accuracy_drop_interval"]
        assert low <= wrong / 139 <= high
        if refused:
            with pytest.raises(ValueError, match="not kept"):
                export.ParityGate().check(report)
        else:
            export.ParityGate().check(report)


def test_the_gate_looks_at_other_images(tmp_path):
    """Held-out images are measured, and decide nothing."""
    network = make_colour_network()
    logits = network.predict(IMAGES.astype("float32"), verbose=0)
    labels = logits.argmax(axis=1)
    wrong = np.roll(logits, 1, axis=1)
    deliver = functools.partial(
        export.deliver,
        functools.partial(export.export_tflite, network),
        tmp_path / "c.tflite",
        lambda report: INFO,
        IMAGES,
    )
    report = deliver(
        wrong, labels, export.ParityGate(), (IMAGES, logits, labels)
    )
    assert report["agreement"] == 0.0
    with pytest.raises(ValueError, match="not kept"):
        deliver(logits, labels, export.ParityGate(), (IMAGES, wrong, labels))


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
